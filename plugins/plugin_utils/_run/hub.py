# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hub: one selector loop that carries questions of executions to agents and answers back.

Rule 1: everything happens in the strategy's thread; turn() is the only place that waits.
Rule 2: the entries of a lane (a host) start in the order in which they were submitted, whatever agent they go to.
Rule 3: at most ``forks`` hosts are at work at once, short commands without an agent included.
Rule 4: an entry is sent once. What an agent says it dropped never ran; what is not known after a loss is reported, never repeated.
"""
from __future__ import annotations

import collections
import dataclasses
import functools
import heapq
import itertools
import selectors
import time
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._agent import events
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import Question, Shell, Sleep, Target, TargetLost

from . import wire
from .room import Room
from .shell import ShellRun
from .telling import Telling

__all__ = ['Errand', 'Hub', 'Lane', 'unreached']

BUNDLE_LIMIT = 32 << 20  # bytes of files beside the entries of one message
CLOSING_TIME = 1.0
START_LIMIT = 120.0


@dataclasses.dataclass(eq=False)
class Errand:
    """A question on its way: whose, and what became of it."""

    lane: Lane
    execution: t.Any
    question: Question
    group: int | None = None
    number: int = 0
    epoch: int = 0
    calls: dict[int, t.Any] = dataclasses.field(default_factory=dict)
    started: bool = False
    answered: bool = False
    abandoned: bool = False
    timed_out: bool = False
    answer: t.Any = None
    timer: t.Any = None
    queued_at: float | None = None
    bundle: t.Any = None  # what it is told of as a part of


class Lane:
    """What is under way for one host. It outlives plays: agents remember its epoch."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = 1
        self.outbox: collections.deque[Errand] = collections.deque()
        self.flying: dict[int, Errand] = {}
        self.agent: Agent | None = None
        self.used: set[str] = set()  # keys of agents

    def tidy(self) -> None:
        """Nothing that is abandoned shall be sent."""
        self.outbox = collections.deque(errand for errand in self.outbox if not errand.abandoned)


class Agent:
    """One agent process: its connection, and whose entries it holds."""

    def __init__(self, target: Target, connection: t.Any) -> None:
        self.target = target
        self.connection = connection
        self.errands: dict[int, Errand] = {}
        self.timer: t.Any = None  # until it is ready
        self.retired = False


class Timer:
    def __init__(self, callback: t.Callable[[], None]) -> None:
        self.callback: t.Callable[[], None] | None = callback


