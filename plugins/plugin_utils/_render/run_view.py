# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every view of a run shares: its records together, and what they say of a task and of a host.

Rule 1: a task's end on a host is its last attempt, each time that the host comes to it; earlier ones are counted, and shown as what they were.
Rule 2: None stays "not known": no sum is made of what is missing, and no time is guessed.
Rule 3: the clock of a target is believed until it says what cannot be: see `shifts`.
"""
from __future__ import annotations

import collections
import dataclasses
import datetime
import functools
import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import (
    AdaptationRecord,
    BundleRecord,
    ExecutionRecord,
    MetricRecord,
    PlanRecord,
    PlayRecord,
    RecommendationRecord,
    ReportRecord,
    ResultRecord,
    TaskRecord,
)

__all__ = ['STATUSES', 'HostLine', 'Past', 'Run', 'Span', 'TaskLine', 'clock_words', 'counted', 'duration_of', 'spans', 'worst']

STATUSES: t.Final = ('failed', 'unreachable', 'ignored', 'running', 'changed', 'ok', 'skipped')
"""The worst first."""
_RANK: t.Final = {status: rank for rank, status in enumerate(STATUSES)}


def worst(statuses: t.Iterable[str]) -> str:
    """The one to show where there is room for one; empty for none."""
    return min(statuses, key=lambda status: _RANK.get(status, len(_RANK)), default='')


def duration_of(execution: ExecutionRecord) -> float | None:
    """Seconds from its begin to its end, or to when it was last heard of."""
    end = execution.ended if execution.ended is not None else execution.seen
    return None if end is None else max(end - execution.started, 0.0)


def clock_words(time: float | None, *, seconds: bool = False) -> str:
    """``2026-09-21 14:13`` in this machine's time zone; empty for what is not known."""
    if time is None:
        return ''
    try:
        moment = datetime.datetime.fromtimestamp(time)
    except (OverflowError, OSError, ValueError):
        return ''
    return moment.strftime('%Y-%m-%d %H:%M:%S' if seconds else '%Y-%m-%d %H:%M')


@dataclasses.dataclass(frozen=True)
class TaskLine:
    """A task with the last attempt of each of its hosts, each time that they came to it. ``attempts``: those before them.

    ``place``: among the tasks of the run, from 0.
    """

    place: int
    task: TaskRecord
    results: tuple[ResultRecord, ...]
    attempts: tuple[ResultRecord, ...] = ()

    @functools.cached_property
    def durations(self) -> dict[str, float]:
        """Host -> seconds of all its times, of those that did something; the slowest host first."""
        known: dict[str, float] = {}
        for one in self.results:
            if one.duration is not None and one.status != 'skipped':
                known[one.host] = known.get(one.host, 0.0) + one.duration
        return dict(sorted(known.items(), key=lambda one: -one[1]))

    @property
    def median(self) -> float | None:
        return statistics.median(self.durations.values()) if self.durations else None

    @property
    def longest(self) -> float | None:
        return next(iter(self.durations.values()), None)

    @property
    def slowest_host(self) -> str:
        return next(iter(self.durations), '')

    @property
    def counts(self) -> dict[str, int]:
        """Status -> hosts, the worst first."""
        return counted(one.status for one in self.results)

    @property
    def paths(self) -> dict[str, int]:
        return dict(collections.Counter(one.path for one in self.results if one.path is not None))


@dataclasses.dataclass(frozen=True)
class HostLine:
    """A host with what it has done, in the order of tasks. ``busy``: seconds of work, None where no task says it."""

    host: str
    results: tuple[ResultRecord, ...]
    bundles: tuple[BundleRecord, ...] = ()

    @property
    def host_class(self) -> str:
        return next((one.host_class for one in reversed(self.results) if one.host_class), '')

    @functools.cached_property
    def counts(self) -> dict[str, int]:
        return counted(one.status for one in self.results)

    @property
    def busy(self) -> float | None:
        return _sum(one.duration for one in self.results)

    @property
    def cpu(self) -> float | None:
        return _sum(one.cpu for one in self.results)

    @property
    def maxrss(self) -> int | None:
        return max((one.maxrss for one in self.results if one.maxrss is not None), default=None)

    @property
    def slowest(self) -> ResultRecord | None:
        return max((one for one in self.results if one.duration is not None), key=lambda one: one.duration or 0, default=None)


def counted(statuses: t.Iterable[str]) -> dict[str, int]:
    """Status -> how many, the worst first."""
    return dict(sorted(collections.Counter(statuses).items(), key=lambda one: _RANK.get(one[0], len(_RANK))))


