# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small world in virtual time that runs a play as linear does, and reacts to what an engine tells it. Nothing sleeps, nothing is random.

A task begins when all hosts are through with the one before; at most `lanes` hosts work at once. What happens to a task is the scene's to say.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.config import EngineConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.engine import Engine
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policies import DEFAULT
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Instruction
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import (
    Event,
    ExecutionStarted,
    HostRecovered,
    HostUnavailable,
    PlayStarted,
    TaskCompleted,
    TaskFailed,
    TaskRef,
)

RUN = "scene"
SAMPLED = 5.0  # seconds between two looks at resources


@dataclass(frozen=True)
class Outcome:
    """What a try of a task comes to, after `seconds`."""

    seconds: float
    message: str = ""
    away: bool = False  # the host went away before the task began
    started: bool = True
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class Scene:
    """`work` says what a try comes to; `resources` what is seen of resources. `failing`: fields of TaskFailed. `is_up`: whether a host answers."""

    hosts: tuple[str, ...]
    work: Callable[[World, str, int, int], Outcome]
    tasks: int = 1
    lanes: int = 100
    host_class: str = "ssh/linux"
    traits: tuple[str, ...] = ()
    failing: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    resources: Callable[[World], Iterable[Event]] = lambda world: ()
    is_up: Callable[[World, str], bool] = lambda world, host: True


