# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The questions of a FeedbackStore, put to what an implementation can do: find, change and forget rows."""
from __future__ import annotations

import abc
import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import ExecutionStatus, Path
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import (
    AdaptationRecord,
    BundleRecord,
    ExecutionRecord,
    MetricRecord,
    PlanRecord,
    PlayRecord,
    RecommendationRecord,
    Record,
    ReportRecord,
    ResultRecord,
    TaskRecord,
    TaskStatus,
)

__all__ = ['Queries', 'R', 'Wanted']

R = t.TypeVar('R', bound=Record)

DAY: t.Final = 86_400
CHUNK: t.Final = 64


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wanted(t.Generic[R]):
    """Records of a kind. ``equal``: field -> value, or a collection of values, or None for any. ``order``: a field, downward unless ``upward``.

    Where that is equal, the record that was put first for the first time counts as the older one; None is lower than all else.
    ``since``: the least value of ``order``.
    """

    kind: type[R]
    order: str
    equal: t.Mapping[str, object] = dataclasses.field(default_factory=dict)
    starting_with: tuple[str, str] | None = None
    since: float | None = None
    upward: bool = False
    limit: int | None = None


class Queries(abc.ABC):
    """What FeedbackStore says, but for put, size and close."""

    @abc.abstractmethod
    def find(self, wanted: Wanted[R]) -> tuple[R, ...]: ...

    @abc.abstractmethod
    def paths(self, executions: t.Collection[str]) -> frozenset[tuple[str, str, Path | None]]: ...

    @abc.abstractmethod
    def size(self) -> int: ...

    @abc.abstractmethod
    def _change(self, execution: str, changes: t.Mapping[str, object], *, status: str | None = None) -> bool:
        """Change fields of a run, if it is there and has this status. Whether it is so."""

    @abc.abstractmethod
    def _forget(self, execution: str) -> None:
        """All records of a run."""

    @abc.abstractmethod
    def _shrink(self) -> None:
        """Give back what forgotten runs have used."""

    def executions(
        self, *, identity: str | None = None, status: ExecutionStatus | None = None, controller: str | None = None, starting_with: str | None = None,
        since: float | None = None, limit: int | None = None,
    ) -> tuple[ExecutionRecord, ...]:
        return self.find(Wanted(
            kind=ExecutionRecord, order='started', equal={'identity': identity, 'status': status, 'controller': controller},
            starting_with=None if starting_with is None else ('execution', starting_with), since=since, limit=limit))

    def results(
        self, *, execution: str | tuple[str, ...] | None = None, identity: str | None = None, module: str | None = None, host: str | None = None,
        host_class: str | None = None, status: t.Collection[TaskStatus] | None = None, since: float | None = None, limit: int | None = None,
    ) -> tuple[ResultRecord, ...]:
        equal = {'execution': execution, 'identity': identity, 'module': module, 'host': host, 'host_class': host_class,
                 'status': None if status is None else tuple(status)}
        return self.find(Wanted(kind=ResultRecord, order='ended', equal=equal, since=since, limit=limit))

    def plays(self, execution: str) -> tuple[PlayRecord, ...]:
        return self.find(Wanted(kind=PlayRecord, order='number', equal={'execution': execution}, upward=True))

    def tasks(self, execution: str) -> tuple[TaskRecord, ...]:
        return self.find(Wanted(kind=TaskRecord, order='order', equal={'execution': execution}, upward=True))

    def bundles(self, execution: str) -> tuple[BundleRecord, ...]:
        return self.find(Wanted(kind=BundleRecord, order='bundle', equal={'execution': execution}, upward=True))

    def adaptations(
        self, *, execution: str | None = None, policy: str | None = None, since: float | None = None, limit: int | None = None,
    ) -> tuple[AdaptationRecord, ...]:
        return self.find(Wanted(
            kind=AdaptationRecord, order='requested', equal={'execution': execution, 'policy': policy}, since=since, limit=limit))

    def metrics(
        self, *, execution: str | None = None, name: str | None = None, host: str | None = None, limit: int | None = None,
    ) -> tuple[MetricRecord, ...]:
        return self.find(Wanted(kind=MetricRecord, order='time', equal={'execution': execution, 'name': name, 'host': host}, limit=limit))

    def recommendations(self, *, execution: str | None = None, limit: int | None = None) -> tuple[RecommendationRecord, ...]:
        return self.find(Wanted(kind=RecommendationRecord, order='time', equal={'execution': execution}, limit=limit))

    def reports(self, *, execution: str | None = None, limit: int | None = None) -> tuple[ReportRecord, ...]:
        return self.find(Wanted(kind=ReportRecord, order='time', equal={'execution': execution}, limit=limit))

    def plan(self, execution: str) -> PlanRecord | None:
        return next(iter(self.find(Wanted(kind=PlanRecord, order='execution', equal={'execution': execution}))), None)

    def rate(self, execution: str, rating: int, *, note: str = '') -> bool:
        return self._change(execution, {'rating': rating, 'note': note})

    def mark_interrupted(self, *, controller: str, is_alive: t.Callable[[ExecutionRecord], bool]) -> tuple[str, ...]:
        gone = [one for one in self.executions(status='running', controller=controller) if not is_alive(one)]
        # one of them may have ended properly just before its process did
        return tuple(
            one.execution for one in gone
            if self._change(one.execution, {'status': 'interrupted', 'ended': one.seen}, status='running'))

    def prune(self, *, days: int, size: int, now: float, limit: int | None = None) -> int:
        forgotten = 0
        for one in self._ended_runs():
            too_old = days and one.started < now - days * DAY
            if forgotten == limit or not (too_old or (size and self.size() > size)):
                break
            self._forget(one.execution)
            forgotten += 1
        if forgotten:
            self._shrink()
        return forgotten

    def _ended_runs(self) -> t.Iterator[ExecutionRecord]:
        """Oldest first, as they are when they are asked for: who asks forgets them in between."""
        ended: tuple[ExecutionStatus, ...] = tuple(one for one in t.get_args(ExecutionStatus) if one != 'running')
        while some := self.find(Wanted(kind=ExecutionRecord, order='started', equal={'status': ended}, upward=True, limit=CHUNK)):
            yield from some