def _sum(values: t.Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


@dataclasses.dataclass(frozen=True)
class Run:
    """All that is kept of one run."""

    execution: ExecutionRecord
    plan: PlanRecord | None = None
    tasks: tuple[TaskRecord, ...] = ()
    results: tuple[ResultRecord, ...] = ()
    bundles: tuple[BundleRecord, ...] = ()
    adaptations: tuple[AdaptationRecord, ...] = ()
    metrics: tuple[MetricRecord, ...] = ()
    recommendations: tuple[RecommendationRecord, ...] = ()
    report: ReportRecord | None = None
    plays: tuple[PlayRecord, ...] = ()

    @property
    def name(self) -> str:
        return self.execution.playbook.rpartition('/')[2] or self.execution.playbook or self.execution.execution

    @functools.cached_property
    def names(self) -> dict[str, str]:
        """Identity or id of a task -> its name."""
        return {key: one.name for one in self.tasks for key in (one.identity, one.task_id)}

    @functools.cached_property
    def last(self) -> tuple[ResultRecord, ...]:
        """The last attempt of each task on each host and each time, in the order of tasks and then of hosts and times."""
        found: dict[tuple[str, str, int], ResultRecord] = {}
        for one in self.results:
            before = found.get((one.task_id, one.host, one.occurrence))
            if before is None or before.attempt <= one.attempt:
                found[one.task_id, one.host, one.occurrence] = one
        order = {one.task_id: (one.order, place) for place, one in enumerate(self.tasks)}
        return tuple(sorted(found.values(), key=lambda one: (order.get(one.task_id, (len(order), 0)), one.host, one.occurrence)))

    @functools.cached_property
    def task_lines(self) -> tuple[TaskLine, ...]:
        """In the order in which they were begun. A result without its task (a run that was cut off) makes one of what it knows."""
        ends: dict[str, list[ResultRecord]] = {}
        for one in self.last:
            ends.setdefault(one.task_id, []).append(one)
        tries: dict[str, list[ResultRecord]] = {}
        kept = set(map(id, self.last))
        for one in self.results:
            if id(one) not in kept:
                tries.setdefault(one.task_id, []).append(one)
        known = {one.task_id for one in self.tasks}
        lost = [TaskRecord(execution=one[0].execution, task_id=key, identity=one[0].identity, name=one[0].identity, module=one[0].module)
                for key, one in ends.items() if key not in known]
        ordered = [*sorted(self.tasks, key=lambda one: one.order), *lost]
        return tuple(
            TaskLine(place, one, tuple(ends.get(one.task_id, ())), tuple(tries.get(one.task_id, ()))) for place, one in enumerate(ordered))

    @property
    def sent(self) -> tuple[BundleRecord, ...]:
        """Bundles that were sent; another one was cut before it had a task."""
        return tuple(one for one in self.bundles if one.sent is not None)

    @functools.cached_property
    def host_lines(self) -> tuple[HostLine, ...]:
        found: dict[str, list[ResultRecord]] = {}
        for one in self.last:
            found.setdefault(one.host, []).append(one)
        sent: dict[str, list[BundleRecord]] = {}
        for bundle in self.sent:
            sent.setdefault(bundle.host, []).append(bundle)
        return tuple(HostLine(host, tuple(results), tuple(sent.get(host, ()))) for host, results in sorted(found.items()))

    @property
    def counts(self) -> dict[str, int]:
        """Status -> ends of tasks on hosts, the worst first."""
        return counted(one.status for one in self.last)

    @property
    def failures(self) -> tuple[ResultRecord, ...]:
        return tuple(one for one in self.last if one.status in ('failed', 'unreachable', 'ignored'))

    @property
    def slowest(self) -> tuple[TaskLine, ...]:
        """Tasks that took time, those first whose slowest host took longest: that is what the others wait for."""
        return tuple(sorted((one for one in self.task_lines if one.longest), key=lambda one: -(one.longest or 0)))


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """When a host was at a task, in seconds since the run began."""

    result: ResultRecord
    start: float
    end: float


def spans(run: Run) -> dict[str, list[Span]]:
    """Host -> its attempts with a time, in order. By the agent's measurements where there are some, else by the controller's clock."""
    moved = shifts(run)
    found: dict[str, list[Span]] = {}
    for one in run.results:
        times = _times(one, moved.get(one.host, 0.0))
        if times is not None:
            start, end = (max(moment - run.execution.started, 0.0) for moment in times)
            found.setdefault(one.host, []).append(Span(one, start, max(end, start)))
    for every in found.values():
        every.sort(key=lambda span: (span.start, span.end))
    return dict(sorted(found.items()))


def _times(one: ResultRecord, shift: float) -> tuple[float, float] | None:
    if one.start is not None and one.end is not None:
        return one.start + shift, one.end + shift
    if one.ended is not None:
        if one.duration is not None:
            return one.ended - one.duration, one.ended
        return (one.began if one.began is not None else one.ended), one.ended
    return None if one.began is None else (one.began, one.began)


def shifts(run: Run) -> dict[str, float]:
    """Host -> seconds to add to its clock. A task cannot have ended there after the controller took its result, nor begun before the run
    began: a clock that says so is moved, and only as far as it must have gone wrong."""
    latest: dict[str, float] = {}
    earliest: dict[str, float] = {}
    for one in run.results:
        if one.start is None or one.end is None:
            continue
        earliest[one.host] = min(earliest.get(one.host, one.start), one.start)
        if one.ended is not None:
            latest[one.host] = min(latest.get(one.host, float('inf')), one.ended - one.end)
    found = {}
    for host, start in earliest.items():
        least, most = run.execution.started - start, latest.get(host, float('inf'))
        shift = min(max(0.0, least), most)
        if shift:
            found[host] = shift
    return found


@dataclasses.dataclass(frozen=True)
class Past:
    """Earlier runs of the same playbook, oldest first. ``durations``: identity of a task -> the median over its hosts, run by run."""

    runs: tuple[ExecutionRecord, ...] = ()
    durations: t.Mapping[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)

    def usual(self, identity: str) -> float | None:
        known = self.durations.get(identity, ())
        return statistics.median(known) if known else None

    @property
    def usual_run(self) -> float | None:
        known = [length for one in self.runs if one.status == 'success' and (length := duration_of(one)) is not None]
        return statistics.median(known) if known else None
