# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a history of runs can do. Two implementations: memory.py, sqlite.py; a database on a server can be a third.

Rule 1: a record with the key of an earlier one takes its place; ``put`` writes all of its records or none.
Rule 2: a store belongs to one thread. Several stores, in several processes, may be open on one history.
Rule 3: whatever goes wrong with what lies behind a store is a StoreError.
"""
from __future__ import annotations

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

__all__ = ['FeedbackStore']


class FeedbackStore(t.Protocol):
    """Filters that are None do not filter. Newest first, as far as nothing else is said; ``limit`` keeps the first ones of that order.

    ``since``: wall clock, compared with ``started`` of runs, ``ended`` of results, ``requested`` of adaptations.
    """

    def put(self, records: t.Iterable[Record]) -> None: ...

    def executions(
        self, *, identity: str | None = None, status: ExecutionStatus | None = None, controller: str | None = None, starting_with: str | None = None,
        since: float | None = None, limit: int | None = None,
    ) -> tuple[ExecutionRecord, ...]:
        """Runs by ``started``. ``identity``: of the playbook. ``starting_with``: the first characters of the run's id."""

    def results(
        self, *, execution: str | tuple[str, ...] | None = None, identity: str | None = None, module: str | None = None, host: str | None = None,
        host_class: str | None = None, status: t.Collection[TaskStatus] | None = None, since: float | None = None, limit: int | None = None,
    ) -> tuple[ResultRecord, ...]:
        """Results by ``ended``; those that have not ended come last. ``identity``: of the task, whatever the playbook."""

    def paths(self, executions: t.Collection[str]) -> frozenset[tuple[str, str, Path | None]]:
        """(Module, class of hosts, path) of the results of these runs, each once."""

    def plays(self, execution: str) -> tuple[PlayRecord, ...]:
        """In the order in which the run has begun them."""

    def tasks(self, execution: str) -> tuple[TaskRecord, ...]:
        """In the order in which the run has begun them."""

    def bundles(self, execution: str) -> tuple[BundleRecord, ...]:
        """In the order of their numbers."""

    def adaptations(
        self, *, execution: str | None = None, policy: str | None = None, since: float | None = None, limit: int | None = None,
    ) -> tuple[AdaptationRecord, ...]: ...

    def metrics(
        self, *, execution: str | None = None, name: str | None = None, host: str | None = None, limit: int | None = None,
    ) -> tuple[MetricRecord, ...]: ...

    def recommendations(self, *, execution: str | None = None, limit: int | None = None) -> tuple[RecommendationRecord, ...]: ...

    def reports(self, *, execution: str | None = None, limit: int | None = None) -> tuple[ReportRecord, ...]: ...

    def plan(self, execution: str) -> PlanRecord | None: ...

    def rate(self, execution: str, rating: int, *, note: str = '') -> bool:
        """What people think of a run, 1 to 5. False when there is no such run."""

    def mark_interrupted(self, *, controller: str, is_alive: t.Callable[[ExecutionRecord], bool]) -> tuple[str, ...]:
        """Say of the controller's runs that are ``running`` and not alive that they were interrupted. Their ids."""

    def prune(self, *, days: int, size: int, now: float, limit: int | None = None) -> int:
        """Forget whole runs, oldest first: those begun more than ``days`` ago, and more until ``size`` bytes are enough; 0 is no bound.

        Runs that go on are kept. ``limit``: the number of runs to forget at most. How many it were.
        """

    def size(self) -> int:
        """Bytes in use."""

    def close(self) -> None: ...
