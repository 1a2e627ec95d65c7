# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is learned from: the records of some runs, together, and the ways to look at them.

Rule 1: runs come oldest first, and so does whatever is kept of them.
Rule 2: a duration is one of a result that went well; what failed on its way there does not count, and neither do runs in check mode.
"""
from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import (
    AdaptationRecord,
    BundleRecord,
    ExecutionRecord,
    ResultRecord,
    TaskRecord,
)

__all__ = ['GOOD', 'History', 'Reader', 'read']

Kept = t.TypeVar('Kept')

GOOD: t.Final = frozenset(('ok', 'changed'))
"""Statuses of results that went well."""


@dataclasses.dataclass(frozen=True)
class History:
    """``executions`` in the order of their begin; ``bundles`` and ``adaptations`` in any."""

    executions: tuple[ExecutionRecord, ...] = ()
    tasks: tuple[TaskRecord, ...] = ()
    results: tuple[ResultRecord, ...] = ()
    bundles: tuple[BundleRecord, ...] = ()
    adaptations: tuple[AdaptationRecord, ...] = ()

    def __post_init__(self) -> None:
        place = {one.execution: (one.started, one.execution) for one in self.executions}
        object.__setattr__(self, 'executions', tuple(sorted(self.executions, key=lambda one: place[one.execution])))
        object.__setattr__(self, 'tasks', tuple(sorted(
            (one for one in self.tasks if one.execution in place), key=lambda one: (place[one.execution], one.order))))
        object.__setattr__(self, 'results', tuple(sorted(
            (one for one in self.results if one.execution in place), key=lambda one: (place[one.execution], _moment(one)))))

    @functools.cached_property
    def latest(self) -> ExecutionRecord | None:
        return self.executions[-1] if self.executions else None

    @functools.cached_property
    def measured(self) -> tuple[ResultRecord, ...]:
        """Results of runs that were not in check mode."""
        counted = {one.execution for one in self.executions if not one.check}
        return tuple(one for one in self.results if one.execution in counted)

    @functools.cached_property
    def by_run(self) -> dict[str, tuple[ResultRecord, ...]]:
        """Run -> its results; only runs that have some."""
        return _grouped(self.results, lambda one: one.execution)

    @functools.cached_property
    def by_task(self) -> dict[str, tuple[ResultRecord, ...]]:
        """Identity of a task -> its results in runs that were not in check mode."""
        return _grouped(self.measured, lambda one: one.identity)

    @functools.cached_property
    def task_of(self) -> dict[str, TaskRecord]:
        """Identity -> the task as the newest run has it."""
        return {one.identity: one for one in self.tasks}

    def once(self, work: t.Callable[[History], Kept]) -> Kept:
        """What ``work`` finds in it; several ask for the same, and it is looked for when the first of them does."""
        if work not in self._found:
            self._found[work] = work(self)
        return t.cast('Kept', self._found[work])

    @functools.cached_property
    def _found(self) -> dict[t.Callable[[History], object], object]:
        return {}

    def name(self, identity: str) -> str:
        """What people call a task: its name, else its module."""
        task = self.task_of.get(identity)
        return identity if task is None else task.name or task.module

    def before(self, execution: str) -> History:
        """Without that run and all that began after it."""
        return self._of(execution, newer=False)

    def until(self, execution: str) -> History:
        """Without all that began after that run."""
        return self._of(execution, newer=True)

    def like(self, execution: str) -> History:
        """Runs of the same playbook with the same limit, tags and mode as that one, and itself."""
        ways = {one.execution: (one.identity, one.limit, one.tags, one.skip_tags, one.check) for one in self.executions}
        return self._with({key for key, way in ways.items() if way == ways.get(execution)})

    def _of(self, execution: str, *, newer: bool) -> History:
        ids = [one.execution for one in self.executions]
        end = ids.index(execution) + newer if execution in ids else len(ids)
        return self._with(set(ids[:end]))

    def _with(self, wanted: t.AbstractSet[str]) -> History:
        if all(one.execution in wanted for one in self.executions):
            return self  # with all that was found in it
        return History(**{
            field.name: tuple(one for one in getattr(self, field.name) if one.execution in wanted) for field in dataclasses.fields(self)})


class Reader(t.Protocol):
    """What is asked of a store: a part of `_store/protocol.py`."""

    def executions(self, *, identity: str | None = None, limit: int | None = None) -> tuple[ExecutionRecord, ...]: ...

    def tasks(self, execution: str) -> tuple[TaskRecord, ...]: ...

    def results(self, *, execution: str | None = None) -> tuple[ResultRecord, ...]: ...

    def bundles(self, execution: str) -> tuple[BundleRecord, ...]: ...

    def adaptations(self, *, execution: str | None = None) -> tuple[AdaptationRecord, ...]: ...


def read(store: Reader, *, identity: str | None = None, limit: int = 30, results: int = 10_000) -> History:
    """The newest runs, of one playbook or of all: at most ``limit``, and as many of them as have about that number of ``results``."""
    executions: list[ExecutionRecord] = []
    found: list[ResultRecord] = []
    for execution in store.executions(identity=identity, limit=limit):
        executions.append(execution)
        found.extend(store.results(execution=execution.execution))
        if len(found) >= results:
            break
    ids = [one.execution for one in executions]
    return History(
        executions=tuple(executions), results=tuple(found), tasks=tuple(one for run in ids for one in store.tasks(run)),
        bundles=tuple(one for run in ids for one in store.bundles(run)),
        adaptations=tuple(one for run in ids for one in store.adaptations(execution=run)))


def _moment(result: ResultRecord) -> float:
    moment = result.ended if result.ended is not None else result.began
    return float('inf') if moment is None else moment


def _grouped(records: t.Iterable[Kept], key: t.Callable[[Kept], str]) -> dict[str, tuple[Kept, ...]]:
    groups: dict[str, list[Kept]] = {}
    for one in records:
        groups.setdefault(key(one), []).append(one)
    return {name: tuple(group) for name, group in groups.items()}