class World:
    """What an instruction changes, a scene reads: lanes, order, path, timeout, ordering, prepared, batch."""

    def __init__(self, scene: Scene, *, engine: bool, without: str = "") -> None:
        self.scene = scene
        self.now = 0.0
        self.lanes = scene.lanes
        self.order = scene.hosts
        self.path = "agent"
        self.timeout = 10.0
        self.ordering = "causal"
        self.prepared = dict.fromkeys(scene.hosts, 1)  # how often
        self.batch = dict.fromkeys(scene.hosts, 200)
        self.memory = 0.2  # of the controller, part of it that is used
        self.failed: set[str] = set()
        self.done = 0
        self.ended = False
        self.told: list[Instruction] = []
        self.working: set[str] = set()
        policies = [policy for policy in DEFAULT if policy.name != without]
        self.engine = Engine(EngineConfig(**scene.config), policies=policies) if engine else None
        self._ready: list[tuple[str, int]] = []
        self._left: set[str] = set()
        self._task = -1
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count(1)

    def run(self, limit: float = 100_000) -> World:
        self._publish(ExecutionStarted(forks=self.scene.lanes))
        self._publish(PlayStarted(hosts=self.scene.hosts))
        self._at(0, self._next_task)
        self._every(1.0, self._tick)
        self._every(SAMPLED, lambda: [self._publish(event) for event in self.scene.resources(self)])
        while self._agenda and not self.ended and self.now < limit:
            self.now, _number, action = heapq.heappop(self._agenda)
            action()
        return self

    # -- the play

    def _next_task(self) -> None:
        self._task += 1
        alive = [host for host in self.order if host not in self.failed]
        if self._task == self.scene.tasks or not alive:
            self.ended = True
            return
        self._left = set(alive)
        self._ready = [(host, 1) for host in alive]
        self._begin()

    def _begin(self) -> None:
        while self._ready and len(self.working) < self.lanes and not self.ended:
            host, attempt = self._ready.pop(0)
            self.working.add(host)
            outcome = self.scene.work(self, host, self._task, attempt)
            self._at(outcome.seconds, partial(self._end, host, attempt, outcome))

    def _end(self, host: str, attempt: int, outcome: Outcome) -> None:
        self.working.discard(host)
        fields: dict[str, Any] = {"task": self._ref(), "host": host, "attempt": attempt, "host_class": self.scene.host_class}
        for event in outcome.events:
            self._publish(event)
        if outcome.away:
            self._held(host, attempt, HostUnavailable(host=host, message=outcome.message))
        elif outcome.message:
            held = {"idempotent": True, "started": outcome.started} | self.scene.failing
            self._held(host, attempt, TaskFailed(**fields, message=outcome.message, final=False, **held))
        else:
            self.done += 1
            self._publish(TaskCompleted(**fields, duration=outcome.seconds, path=self.path))
            self._through(host)
        self._begin()

    def _held(self, host: str, attempt: int, event: Event) -> None:
        for instruction in self._publish(event):
            if instruction.decision.target == host:
                self._follow(host, attempt, instruction)
                return
        if not self.ended:
            self._fail(host, event)

    def _fail(self, host: str, event: Event | None = None) -> None:
        self.failed.add(host)
        if isinstance(event, TaskFailed):
            self._publish(replace(event, final=True, sequence=0))
        self._through(host)

    def _through(self, host: str) -> None:
        self._left.discard(host)
        if not self._left:
            self._at(0, self._next_task)

    def _again(self, host: str, attempt: int) -> None:
        self._ready.append((host, attempt + 1))
        self._begin()

    def _ref(self) -> TaskRef:
        name = f"task {self._task}"
        return TaskRef(task_id=name, identity=name, name=name, module="ansible.builtin.command", traits=self.scene.traits)

    # -- the engine

    def _publish(self, event: Event) -> tuple[Instruction, ...]:
        if self.engine is None:
            return ()
        number = next(self._numbers)
        told = self.engine.handle(replace(event, execution=RUN, sequence=number, monotonic=self.now), self.now)
        self._take(told)
        return told

    def _tick(self) -> None:
        if self.engine is None:
            return
        for instruction in self._take(self.engine.tick(self.now)):
            if instruction.decision.kind is AdaptationKind.REPORT:
                self._fail(instruction.decision.target)

    def _take(self, told: tuple[Instruction, ...]) -> tuple[Instruction, ...]:
        """Do at once what is about the run and not about a task."""
        self.told += told
        for instruction in told:
            changes = instruction.decision.changes
            match instruction.decision.kind:
                case AdaptationKind.HALT:
                    self.ended = True
                case AdaptationKind.SCALE:
                    self.lanes = changes.get("lanes", self.lanes)
                    self.batch[instruction.decision.target] = changes.get("batch", 0)
                case AdaptationKind.TOGGLE:
                    self.path = changes["path"]
                case AdaptationKind.PARAMETERS:
                    self.timeout = changes["timeout"]
                case AdaptationKind.STRATEGY:
                    self.ordering = changes["ordering"]
                case AdaptationKind.REORDER:
                    self.order = changes["hosts"]
                case _:
                    continue
            if self.engine is not None:
                self._take(self.engine.applied(instruction.adaptation, True if instruction.undo else None, self.now))
        return told

    def _follow(self, host: str, attempt: int, instruction: Instruction) -> None:
        """Do what is said about a task that is held back."""
        changes = instruction.decision.changes
        match instruction.decision.kind:
            case AdaptationKind.RETRY:
                self._at(changes["after"], lambda: self._again(host, attempt))
            case AdaptationKind.WAIT:
                self._look(host, attempt, changes["every"], since=self.now)
            case AdaptationKind.REPLAN:
                self.prepared[host] += 1
                self._again(host, attempt)
            case AdaptationKind.REALLOCATE | AdaptationKind.FAILOVER:
                outcome = self.scene.work(self, changes["host"], self._task, attempt + 1)
                self._at(outcome.seconds, lambda: self._end(host, attempt + 1, outcome))
            case AdaptationKind.SKIP:
                if self.engine is not None:
                    self.engine.applied(instruction.adaptation, True, self.now)
                self._through(host)
            case _:
                self._fail(host)

    def _look(self, host: str, attempt: int, every: float, *, since: float) -> None:
        if host in self.failed:
            return
        if self.scene.is_up(self, host):
            self._publish(HostRecovered(host=host, seconds=self.now - since))
            self._again(host, attempt)
        else:
            self._at(every, lambda: self._look(host, attempt, every, since=since))

    # -- time

    def _at(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.now + seconds, next(self._numbers), action))

    def _every(self, seconds: float, action: Callable[[], object]) -> None:
        def again() -> None:
            action()
            self._at(seconds, again)

        self._at(seconds, again)
