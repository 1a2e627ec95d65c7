# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What history says of the run that goes on: how long its tasks usually take, and how long is left.

Rule: history is read in a thread, once a run; until it is there, and without any, nothing is said.
"""
from __future__ import annotations

import contextlib
import os
import threading
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._learning.bounds import Bound, overdue
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.calibration import Forecaster
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.estimation import Known
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.forecast import HostWork, Ordering, Work
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import read
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import ExecutionStarted, Path
from ansible_collections.rustle.engine.plugins.plugin_utils._store.importing import importing
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.tracker import Active, Outlook, Placed, Remaining

__all__ = ['Outlooks', 'forecast_of', 'ordering_of']

_FREE = ('free', 'host_pinned')


class Outlooks:
    """Of one run after another. ``database``: the path of the history."""

    def __init__(self, database: str) -> None:
        self._database = os.path.expanduser(database)
        self._asked: dict[str, Forecaster | None] = {}  # strategy -> what is known of runs under it, once it is
        self._event = ExecutionStarted()

    def begin(self, event: ExecutionStarted) -> None:
        """A run begins; what was known of another playbook is of no use."""
        self._event = event
        self._asked = {}

    def usual(self, active: Active) -> tuple[float, float] | None:
        """Seconds that a task takes on a host in four of five runs."""
        known = self._known(active)
        return None if known is None else (known.low, known.high)

    def overdue(self, active: Active, *, fixed: float) -> Bound:
        """From when on it is worth saying that a task runs still."""
        return overdue(self._known(active), fixed=fixed)

    def _known(self, active: Active) -> Known | None:
        forecaster = next((one for one in self._asked.values() if one is not None), None)
        return None if forecaster is None else forecaster.estimator.known(active.task.identity, active.task.module, active.host_class)

    def left(self, remaining: Remaining) -> Outlook | None:
        """Seconds that the play still takes, in four of five runs."""
        strategy = remaining.strategy
        if strategy not in self._asked:
            self._asked[strategy] = None
            threading.Thread(target=self._look_up, args=(self._event, strategy, self._asked), name='rustle history', daemon=True).start()
        forecaster = self._asked[strategy]
        if forecaster is None:
            return None
        return forecast_of(forecaster, remaining)

    def _look_up(self, event: ExecutionStarted, strategy: str, asked: dict[str, Forecaster | None]) -> None:
        if not os.path.exists(self._database):
            return
        with importing:
            from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore
        with contextlib.suppress(RustleError), contextlib.closing(SqliteStore(self._database, create=False)) as store:
            asked[strategy] = Forecaster(read(store, identity=event.identity), forks=event.forks, ordering=ordering_of(strategy), strategy=strategy)


def forecast_of(forecaster: Forecaster, remaining: Remaining) -> Outlook | None:
    """Seconds that the play still takes, as that history has it."""
    path: Path = 'agent' if _is_ours(remaining.strategy) else 'stock'

    def works(tasks: t.Iterable[Placed]) -> tuple[Work, ...]:
        return tuple(Work(one.identity, one.module, one.order, path) for one in tasks)

    hosts = [
        HostWork(
            one.host, one.host_class, done=works(one.done), running=next(iter(works(filter(None, (one.running,)))), None), since=one.since,
            left=works(one.left))
        for one in remaining.queues]
    found = forecaster.forecast(hosts, elapsed=remaining.elapsed)
    return None if found is None else (found.low, found.high)


def ordering_of(strategy: str) -> Ordering:
    """Whether hosts wait for each other at each task."""
    return 'free' if strategy.rpartition('.')[2] in _FREE or _is_ours(strategy) else 'linear'


def _is_ours(strategy: str) -> bool:
    return strategy.rpartition('.')[2] == 'rustle_binary_hybrid'
