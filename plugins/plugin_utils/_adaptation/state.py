# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the engine knows of one run: taken from its events, read by policies.

Rule 1: a message that came twice changes nothing, and neither does one that another about the same thing has overtaken.
Rule 2: only ``take`` writes what events say; what a policy remembers is its own, in ``of``.
Rule 3: everything in here is bounded by hosts, by tasks that failed, or by a window.
"""
from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.classification import UNKNOWN, Classifier
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.config import EngineConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import (
    Event,
    ExecutionStarted,
    HostRecovered,
    HostUnavailable,
    PlayStarted,
    TaskCompleted,
    TaskEnded,
    TaskFailed,
)

__all__ = ['HostState', 'RunState']

_REMEMBERED = 4096  # sequence numbers; a message that is further behind is too late to matter
_MANY_TASKS = 2048

T = t.TypeVar('T')


@dataclasses.dataclass(slots=True)
class HostState:
    """A host in one run. ``away_since``: monotonic seconds, None while it answers. ``waited``: for earlier absences. ``absences``: the present one too.

    ``slowness``: how long its tasks take against the mean of all hosts, smoothed; 1 is usual. ``measured``: by how many tasks.
    ``failure``: the class of what it has failed with for good, empty while it has not. ``seen``: it has answered in this run.
    """

    host_class: str = ''
    away_since: float | None = None
    waited: float = 0.0
    absences: int = 0
    slowness: float = 1.0
    measured: int = 0
    failure: str = ''
    seen: bool = False

    @property
    def answers(self) -> bool:
        return self.away_since is None


class RunState:
    """``hosts``: of the present play, in its order. ``forks``: how many of them may be at work at once; 0: not known."""

    def __init__(self, execution: str, config: EngineConfig, classifier: Classifier) -> None:
        self.execution = execution
        self.config = config
        self.forks = 0
        self.play = ''
        self.hosts: tuple[str, ...] = ()
        self.halted = False
        self._classifier = classifier
        self._known: dict[str, HostState] = {}
        self._tries: dict[tuple[str, str], int] = {}
        self._handled: dict[tuple[str, str], int] = {}  # sequence of the newest end of a task on a host that failed there once
        self._given_up: set[tuple[str, str]] = set()
        self._availability: dict[str, int] = {}
        self._durations: dict[str, tuple[float, int]] = {}  # of a task: mean, hosts
        self._memories: dict[type, t.Any] = {}
        self._seen: set[int] = set()
        self._order: collections.deque[int] = collections.deque()

    # -- what policies read

    def host(self, name: str) -> HostState:
        """What is known of a host; the same object each time."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = HostState()
        return known

    def of(self, kind: type[T]) -> T:
        """What a policy remembers of this run: an instance of a class of its own, made without arguments at first."""
        memory: T | None = self._memories.get(kind)
        if memory is None:
            memory = self._memories[kind] = kind()
        return memory

    def asks(self, event: Event) -> bool:
        """Whether it is a failure that is held back until the engine has spoken. Where nobody can act none is, and what is final is advised on."""
        return isinstance(event, TaskFailed) and not event.ignored and (not event.final or not self.config.acts)

    def is_transient(self, event: TaskFailed) -> bool:
        """Whether such a failure may go away by itself, or it is not known what it is and the play wants it tried again."""
        error = self._classifier.by_code(event.error_class)
        return error.transient or (error is UNKNOWN and event.retry_declared is True)

    def is_passing(self, event: HostUnavailable) -> bool:
        """Whether a host may be away for a reason that goes away by itself: not one that refused the login."""
        return self._classifier.of_message(event.message, unreachable=True).transient

    def is_given_up(self, event: TaskFailed) -> bool:
        """Whether who should repeat the task on its host has said that it cannot."""
        return (event.task.task_id, event.host) in self._given_up

    def patience(self, code: str) -> float:
        """Seconds to the second try of a failure of that class."""
        return self._classifier.delay(code) or self.config.backoff

    def text(self, code: str) -> str:
        """A class of failures in words."""
        return self._classifier.by_code(code).text or code

    def wait_left(self, host: HostState, now: float) -> float:
        """Seconds for which a host that is away may still be waited for; 0 for one that comes and goes."""
        if host.absences > self.config.max_tries:
            return 0.0
        away = 0.0 if host.away_since is None else now - host.away_since
        limit = self.config.wait_limit if host.seen else min(self.config.wait_limit, self.config.first_wait)
        return max(0.0, limit - host.waited - away)

    def failed_hosts(self) -> dict[str, str]:
        """Hosts of the play that have failed for good, each with the class of its failure."""
        return {name: self._known[name].failure for name in self.hosts if name in self._known and self._known[name].failure}

    # -- what events say

    def give_up(self, event: TaskFailed) -> None:
        """The task cannot be repeated on its host."""
        self._given_up.add((event.task.task_id, event.host))

    def take(self, event: Event, now: float) -> bool:
        """Learn from an event. False: it is a duplicate or was overtaken, and nobody is to look at it."""
        if event.sequence and not self._is_new(event.sequence):
            return False
        if isinstance(event, TaskEnded):
            return self._take_end(event, now)
        if isinstance(event, (HostUnavailable, HostRecovered)):
            return self._take_availability(event, now)
        if isinstance(event, ExecutionStarted):
            self.forks = event.forks
        elif isinstance(event, PlayStarted):
            self.play = event.play
            self.hosts = event.hosts
        return True

    def _is_new(self, sequence: int) -> bool:
        if sequence in self._seen or (len(self._order) >= _REMEMBERED and sequence < self._order[0]):
            return False
        self._seen.add(sequence)
        self._order.append(sequence)
        if len(self._order) > _REMEMBERED:
            self._seen.discard(self._order.popleft())
        return True

    def _take_end(self, event: TaskEnded, now: float) -> bool:
        host = self.host(event.host)
        host.host_class = event.host_class or host.host_class
        host.seen = host.seen or not isinstance(event, TaskFailed) or not event.unreachable
        key = (event.task.task_id, event.host)
        if isinstance(event, TaskFailed):
            if self._is_overtaken(self._handled, key, event) or (not event.sequence and event.attempt <= self._tries.get(key, 0)):
                return False
            if event.final:
                self._tries.pop(key, None)
                if not event.ignored and not event.declared:
                    host.failure = event.error_class or UNKNOWN.code
            else:
                self._tries[key] = event.attempt
            return True
        if event.attempt > 1 or key in self._handled:  # else it has not failed before, and nothing can be on its way still
            if self._is_overtaken(self._handled, key, event):
                return False
            self._tries.pop(key, None)
        if isinstance(event, TaskCompleted) and event.duration is not None:
            self._measure(event.task.identity, host, event.duration)
        return True

    def _take_availability(self, event: HostUnavailable | HostRecovered, now: float) -> bool:
        if self._is_overtaken(self._availability, event.host, event):
            return False
        host = self.host(event.host)
        if isinstance(event, HostUnavailable):
            if host.away_since is None:
                host.away_since = now
                host.absences += 1
        elif host.away_since is not None:
            host.waited += max(0.0, now - host.away_since)
            host.away_since = None
            host.seen = True
        return True

    @staticmethod
    def _is_overtaken(newest: dict[t.Any, int], key: t.Any, event: Event) -> bool:
        """Whether a later message about the same thing was here before this one."""
        if event.sequence and event.sequence < newest.get(key, 0):
            return True
        newest[key] = event.sequence
        return False

    def _measure(self, task: str, host: HostState, duration: float) -> None:
        mean, count = self._durations.get(task, (0.0, 0))
        if not count and len(self._durations) >= _MANY_TASKS:
            return
        mean += (duration - mean) / (count + 1)
        self._durations[task] = mean, count + 1
        if mean > 0 and count:  # the first host of a task has nobody to be compared with
            host.slowness += (duration / mean - host.slowness) * 0.3
            host.measured += 1
