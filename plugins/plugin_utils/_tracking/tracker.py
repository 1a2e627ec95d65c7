# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far a run is: events in, a frozen picture out.

Rule 1: an event counts once, whatever its place; what comes twice or late changes nothing that it has changed before.
Rule 2: work is counted in results (a task on a host, each time). What is to come is what each play has said of its tasks, and grows when more turn up.
Rule 3: the part that is done never goes back, and is 1 only when the run has ended.
"""
from __future__ import annotations

import collections
import dataclasses
import math
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import (
    BundleSent,
    Event,
    ExecutionCompleted,
    ExecutionStarted,
    ExecutionStatus,
    HostRecovered,
    HostUnavailable,
    PlayStarted,
    TaskCompleted,
    TaskEnded,
    TaskFailed,
    TaskProgress,
    TaskRef,
    TaskSkipped,
    TaskStarted,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord, Record
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.replay import replayed

__all__ = ['Active', 'ExecutionTracker', 'Outlook', 'Placed', 'Progress', 'Queue', 'Remaining']

_WINDOW = 30.0  # seconds that throughput looks back
_FORECAST_EVERY = 0.9  # seconds between two forecasts at least
_FORECAST_COST = 0.001  # more of them for each task on each host, since a forecast takes time too


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Active:
    """A task under way on a host. ``since``: monotonic seconds. ``done`` of ``total`` items, where it is a loop."""

    task: TaskRef
    host: str
    since: float
    done: int = 0
    total: int | None = None
    host_class: str = ''


class Placed(t.NamedTuple):
    """A task by what history knows it by. ``order``: its place in the play; hosts may wait for each other at the same place."""

    identity: str
    module: str
    order: int


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """A host of the play that runs: what it has done, what it does since so many seconds, and what is still before it."""

    host: str
    host_class: str = ''
    done: tuple[Placed, ...] = ()
    running: Placed | None = None
    since: float = 0.0
    left: tuple[Placed, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Remaining:
    """What a forecast is made from. ``elapsed``: seconds since the play began. ``strategy``: the play's."""

    elapsed: float
    strategy: str
    queues: tuple[Queue, ...]


Outlook = tuple[float, float]
"""Seconds that are left, as a range that holds the truth in four of five cases."""

Forecast = t.Callable[[Remaining], 'Outlook | None']


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """A picture of a run. ``share``: of its results that are there, 0 to 1; ``total`` and ``share`` are None where nothing is known of what is to come.
    ``total``: by the end of the play that runs; plays count alike for ``share``, since nothing is known of the later ones.

    ``left``: seconds, None without history. ``rate``: results a second lately. ``errors``: share of results that failed. ``round_trips``: of the
    agents so far, None where nothing was sent to one.
    """

    execution: str
    status: ExecutionStatus
    playbook: str
    play: str
    batch: int
    elapsed: float
    done: int
    total: int | None
    share: float | None
    ok: int
    changed: int
    failed: int
    ignored: int
    skipped: int
    unreachable: int
    hosts: int
    hosts_failed: int
    hosts_away: tuple[str, ...]
    active: tuple[Active, ...]
    slowest: str
    rate: float
    errors: float
    left: Outlook | None
    bundles: int
    round_trips: int | None = None