class Hub:
    """``launch(target)`` makes a started-able agent connection; ``payload_of(module)`` gives (payload sha, module_utils);
    ``payload_data(sha)`` its bytes; ``changed(execution)`` is told after each resumption of an execution,
    ``stopped(execution)`` when its outcome is one that the controller has to judge."""

    def __init__(self, *, launch: t.Callable[[selectors.BaseSelector, Target, t.Callable[..., None]], t.Any], payload_of: wire.PayloadOf,
                 payload_data: t.Callable[[str], bytes], changed: t.Callable[[t.Any], None], stopped: t.Callable[[t.Any], None],
                 unavailable: t.Callable[[t.Any, TargetLost], None], telling: Telling) -> None:
        self.selector = selectors.DefaultSelector()
        self.agents: dict[str, Agent] = {}
        self.forks = 5
        self.order: t.Mapping[str, int] = {}  # hosts that are served before others, by their place
        self.goes_on: t.Callable[[str], bool] = lambda host: True  # whether a host has more to do in this play
        self.start_limit = START_LIMIT
        self.sent_bundles = 0
        self.trips: collections.Counter[str] = collections.Counter()
        self._launch = launch
        self._payload_of = payload_of
        self._payload_data = payload_data
        self._changed = changed
        self._stopped = stopped
        self._unavailable = unavailable
        self.telling = telling
        self.room = Room(self)
        self._numbers = itertools.count(1)
        self._groups = itertools.count(1)
        self._timers: list[tuple[float, int, Timer]] = []
        self._all_lanes: dict[str, Lane] = {}
        self._lanes: dict[str, Lane] = {}  # with something to send, oldest first
        self._active: set[str] = set()
        self.owners: dict[t.Any, Agent] = {}
        self._shells: list[ShellRun] = []
        self._waiting_shells: collections.deque[tuple[Shell, t.Any]] = collections.deque()

    # -- submitting

    def lane(self, host: str) -> Lane:
        """The lane of a host."""
        return self._all_lanes.setdefault(host, Lane(host))

    def submit(self, lane: Lane, execution: t.Any) -> None:
        """Take up what the execution waits for."""
        waiting = execution.waiting_for
        if isinstance(waiting, Sleep):
            self.after(waiting.seconds, lambda: self._resume(execution))
            return
        if isinstance(waiting, Shell):
            self._waiting_shells.append((waiting, execution))
            return
        group = next(self._groups) if isinstance(waiting, list) else None
        questions = waiting if isinstance(waiting, list) else [waiting]
        now = time.monotonic()
        execution.errands = [Errand(lane, execution, question, group, queued_at=now) for question in questions]
        lane.outbox.extend(execution.errands)
        self._lanes.setdefault(lane.name, lane)

    def withdraw(self, lane: Lane) -> None:
        """What belongs to dropped executions shall not start, wherever it is by now."""
        lane.tidy()
        if lane.agent is not None and any(errand.abandoned for errand in lane.flying.values()):
            lane.agent.connection.send({'t': 'cancel', 'lane': lane.name})
            lane.epoch += 1

    def retire(self, lane: Lane) -> None:
        """The agents that this lane has used take no more entries; each ends when it has nothing left to do."""
        for key in lane.used:
            self.retire_agent(key)
        lane.used.clear()

    def retire_agent(self, key: str) -> None:
        agent = self.agents.pop(key, None)
        if agent is not None:
            agent.retired = True
            self._end_if_retired(agent)

    def _end_if_retired(self, agent: Agent) -> None:
        if agent.retired and not agent.errands:
            agent.connection.close()

    def rouse(self) -> None:
        """Send what may be sent now if no host is at work."""
        if not self._active:
            self.flush()

    def flush(self) -> None:
        """Send what may be sent now, one bundle an agent."""
        while self._waiting_shells and self._free_forks() and self.room.for_agent():
            shell, execution = self._waiting_shells.popleft()
            if execution.waiting_for is shell:
                self._shells.append(ShellRun(self, shell, functools.partial(self._resume, execution)))
        bundles: dict[str, tuple[Agent, list[dict[str, t.Any]], list[bytes]]] = {}
        sent: list[Errand] = []
        lanes = list(self._lanes.values())
        if self.order:
            lanes.sort(key=lambda lane: self.order.get(lane.name, len(self.order)))
        for lane in lanes:
            if not lane.outbox:
                del self._lanes[lane.name]
                continue
            if lane.name not in self._active and not self._free_forks():
                continue
            size = 0
            while lane.outbox and size < BUNDLE_LIMIT:
                errand = lane.outbox[0]
                if errand.abandoned:
                    lane.outbox.popleft()
                    continue
                target = errand.question.call.target
                if target.key not in self.agents and not self.room.for_agent():
                    break
                agent = self._agent(target)
                if lane.flying and agent is not lane.agent:
                    break
                lane.outbox.popleft()
                if agent is None:
                    self._refuse(errand)
                    continue
                lane.agent = agent
                lane.used.add(agent.target.key)
                self._active.add(lane.name)
                self.trips[lane.name] += not lane.flying  # what joins others under way costs no round trip of its own
                _agent, entries, blobs = bundles.setdefault(agent.target.key, (agent, [], []))
                errand.number, errand.epoch = next(self._numbers), lane.epoch
                entry, errand.calls = wire.entry_of(
                    errand.question, number=errand.number, lane=lane.name, epoch=errand.epoch, group=errand.group, blobs=blobs,
                    payload_of=self._payload_of)
                entries.append(entry)
                size = sum(map(len, blobs))
                lane.flying[errand.number] = agent.errands[errand.number] = errand
                sent.append(errand)
            if not lane.outbox:
                self._lanes.pop(lane.name, None)
        for agent, entries, blobs in bundles.values():
            self.sent_bundles += 1
            agent.connection.send({'t': 'run', 'entries': entries}, blobs)
        if sent and self.telling.heard:
            for host, errands in itertools.groupby(sent, key=lambda errand: errand.lane.name):
                self.telling.sent(host, list(errands))

    def knows(self, lane: Lane) -> bool:
        """Whether an agent serves the host."""
        return any(key in self.agents and self.agents[key].timer.callback is None for key in lane.used)

    @property
    def at_work(self) -> bool:
        return bool(self._active or self._shells)

    def idle_agents(self) -> list[Agent]:
        """Those that nobody waits for, nor is about to, in the order in which they were started."""
        wanted = {errand.question.call.target.key for lane in self._lanes.values() for errand in lane.outbox}
        return [agent for key, agent in self.agents.items() if not agent.errands and key not in wanted]

    def needed_agents(self) -> set[str]:
        """Keys of those of hosts that have more to do in this play."""
        return {key for lane in self._all_lanes.values() if self.goes_on(lane.name) for key in lane.used}

    def _free_forks(self) -> bool:
        return len(self._active) + len(self._shells) < self.forks

    def _agent(self, target: Target) -> Agent | None:
        agent = self.agents.get(target.key)
        if agent is None:
            launched = self._launch(self.selector, target, self._event)
            if launched is None:
                return None
            connection, started = launched
            agent = self.agents[target.key] = Agent(target, connection)
            self.owners[connection] = agent
            agent.timer = self.after(self.start_limit, lambda: self._give_up(agent))
            self.telling.health.begins()
            connection.start()
            started()
            if connection.closed:
                return None  # the command could not be started
        return agent

    def _give_up(self, agent: Agent) -> None:
        if not agent.connection.closed:
            agent.connection.kill()
            self._lost(agent, events.Lost('connect', f'no agent within {self.start_limit:.0f} seconds'))

    def _refuse(self, errand: Errand) -> None:
        self._unavailable(errand.execution, TargetLost('no agent', phase='connect', rc=None, stderr='', started=False))

    # -- waiting

    @property
    def busy(self) -> bool:
        return bool(self._active or self._lanes or self._shells or self._waiting_shells
                    or any(timer.callback is not None for _when, _number, timer in self._timers))

    def turn(self, timeout: float) -> None:
        """Wait up to ``timeout`` seconds for something to happen and deal with it."""
        self.telling.health.look()
        self.flush()
        now = time.monotonic()
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        if self._timers:
            timeout = max(0.0, min(timeout, self._timers[0][0] - now))
        for key, mask in self.selector.select(timeout):
            key.data(mask)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            callback = heapq.heappop(self._timers)[2].callback
            if callback is not None:
                callback()
        self.flush()

    def after(self, seconds: float, callback: t.Callable[[], None]) -> Timer:
        timer = Timer(callback)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), timer))
        return timer

    def ended(self, shell: ShellRun) -> None:
        self._shells.remove(shell)

    def close(self) -> None:
        """End all agents."""
        for run in self._shells:
            run.kill()
        for shell, _execution in self._waiting_shells:
            shell.options.get('settled', lambda: None)()
        self.agents.clear()
        for connection in self.owners:
            connection.close()
        deadline = time.monotonic() + CLOSING_TIME
        while any(not connection.closed for connection in self.owners) and time.monotonic() < deadline:
            for key, mask in self.selector.select(0.05):
                key.data(mask)
        for connection in self.owners:
            if not connection.closed:
                connection.kill()
        self.owners.clear()

    # -- what agents say

    def _event(self, connection: t.Any, event: t.Any) -> None:
        agent = self.owners[connection]
        if isinstance(event, events.Done):
            self._done(agent, event)
        elif isinstance(event, events.Started):
            self._started(agent, event)
        elif isinstance(event, events.Dropped):
            for number in event.ids:
                self._dropped(agent, number)
        elif isinstance(event, events.Need):
            for sha in event.shas:
                connection.send({'t': 'blob', 'sha': sha}, [self._payload_data(sha)])
        elif isinstance(event, events.Ready):
            agent.timer.callback = None
        elif isinstance(event, events.Lost):
            self._lost(agent, event)

    def _started(self, agent: Agent, event: t.Any) -> None:
        errand = agent.errands.get(event.id)
        if errand is None:
            return
        errand.started = True
        if errand.question.timeout and not errand.abandoned:
            errand.timer = self.after(errand.question.timeout, lambda: self._time_out(agent, errand))

    def _time_out(self, agent: Agent, errand: Errand) -> None:
        """The entry is killed. Other items of its loop go on, as under stock; nothing else is behind it (prospects.ends_bundle)."""
        agent.connection.send({'t': 'kill', 'id': errand.number})
        errand.answered, errand.answer, errand.timed_out = True, errand.execution.timed_out(errand.question), True
        errand.lane.epoch = max(errand.lane.epoch, errand.epoch + 1)
        self._stopped(errand.execution)
        self._maybe_resume(errand.execution)

    def _land(self, agent: Agent, number: int) -> Errand | None:
        errand = agent.errands.pop(number, None)
        if errand is not None:
            lane = errand.lane
            lane.flying.pop(number, None)
            if errand.timer is not None:
                errand.timer.callback = None
            if not lane.flying:
                self._active.discard(lane.name)
                if lane.outbox:
                    self._lanes.setdefault(lane.name, lane)
            self._end_if_retired(agent)
        return errand

    def _done(self, agent: Agent, event: t.Any) -> None:
        errand = self._land(agent, event.id)
        if errand is None:
            return
        self.telling.came(errand, event.steps)
        self.telling.health.host(errand.lane.name, event.health)
        if event.stop is not None:
            errand.lane.epoch = max(errand.lane.epoch, errand.epoch + 1)
            self._stopped(errand.execution)
        if errand.abandoned or errand.timed_out:
            return
        execution = errand.execution
        if wire.no_directory(event.steps) and not execution.begun and not any(other.answered for other in execution.errands):
            # nothing of it has run: stock says best what is wrong
            self._unavailable(execution, TargetLost('no temporary directory', phase='tmp', rc=None, stderr='', started=False))
            return
        errand.answered, errand.answer = True, wire.answer_of(errand.calls, event.steps)
        self._maybe_resume(execution)

    def _dropped(self, agent: Agent, number: int) -> None:
        errand = self._land(agent, number)
        if errand is not None:
            self.telling.dropped(errand)
        if errand is not None and not errand.abandoned and not errand.timed_out:
            errand.lane.epoch = max(errand.lane.epoch, errand.epoch + 1)
            kept = errand.execution.claimed or errand.execution.begun
            if kept and errand.group is None:
                # it never ran: once more, behind what stopped the lane
                errand.lane.outbox.appendleft(errand)
                self._lanes.setdefault(errand.lane.name, errand.lane)
                return
            errand.answered, errand.answer = True, None
            if kept:
                self._maybe_resume(errand.execution)
            else:
                self._forget(errand.execution)

    def _forget(self, execution: t.Any) -> None:
        for errand in execution.errands:
            errand.abandoned = True
        execution.drop()
        self._changed(execution)

    def _maybe_resume(self, execution: t.Any) -> None:
        errands = execution.errands
        if all(errand.answered for errand in errands):
            answers = [errand.answer for errand in errands]
            self._resume(execution, answers if errands[0].group is not None else answers[0])

    def _resume(self, execution: t.Any, answer: t.Any = None) -> None:
        if execution.waiting_for is not None:
            execution.resume(answer)
            self._changed(execution)

    def _lost(self, agent: Agent, event: t.Any) -> None:
        agent.timer.callback = None
        if event.phase == 'connect' and event.rc in (None, 255):  # ssh itself, or nothing that answers; not a host that lacks something
            self.telling.health.unreached()
        if self.agents.get(agent.target.key) is agent:
            del self.agents[agent.target.key]
        errands, agent.errands = [errand for _number, errand in sorted(agent.errands.items())], {}
        unsent = {entry['id'] for header in agent.connection.unsent for entry in header.get('entries', ())}
        for errand in errands:
            self.telling.dropped(errand, lost=True)
            errand.lane.flying.pop(errand.number, None)
            if not errand.lane.flying:
                self._active.discard(errand.lane.name)
            errand.lane.epoch += 1
            if errand.timer is not None:
                errand.timer.callback = None
        told: set[int] = set()
        for errand in errands:
            execution, lane = errand.execution, errand.lane
            if errand.abandoned or errand.timed_out or id(execution) in told:
                continue
            told.add(id(execution))
            # an agent that ran may have come as far as everything it was sent: that is not known, and so it is never sent again
            started = event.phase == 'running' and any(not other.answered and other.number not in unsent for other in execution.errands)
            for other in execution.errands:
                other.abandoned = True
            lane.tidy()
            words = _obituary(event, execution) if started else _plain(event, errand.question)
            lost = TargetLost(words, phase=event.phase, rc=event.rc, stderr=event.stderr, started=started)
            if started or execution.begun or any(e.answered for e in execution.errands):
                execution.lost(lost)
                self._changed(execution)
            elif execution.claimed:
                self._unavailable(execution, lost)
            else:
                self._forget(execution)
        for lane in {id(errand.lane): errand.lane for errand in errands}.values():
            for errand in list(lane.outbox):  # for another agent, behind what was lost
                if not errand.execution.claimed and not errand.execution.begun and not errand.abandoned:
                    self._forget(errand.execution)


