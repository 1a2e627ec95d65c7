# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records in, events out: what a run has told so far, as far as its records hold it. The way back of `ledger.py`.

Rule 1: both clocks of these events are the wall clock, and their numbers are the order of their times.
Rule 2: what is no record (an attempt that was held back, a bundle's end) is no event here.
"""
from __future__ import annotations

import dataclasses
import itertools
import math
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, TaskRef
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import (
    BundleRecord,
    ExecutionRecord,
    MetricRecord,
    PlayRecord,
    Record,
    ResultRecord,
    TaskRecord,
)

__all__ = ['replayed']


class _At(t.NamedTuple):
    """When, and of what is told at the same moment which comes first."""

    time: float
    rank: int
    event: Event


def replayed(records: t.Iterable[Record]) -> list[Event]:
    """Of one run, in order. Records of other kinds are passed over."""
    kinds: dict[type[Record], list[t.Any]] = {}
    for record in records:
        kinds.setdefault(type(record), []).append(record)
    told: list[_At] = []
    for run in kinds.get(ExecutionRecord, ()):
        told += _run(run)
    told += map(_play, kinds.get(PlayRecord, ()))
    told += _tasks(kinds.get(ResultRecord, ()), {one.task_id: one for one in kinds.get(TaskRecord, ())})
    told += (_At(one.sent, 3, events.BundleSent(host=one.host, bundle=one.bundle, tasks=one.tasks, bytes_up=one.bytes_up, joined=one.joined))
             for one in kinds.get(BundleRecord, ()) if one.sent is not None)
    told += map(_absence, (one for one in kinds.get(MetricRecord, ()) if one.name == 'away'))
    told.sort(key=lambda at: at[:2])
    execution = next((record.execution for some in kinds.values() for record in some), '')
    return [
        dataclasses.replace(at.event, execution=execution, sequence=number, time=at.time, monotonic=at.time)
        for number, at in enumerate(_with_end_last(told), 1)]


def _with_end_last(told: t.Sequence[_At]) -> t.Iterator[_At]:
    """A run has ended when all is told of it, whatever the clocks say."""
    for last in (False, True):
        yield from (at for at in told if isinstance(at.event, events.ExecutionCompleted) is last)


def _run(run: ExecutionRecord) -> t.Iterator[_At]:
    yield _At(run.started, -1, events.ExecutionStarted(playbook=run.playbook, identity=run.identity, forks=run.forks, plays=run.plays))
    if run.status != 'running':
        end = run.ended if run.ended is not None else run.seen
        yield _At(run.started if end is None else end, 4, events.ExecutionCompleted(
            status=run.status, round_trips=run.round_trips, bundles=run.bundles))


def _play(one: PlayRecord) -> _At:
    return _At(one.started, 0, events.PlayStarted(
        play=one.play, play_id=one.play_id, strategy=one.strategy, hosts=one.hosts, serial=one.serial, tasks=one.tasks, identities=one.identities))


def _absence(one: MetricRecord) -> _At:
    return _At(one.time, 3, events.HostUnavailable(host=one.host) if one.value else events.HostRecovered(host=one.host))


def _tasks(results: t.Sequence[ResultRecord], tasks: t.Mapping[str, TaskRecord]) -> t.Iterator[_At]:
    def key(one: ResultRecord) -> tuple[str, str, int]:
        return one.task_id, one.host, one.occurrence

    for _key, group in itertools.groupby(sorted(results, key=lambda one: (key(one), one.attempt)), key=key):
        attempts = list(group)
        first, last = attempts[0], attempts[-1]
        ref = _ref(first, tasks.get(first.task_id))
        if first.began is not None:
            yield _At(first.began, 1, events.TaskStarted(task=ref, host=first.host))
            if last.status == 'running' and last.items is not None:
                yield _At(first.began, 2, events.TaskProgress(task=ref, host=first.host, done=last.items))
        if last.final and last.status != 'running':
            yield _At(last.ended if last.ended is not None else last.began or -math.inf, 2, _end(last, ref))


def _ref(one: ResultRecord, task: TaskRecord | None) -> TaskRef:
    if task is None:  # of a run that was cut off
        return TaskRef(task_id=one.task_id, identity=one.identity, name=one.identity, module=one.module)
    return TaskRef(**{field.name: getattr(task, field.name) for field in dataclasses.fields(TaskRef)})


def _end(one: ResultRecord, task: TaskRef) -> events.TaskEnded:
    known: dict[str, t.Any] = {
        'task': task, 'host': one.host, 'duration': one.duration, 'attempt': one.attempt, 'path': one.path, 'path_reason': one.path_reason,
        'host_class': one.host_class, 'items': one.items}
    if one.status == 'skipped':
        return events.TaskSkipped(**known)
    if one.status in ('failed', 'unreachable', 'ignored'):
        return events.TaskFailed(message=one.message, unreachable=one.status == 'unreachable', ignored=one.status == 'ignored', **known)
    return events.TaskCompleted(changed=one.status == 'changed', **known)