class ExecutionTracker:
    """Of one run; another run's events are passed over. ``forecast`` says how long the rest takes."""

    def __init__(self, *, forecast: Forecast | None = None) -> None:
        self._forecast = forecast
        self._execution = ''
        self._playbook = ''
        self._status: ExecutionStatus = 'running'
        self._began: float | None = None
        self._last = 0.0
        self._ended_at: float | None = None
        self._play = PlayStarted()
        self._play_began = 0.0
        self._play_hosts: frozenset[str] = frozenset()
        self._guests: set[str] = set()  # hosts of which the play has told nothing
        self._batches: collections.Counter[str] = collections.Counter()
        self._seen: set[int] = set()
        self._first = 0  # sequences up to it have all been seen
        self._active: dict[tuple[str, str], Active] = {}
        self._begun: dict[tuple[str, str], int] = {}  # (task id, host) of what is active -> sequence
        self._ended: dict[tuple[str, str], int] = {}  # of its last end
        self._statuses: collections.Counter[str] = collections.Counter()
        self._changed = 0
        self._met: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)  # host -> identities of this play
        self._known: tuple[str, ...] = ()
        self._copies: collections.Counter[str] = collections.Counter()  # identity -> how often the play has it
        self._places: dict[str, int] = {}
        self._plays: int | None = None
        self._play_ids: dict[str, None] = {}
        self._extra = 0  # of this play, that were not known beforehand
        self._before = 0  # results that plays before this one had
        self._share = 0.0
        self._times: collections.deque[float] = collections.deque()
        self._seconds: dict[str, float] = collections.defaultdict(float)
        self._done: dict[str, list[Placed]] = collections.defaultdict(list)  # host -> of this play
        self._classes: dict[str, str] = {}
        self._hosts: dict[str, None] = {}
        self._failed_at: dict[str, int] = {}  # host -> sequence
        self._started_at: dict[str, int] = {}
        self._away: set[str] = set()
        self._bundles = 0
        self._round_trips: int | None = None
        self._foreseen: Outlook | None = None
        self._forecast_at = -math.inf

    @classmethod
    def from_records(cls, records: t.Iterable[Record], *, forecast: Forecast | None = None) -> ExecutionTracker:
        """As if it had heard the run whose records these are: ExecutionRecord, PlayRecord, TaskRecord, ResultRecord, BundleRecord, MetricRecord.

        Its monotonic clock is the wall clock.
        """
        kept = tuple(records)
        tracker = cls(forecast=forecast)
        for event in replayed(kept):
            tracker.take(event)
        heard = [one.seen for one in kept if isinstance(one, ExecutionRecord) and one.seen is not None and one.status == 'running']
        tracker._last = max([tracker._last, *heard])
        return tracker

    # -- events

    def take(self, event: Event) -> None:
        if not self._is_new(event):
            return
        self._last = max(self._last, event.monotonic)
        if self._began is None:
            self._began = event.monotonic
        act = _ACTS.get(type(event))
        if act is not None:
            act(self, event)
            if isinstance(event, (TaskEnded, PlayStarted, ExecutionCompleted)):
                self._advance()

    def _is_new(self, event: Event) -> bool:
        if isinstance(event, ExecutionStarted) and not self._execution:
            self._execution = event.execution
        self._execution = self._execution or event.execution
        if event.execution != self._execution or event.sequence <= self._first or event.sequence in self._seen:
            return False
        self._seen.add(event.sequence)
        while self._first + 1 in self._seen:
            self._first += 1
            self._seen.discard(self._first)
        return True

    def _execution_started(self, event: ExecutionStarted) -> None:
        self._playbook = event.playbook
        self._plays = event.plays
        self._began = event.monotonic

    def _execution_completed(self, event: ExecutionCompleted) -> None:
        self._status = event.status
        self._ended_at = event.monotonic
        self._active.clear()
        if event.round_trips is not None:
            self._round_trips = event.round_trips

    def _play_started(self, event: PlayStarted) -> None:
        self._before = self._statuses.total()
        self._forecast_at = -math.inf
        self._play, self._play_began = event, event.monotonic
        self._play_hosts = frozenset(event.hosts)
        self._guests.clear()
        self._play_ids.setdefault(event.play_id)
        self._batches[event.play] += 1
        self._known, self._copies = event.identities, collections.Counter(event.identities)
        self._met.clear()
        self._extra = 0
        self._active.clear()
        self._done.clear()
        self._places = {identity: place for place, identity in enumerate(event.identities)}
        self._hosts.update(dict.fromkeys(event.hosts))

    def _task_started(self, event: TaskStarted) -> None:
        key = (event.task.task_id, event.host)
        self._hosts.setdefault(event.host)
        self._started_at[event.host] = max(event.sequence, self._started_at.get(event.host, 0))
        if event.sequence < max(self._ended.get(key, 0), self._begun.get(key, 0)):
            return
        if key not in self._active:
            self._meet(event.task, event.host)
        self._begun[key] = event.sequence
        self._active[key] = Active(task=event.task, host=event.host, since=event.monotonic, host_class=self._classes.get(event.host, ''))

    def _meet(self, task: TaskRef, host: str) -> None:
        if host not in self._play_hosts:
            self._guests.add(host)
        self._met[host][task.identity] += 1
        self._extra += self._met[host][task.identity] > self._copies[task.identity]

    def _task_progress(self, event: TaskProgress) -> None:
        active = self._active.get((event.task.task_id, event.host))
        if active is not None:
            self._active[event.task.task_id, event.host] = dataclasses.replace(active, done=max(active.done, event.done), total=event.total)

    def _task_ended(self, event: TaskEnded) -> None:
        key = (event.task.task_id, event.host)
        if isinstance(event, TaskFailed) and not event.final:
            if key in self._active and self._begun[key] < event.sequence:
                self._active[key] = dataclasses.replace(self._active[key], done=0)  # all of it is tried again
            return
        if key in self._active and self._begun[key] < event.sequence:
            del self._active[key]
        else:
            self._meet(event.task, event.host)  # its begin is missing, or is that of another time
        self._ended[key] = max(event.sequence, self._ended.get(key, 0))
        self._hosts.setdefault(event.host)
        status = _status(event)
        self._statuses[status] += 1
        self._changed += isinstance(event, TaskCompleted) and event.changed
        if status in ('failed', 'unreachable'):
            self._failed_at[event.host] = max(event.sequence, self._failed_at.get(event.host, 0))
        self._done[event.host].append(self._placed(event.task))
        self._times.append(event.monotonic)
        self._classes[event.host] = event.host_class
        if event.duration is not None:
            self._seconds[event.host] += event.duration

    def _host_unavailable(self, event: HostUnavailable) -> None:
        self._away.add(event.host)

    def _host_recovered(self, event: HostRecovered) -> None:
        self._away.discard(event.host)

    def _bundle_sent(self, event: BundleSent) -> None:
        self._bundles += 1
        self._round_trips = (self._round_trips or 0) + (not event.joined)

    # -- the picture

    def progress(self, now: float | None = None) -> Progress:
        """``now``: monotonic seconds; that of the last event where it is not given, and that of its end for a run that has ended."""
        now = self._last if now is None else max(now, self._last)
        now = now if self._ended_at is None else self._ended_at
        statuses = self._statuses
        done, total = statuses.total(), self._total()
        while self._times and self._times[0] < now - _WINDOW:
            self._times.popleft()
        elapsed = now - self._began if self._began is not None else 0.0
        return Progress(
            execution=self._execution, status=self._status, playbook=self._playbook, play=self._play.play, batch=self._batches[self._play.play],
            elapsed=elapsed, done=done, total=total, share=None if total is None else self._share, ok=statuses['ok'], changed=self._changed,
            failed=statuses['failed'], ignored=statuses['ignored'], skipped=statuses['skipped'], unreachable=statuses['unreachable'],
            hosts=len(self._hosts), hosts_failed=len(self._failed_hosts), hosts_away=tuple(sorted(self._away)),
            active=tuple(sorted(self._active.values(), key=lambda one: one.since)), slowest=self._slowest(),
            rate=len(self._times) / min(_WINDOW, elapsed) if elapsed > 0 else 0.0,
            errors=(statuses['failed'] + statuses['unreachable']) / done if done else 0.0, left=self._left(now), bundles=self._bundles,
            round_trips=self._round_trips)

    @property
    def _failed_hosts(self) -> frozenset[str]:
        """Those that failed and got no task after that, as in a rescue."""
        return frozenset(host for host, at in self._failed_at.items() if at > self._started_at.get(host, 0))

    def _total(self) -> int | None:
        """Results that there will be by the end of this play."""
        if self._status != 'running':
            return self._statuses.total()
        if self._play.tasks is None:
            return None
        failed = self._failed_hosts & self._play_hosts
        # who does not go on has what it has met; what it has met beyond the play's list is in _extra
        stopped = sum((self._met[host] & self._copies).total() for host in failed | self._guests)
        return self._before + (len(self._play_hosts) - len(failed)) * len(self._known) + stopped + self._extra

    def _advance(self) -> None:
        total = self._total()
        if self._status != 'running':
            self._share = 1.0
        elif total:
            part = min((self._statuses.total() - self._before) / max(1, total - self._before), 1.0)
            share = (len(self._play_ids) - 1 + part) / max(self._plays or 1, len(self._play_ids))
            self._share = max(self._share, min(share, 0.999))

    def _slowest(self) -> str:
        """The host of which the most time is known; empty as long as there is only one."""
        if len(self._seconds) < 2:
            return ''
        return max(self._seconds, key=lambda host: (self._seconds[host], host))

    def _left(self, now: float) -> Outlook | None:
        if self._forecast is None or self._status != 'running' or not self._known:
            return None
        passed = now - self._forecast_at
        if passed >= _FORECAST_EVERY + len(self._play.hosts) * len(self._known) * _FORECAST_COST:
            self._forecast_at, passed = now, 0.0
            self._foreseen = self._look_out(self._forecast, now)
        if self._foreseen is None:
            return None
        low, high = self._foreseen
        return max(low - passed, 0.0), max(high - passed, 0.0)

    def _look_out(self, forecast: Forecast, now: float) -> Outlook | None:
        failed = self._failed_hosts
        queues = tuple(self._queue(host, now) for host in self._play.hosts if host not in failed)
        return forecast(Remaining(elapsed=now - self._play_began, strategy=self._play.strategy, queues=queues))

    def _queue(self, host: str, now: float) -> Queue:
        active = min((one for one in self._active.values() if one.host == host), key=lambda one: one.since, default=None)
        met = collections.Counter(self._met[host]) if host in self._met else collections.Counter()
        left = []
        for place, identity in enumerate(self._known):
            if met[identity] > 0:
                met[identity] -= 1
            else:
                left.append(Placed(identity, '', place))
        return Queue(
            host=host, host_class=self._classes.get(host, ''), done=tuple(self._done[host]), running=self._placed(active.task) if active else None,
            since=now - active.since if active else 0.0, left=tuple(left))

    def _placed(self, task: TaskRef) -> Placed:
        return Placed(task.identity, task.module, self._places.get(task.identity, len(self._known) + task.order))


def _status(event: TaskEnded) -> str:
    if isinstance(event, TaskFailed):
        return 'ignored' if event.ignored else 'unreachable' if event.unreachable else 'failed'
    return 'skipped' if isinstance(event, TaskSkipped) else 'ok'


_ACTS: dict[type[Event], t.Callable[[ExecutionTracker, t.Any], None]] = {
    ExecutionStarted: ExecutionTracker._execution_started, ExecutionCompleted: ExecutionTracker._execution_completed,
    PlayStarted: ExecutionTracker._play_started, TaskStarted: ExecutionTracker._task_started, TaskProgress: ExecutionTracker._task_progress,
    TaskCompleted: ExecutionTracker._task_ended, TaskFailed: ExecutionTracker._task_ended, TaskSkipped: ExecutionTracker._task_ended,
    HostUnavailable: ExecutionTracker._host_unavailable, HostRecovered: ExecutionTracker._host_recovered, BundleSent: ExecutionTracker._bundle_sent,
}