def unreached(lost: t.Any, question: Question) -> bool:
    """Whether ssh itself has failed, so that its words are those of the ssh connection plugin."""
    return lost.phase == 'connect' and lost.rc == 255 and not question.call.target.password


def _plain(event: t.Any, question: Question) -> str:
    """Why nothing could be asked, in the words that stock has for it."""
    if not unreached(event, question):
        return event.message
    if question.piped is not None and question.piped():
        return f'Data could not be sent to remote host "{question.call.target.label}". Make sure this host can be reached over ssh: {event.stderr}'
    return f'Failed to connect to the host via ssh: {event.stderr.rstrip()}'


def _obituary(event: t.Any, execution: t.Any) -> str:
    """What a person wants to know of a lost agent: what was under way, what had finished, and that nothing is done twice."""
    under_way = [other for other in execution.run.under_way() if other.errands]
    finished = [other.task.get_name() for other in under_way if other is not execution and all(e.answered for e in other.errands)]
    first = next((other for other in under_way if not all(e.answered for e in other.errands)), execution)
    what = f'running: {first.task.get_name()!r}' if first is execution else f'possibly begun: {execution.task.get_name()!r}, after {first.task.get_name()!r}'
    done = ', '.join(map(repr, finished)) or 'nothing that is not shown above'
    return f'{event.message}. Outcome unknown, {what}; finished: {done}. Nothing of it is run again.'
