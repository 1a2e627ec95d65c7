# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the history of runs says of the tasks of a plan.

Rule: no history, or one that cannot be read, is no error of a plan: its tasks have no estimates, and a warning says why.
"""
from __future__ import annotations

import contextlib
import os
import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.estimate import Estimate
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass, PlaySource, SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.feedback_settings import resolve_feedback

if t.TYPE_CHECKING:
    from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import BundleRecord
    from ansible_collections.rustle.engine.plugins.plugin_utils._store.protocol import FeedbackStore

__all__ = ['Estimates', 'estimates_for']

_PER_TASK: t.Final = 200  # results
_RUNS: t.Final = 10
_BUNDLES: t.Final = 10_000


class Estimates:
    """``of(task)`` and ``latency(host_class)`` are what make_plan asks. ``trips``: host -> seconds of a round trip. ``warnings``: for the plan."""

    def __init__(
        self, estimator: t.Any, classes: t.Mapping[str, tuple[HostClass, ...]], warnings: tuple[str, ...] = (), *, trips: t.Mapping[str, float] | None = None,
    ) -> None:
        self.warnings = warnings
        self._estimator = estimator
        self._classes = classes
        self._trips = trips or {}

    def latency(self, one: HostClass) -> float | None:
        """Seconds of a round trip to a host of the class: the median of those that earlier runs have measured."""
        known = [self._trips[host] for host in one.hosts if host in self._trips]
        return statistics.median(known) if known else None

    def of(self, task: SourceTask) -> Estimate | None:
        """Seconds on the slowest class of the hosts that the task is for."""
        if self._estimator is None:
            return None
        names = {class_name(one) for one in self._classes.get(task.task_id, ())} or {''}
        path = 'agent' if task.stock is None else 'stock'
        found = [one for name in sorted(names) if (one := self._estimator.estimate(task.identity, task.module, name, path=path)) is not None]
        return max(found, key=lambda one: one.median, default=None)


def class_name(one: HostClass) -> str:
    """A class of hosts as history names it: ``ssh/linux/x86_64/3.11``, as far as it is known."""
    profile = one.profile
    facts = '/'.join((profile.os, profile.arch, profile.python)).rstrip('/') if profile.os or profile.arch else ''
    return '/'.join(filter(None, ('ssh' if one.connection == 'smart' else one.connection.rpartition('.')[2], facts)))


def estimates_for(plays: t.Sequence[PlaySource], *, environ: t.Mapping[str, str], config: t.Mapping[str, str], latencies: bool = True) -> Estimates:
    """``latencies``: whether anybody wants to know how far away hosts are."""
    tasks = [(task, play) for play in plays for task in (*play.tasks, *play.handlers)]
    classes = {task.task_id: play.classes for task, play in tasks}
    database = os.path.expanduser(resolve_feedback(environ=environ, config=config).feedback_db)
    if not os.path.exists(database):
        return Estimates(None, classes)
    from ansible_collections.rustle.engine.plugins.plugin_utils._learning.estimation import Estimator
    from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import GOOD
    from ansible_collections.rustle.engine.plugins.plugin_utils._learning.round_trips import round_trips
    from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore

    identities = dict.fromkeys(task.identity for task, _play in tasks if task.identity)
    try:
        with contextlib.closing(SqliteStore(database, create=False)) as store:
            checks = {one.execution for one in store.executions() if one.check}
            results = [
                one for identity in identities for one in reversed(store.results(identity=identity, status=(*GOOD, 'skipped'), limit=_PER_TASK))
                if one.execution not in checks]
            trips = round_trips(_bundles(store)) if latencies else {}
    except RustleError as ex:
        return Estimates(None, classes, (f'no estimates: {ex.message}',))
    return Estimates(Estimator(results) if results else None, classes, trips=trips)


def _bundles(store: FeedbackStore) -> list[BundleRecord]:
    """Of the newest runs, whatever was run: how far away a host is has nothing to do with the playbook."""
    found: list[BundleRecord] = []
    for run in store.executions(limit=_RUNS):
        found += store.bundles(run.execution)
        if len(found) >= _BUNDLES:
            break
    return found
