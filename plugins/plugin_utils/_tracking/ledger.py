# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Events in, records out: what is to be kept of a run.

Rule 1: an event that comes twice counts once (by its sequence), and a record that is made anew has the key of the one before.
Rule 2: whatever is missing (a beginning, a request, a start) leaves its fields empty; every event has its records all the same.
Rule 3: what moves with each event (counts, when a run was last heard of) is told by ``pulse``, when the caller is about to write.
"""
from __future__ import annotations

import collections
import dataclasses
import json
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, Measures, TaskEnded, TaskRef
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import (
    AdaptationRecord,
    BundleRecord,
    ExecutionRecord,
    MetricRecord,
    PlanRecord,
    PlayRecord,
    Record,
    ResultRecord,
    TaskRecord,
    TaskStatus,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.seen import Seen

__all__ = ['Ledger']

COUNTS: t.Final = ('ok', 'changed', 'failed', 'unreachable', 'skipped', 'ignored', 'rescued')
NOTHING: t.Final = Measures()


class Ledger:
    """Of any number of runs, whose events may be mixed."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    def handle(self, event: Event) -> list[Record]:
        run = self._runs.get(event.execution)
        if run is None:
            run = self._runs[event.execution] = _Run(event.execution)
        if event.sequence and not run.seen.add(event.sequence):
            return []
        run.heard = max(run.heard, event.time)
        run.moved = True
        make = MAKERS.get(type(event))
        return [] if make is None else make(run, event)

    def pulse(self) -> list[Record]:
        """The records of runs that have moved since they were asked for the last time."""
        moved = [run for run in self._runs.values() if run.moved]
        for run in moved:
            run.moved = False
        return [record for run in moved for record in run.moving()]


