# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What history says of the run that goes on: how long its tasks usually take, and how long is left.

Rule: history is read in a thread, once a run; until it is there, and without any, nothing is said.
"""
from __future__ import annotations

import os
import threading
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._learning.calibration import Forecaster
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.forecast import HostWork, Ordering, Work
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import read
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import ExecutionStarted
from ansible_collections.rustle.engine.plugins.plugin_utils._store.importing import importing
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.tracker import Active, Outlook, Placed, Remaining

__all__ = ['Outlooks']

_FREE = ('free', 'host_pinned', 'rustle_binary_hybrid')


class Outlooks:
    """Of one run after another. ``database``: the path of the history."""

    def __init__(self, database: str) -> None:
        self._database = os.path.expanduser(database)
        self._forecasters: dict[Ordering, Forecaster] = {}
        self._thread: threading.Thread | None = None

    def begin(self, event: ExecutionStarted) -> None:
        """A run begins: look up what is known of its playbook."""
        self._forecasters = {}
        self._thread = threading.Thread(target=self._look_up, args=(event.identity, event.forks), name='rustle history', daemon=True)
        self._thread.start()

    def usual(self, active: Active) -> tuple[float, float] | None:
        """Seconds that a task takes on a host in four of five runs."""
        forecaster = next(iter(self._forecasters.values()), None)
        known = forecaster.estimator.known(active.task.identity, active.task.module, '') if forecaster is not None else None
        return None if known is None else (known.low, known.high)

    def left(self, remaining: Remaining) -> Outlook | None:
        """Seconds that the play still takes, in four of five runs."""
        ordering: Ordering = 'free' if remaining.strategy.rpartition('.')[2] in _FREE else 'linear'
        forecaster = self._forecasters.get(ordering)
        if forecaster is None:
            return None
        hosts = [
            HostWork(
                one.host, one.host_class, done=tuple(map(_work, one.done)), running=_work(one.running) if one.running is not None else None,
                since=one.since, left=tuple(map(_work, one.left)))
            for one in remaining.queues]
        found = forecaster.forecast(hosts, elapsed=remaining.elapsed)
        return None if found is None else (found.low, found.high)

    def _look_up(self, identity: str, forks: int) -> None:
        if not os.path.exists(self._database):
            return
        with importing:
            from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore
        try:
            store = SqliteStore(self._database, create=False)
        except RustleError:
            return  # whoever records says what is wrong with it
        try:
            history = read(store, identity=identity)
            orderings: tuple[Ordering, ...] = t.get_args(Ordering)
            self._forecasters = {ordering: Forecaster(history, forks=forks, ordering=ordering) for ordering in orderings}
        except RustleError:
            return
        finally:
            store.close()


def _work(task: Placed) -> Work:
    return Work(task.identity, task.module, task.order)