class _Run:
    """What has to be remembered of a run until it has ended. ``seen`` stays, for what comes again after that."""

    def __init__(self, execution: str) -> None:
        self.execution = execution
        self.seen = Seen()
        self.heard = 0.0
        self.moved = False
        self._record: ExecutionRecord | None = None
        self._counts: collections.Counter[str] = collections.Counter()
        self._sums: dict[str, float] = collections.defaultdict(float)
        self._hosts: set[str] = set()
        self._strategies: dict[str, None] = {}  # in order
        self._planned: int | None = 0
        self._tasks: set[str] = set()
        self._plays = 0
        self._began: dict[tuple[str, str], float] = {}
        self._running: dict[tuple[str, str], ResultRecord] = {}  # (task id, host), as they were put
        self._looped: dict[tuple[str, str], int] = {}  # items that have ended since
        self._times: collections.Counter[tuple[str, str]] = collections.Counter()  # how often a task has ended on a host
        self._trips: int | None = None
        self._classes: dict[str, str] = {}
        self._bundles: dict[int, BundleRecord] = {}
        self._adaptations: dict[str, AdaptationRecord] = {}
        self._peaks: dict[tuple[str, str], float] = {}
        self._away: dict[str, float] = collections.defaultdict(float)

    def as_it_stands(self) -> ExecutionRecord | None:
        if self._record is None or self._record.status != 'running':
            return None
        counts: dict[str, t.Any] = {name: self._counts[name] for name in COUNTS}
        return dataclasses.replace(
            self._record, seen=self.heard, strategy=','.join(self._strategies), hosts=len(self._hosts), planned_tasks=self._planned,
            round_trips=self._trips, **counts)

    def moving(self) -> list[Record]:
        found: list[Record] = []
        for key, items in self._looped.items():
            self._running[key] = dataclasses.replace(self._running[key], items=items)
            found.append(self._running[key])
        self._looped.clear()
        run = self.as_it_stands()
        return found if run is None else [*found, run]

    # -- the run

    def started(self, event: events.ExecutionStarted) -> list[Record]:
        self._record = ExecutionRecord(
            execution=self.execution, playbook=event.playbook, identity=event.identity, inventory=event.inventory, limit=event.limit,
            tags=','.join(event.tags), skip_tags=','.join(event.skip_tags), forks=event.forks, check=event.check, user=event.user,
            controller=event.controller, pid=event.pid, core_version=event.core_version, engine_version=event.engine_version, traits=event.traits,
            plays=event.plays, started=event.time)
        return []

    def play_started(self, event: events.PlayStarted) -> list[Record]:
        self._strategies.setdefault(event.strategy)
        self._hosts.update(event.hosts)
        self._planned = None if self._planned is None or event.tasks is None else self._planned + event.tasks * len(event.hosts)
        if self._record is not None:
            self._record = dataclasses.replace(self._record, traits=tuple(dict.fromkeys((*self._record.traits, *event.traits))))
        self._plays += 1
        return [PlayRecord(
            execution=self.execution, number=self._plays, play=event.play, play_id=event.play_id, strategy=event.strategy, hosts=event.hosts,
            serial=event.serial, tasks=event.tasks, identities=event.identities, started=event.time)]

    def completed(self, event: events.ExecutionCompleted) -> list[Record]:
        found = self.as_it_stands()
        if found is None:
            return []
        totals: dict[str, t.Any] = {name: count for name, count in event.totals.items() if name in COUNTS}
        trips = event.round_trips if event.round_trips is not None else found.round_trips
        self._record = dataclasses.replace(found, status=event.status, ended=event.time, round_trips=trips, bundles=event.bundles, **totals)
        numbers = [('makespan', event.time - found.started, 's'), ('results', self._sums['results'], 'count')]
        numbers += [(name, count, 'count') for name, count in (('round_trips', trips), ('bundles', event.bundles)) if count is not None]
        numbers += [(name, self._sums[name], unit) for name, unit in (('bytes_up', 'bytes'), ('bytes_down', 'bytes'), ('cpu', 's')) if name in self._sums]
        self._began.clear()
        self._running.clear()
        self._looped.clear()
        self._bundles.clear()
        return [self._record, *(self._metric(name, value, event, unit=unit) for name, value, unit in numbers)]

    # -- tasks

    def task_started(self, event: events.TaskStarted) -> list[Record]:
        key = event.task.task_id, event.host
        self._began[key] = event.time
        self._looped.pop(key, None)
        self._running[key] = ResultRecord(
            execution=self.execution, task_id=event.task.task_id, identity=event.task.identity, module=event.task.module, host=event.host,
            occurrence=self._times[key] + 1, host_class=self._classes.get(event.host, ''), status='running', final=False, began=event.time)
        return [*self._task(event.task, event), self._running[key]]

    def task_progress(self, event: events.TaskProgress) -> list[Record]:
        key = event.task.task_id, event.host
        if key in self._running:
            self._looped[key] = max(event.done, self._looped.get(key, self._running[key].items or 0))
        return []

    def task_completed(self, event: events.TaskCompleted) -> list[Record]:
        return self._ended(event, 'changed' if event.changed else 'ok')

    def task_skipped(self, event: events.TaskSkipped) -> list[Record]:
        return self._ended(event, 'skipped')

    def task_failed(self, event: events.TaskFailed) -> list[Record]:
        status: TaskStatus = 'ignored' if event.ignored else 'unreachable' if event.unreachable else 'failed'
        return self._ended(event, status, final=event.final, error_class=event.error_class, message=event.message)

    def _ended(self, event: TaskEnded, status: TaskStatus, *, final: bool = True, error_class: str = '', message: str = '') -> list[Record]:
        task, key = event.task, (event.task.task_id, event.host)
        began, occurrence = self._began.get(key), self._times[key] + 1
        self._running.pop(key, None)
        self._looped.pop(key, None)
        if final:
            self._began.pop(key, None)
            self._times[key] += 1
            self._count(status)
        else:
            self._began[key] = event.time  # the next attempt begins; it has a row when there is something to say of it
            self._running[key] = ResultRecord(
                execution=self.execution, task_id=task.task_id, identity=task.identity, module=task.module, host=event.host,
                occurrence=occurrence, attempt=event.attempt + 1, host_class=event.host_class, status='running', final=False, began=event.time)
        seen = event.measures or NOTHING
        for name, used in (('bytes_up', seen.bytes_up), ('bytes_down', seen.bytes_down), ('cpu', seen.cpu)):
            if used is not None:
                self._sums[name] += used
        return [*self._task(task, event), *self._classed(event.host, event.host_class), ResultRecord(
            execution=self.execution, task_id=task.task_id, identity=task.identity, module=task.module, host=event.host, occurrence=occurrence,
            attempt=event.attempt, host_class=event.host_class, status=status, final=final, began=began, ended=event.time,
            duration=event.duration, path=event.path, path_reason=event.path_reason, items=event.items, error_class=error_class, message=message,
            start=seen.start, end=seen.end, cpu=seen.cpu,
            maxrss=seen.maxrss, block_in=seen.block_in, block_out=seen.block_out, bytes_up=seen.bytes_up, bytes_down=seen.bytes_down,
            queued=seen.queued, calls=None if event.measures is None else seen.calls)]

    def _count(self, status: TaskStatus) -> None:
        """As the recap does: a changed task is an ok one, and so is one whose failure is ignored."""
        self._sums['results'] += 1
        self._counts[status] += 1
        if status in ('changed', 'ignored'):
            self._counts['ok'] += 1

    def _task(self, task: TaskRef, event: Event) -> list[Record]:
        """Once a run."""
        if task.task_id in self._tasks:
            return []
        self._tasks.add(task.task_id)
        return [TaskRecord(
            execution=self.execution, task_id=task.task_id, identity=task.identity, name=task.name, module=task.module, path=task.path,
            play=task.play, role=task.role, handler=task.handler, traits=task.traits, order=task.order, started=event.time)]

    def _classed(self, host: str, host_class: str) -> list[Record]:
        """A host's class is known once a task of it has ended; its bundles may have come before."""
        if not host_class or self._classes.get(host) == host_class:
            return []
        self._classes[host] = host_class
        late = [dataclasses.replace(one, host_class=host_class) for one in self._bundles.values() if one.host == host and not one.host_class]
        self._bundles.update((one.bundle, one) for one in late)
        return [*late]

    # -- bundles

    def bundle_sent(self, event: events.BundleSent) -> list[Record]:
        self._trips = (self._trips or 0) + (not event.joined)
        return self._bundle(event, sent=event.time, joined=event.joined, tasks=event.tasks, bytes_up=event.bytes_up)

    def bundle_finished(self, event: events.BundleFinished) -> list[Record]:
        return self._bundle(event, seconds=event.seconds, done=event.done, dropped=event.dropped, failed=event.failed, work=event.work)

    def bundle_cut(self, event: events.BundleCut) -> list[Record]:
        return self._bundle(event, cut=event.reason, cut_detail=event.detail)

    def _bundle(self, event: events.BundleEvent, **known: t.Any) -> list[Record]:
        found = self._bundles.get(event.bundle)
        if found is None:
            found = BundleRecord(execution=self.execution, bundle=event.bundle, host=event.host, host_class=self._classes.get(event.host, ''))
        record = self._bundles[event.bundle] = dataclasses.replace(found, **known)
        return [record]

    # -- adaptations

    def adaptation_requested(self, event: events.AdaptationRequested) -> list[Record]:
        return self._adaptation(
            event, level=event.level, task=event.task, error_class=event.error_class, host_class=self._classes.get(event.target, ''),
            rationale=event.rationale, impact=event.impact, rollback=event.rollback, confidence=event.confidence, trials=event.trials,
            requested=event.time, state='advised' if event.advised else 'requested')

    def adaptation_applied(self, event: events.AdaptationApplied) -> list[Record]:
        return self._adaptation(event, state='applied', ended=event.time, succeeded=event.succeeded, detail=event.detail)

    def adaptation_rejected(self, event: events.AdaptationRejected) -> list[Record]:
        return self._adaptation(event, state='rejected', ended=event.time, reason=event.reason)

    def _adaptation(self, event: events.AdaptationEvent, **known: t.Any) -> list[Record]:
        found = self._adaptations.get(event.adaptation)
        if found is None:
            found = AdaptationRecord(
                execution=self.execution, adaptation=event.adaptation, policy=event.policy, what=event.what, target=event.target)
        record = self._adaptations[event.adaptation] = dataclasses.replace(found, **known)
        return [record]

    # -- hosts and resources

    def host_unavailable(self, event: events.HostUnavailable) -> list[Record]:
        return [self._metric('away', 1.0, event, host=event.host)]

    def host_recovered(self, event: events.HostRecovered) -> list[Record]:
        self._away[event.host] += event.seconds
        return [
            self._metric('away', 0.0, event, host=event.host), self._metric('unavailable', self._away[event.host], event, host=event.host, unit='s')]

    def constrained(self, event: events.ResourceConstraint) -> list[Record]:
        """The highest share of the limit counts."""
        share = event.used / event.limit if event.limit else 0.0
        if share <= self._peaks.get((event.resource, event.host), 0.0):
            return []
        self._peaks[event.resource, event.host] = share
        return [self._metric(event.resource, share, event, host=event.host, unit='ratio')]

    def plan_compared(self, event: events.PlanCompared) -> list[Record]:
        return [PlanRecord(
            execution=self.execution, plan_hash=event.plan_hash, tasks=event.tasks, estimated_duration=event.estimated_duration,
            estimated_spread=event.estimated_spread, differences=json.dumps(event.differences))]

    def _metric(self, name: str, value: float, event: Event, *, host: str = '', unit: str = 'count') -> MetricRecord:
        return MetricRecord(execution=self.execution, name=name, host=host, value=value, unit=unit, time=event.time)


MAKERS: t.Final[dict[type[Event], t.Callable[[_Run, t.Any], list[Record]]]] = {
    events.ExecutionStarted: _Run.started, events.PlayStarted: _Run.play_started, events.ExecutionCompleted: _Run.completed,
    events.TaskStarted: _Run.task_started, events.TaskCompleted: _Run.task_completed, events.TaskFailed: _Run.task_failed,
    events.TaskSkipped: _Run.task_skipped, events.TaskProgress: _Run.task_progress, events.BundleSent: _Run.bundle_sent,
    events.BundleFinished: _Run.bundle_finished, events.BundleCut: _Run.bundle_cut, events.PlanCompared: _Run.plan_compared,
    events.AdaptationRequested: _Run.adaptation_requested, events.AdaptationApplied: _Run.adaptation_applied,
    events.AdaptationRejected: _Run.adaptation_rejected, events.HostUnavailable: _Run.host_unavailable,
    events.HostRecovered: _Run.host_recovered, events.ResourceConstraint: _Run.constrained}
