# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What history says before a run has begun: how often policies have helped, which path is the better one, how long hosts take.

Rule: it is read in a thread when a run begins. Until it is there, and where it cannot be read, nothing of it is known.
"""
from __future__ import annotations

import collections
import contextlib
import os
import threading
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import ExecutionStarted
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord, ResultRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._store.importing import importing

if t.TYPE_CHECKING:
    from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import History
    from ansible_collections.rustle.engine.plugins.plugin_utils._store.protocol import FeedbackStore

__all__ = ['Foreknowledge']

_RUNS: t.Final = 20
_RESULTS: t.Final = 5000
_PATIENCE: t.Final = 5.0


class Foreknowledge:
    """``outcomes``: (policy, class of error, class of host) -> (successes, trials). ``expected``: host -> seconds of work in a run, the median."""

    def __init__(self, database: str, *, exploration: float = 0.0) -> None:
        self.outcomes: dict[tuple[str, str, str], tuple[int, int]] = {}
        self.expected: dict[str, float] = {}
        self._database = database
        self._exploration = exploration
        self._chooser: t.Any = None
        self._execution = ''

    def begin(self, event: ExecutionStarted, then: t.Callable[[], None], *, hosts: bool = False) -> None:
        """A run begins. ``then`` is called when everything is known. ``hosts``: ``expected`` is wanted, and before the run goes on."""
        self.outcomes, self.expected, self._chooser = {}, {}, None  # what is known of another playbook is of no use
        self._execution = event.execution
        if not os.path.exists(self._database):
            return
        thread = threading.Thread(target=self._read, args=(event, then, hosts), name='rustle foreknowledge', daemon=True)
        thread.start()
        if hosts:
            thread.join(_PATIENCE)

    def slower_by_agent(self, module: str, host_class: str) -> str:
        """Why the stock path is the better one for a module on a class of hosts, in words; empty where it is not, or not known to be."""
        if self._chooser is None:
            return ''
        choice = self._chooser.choose(module, host_class)
        return (choice.evidence or 'to learn how it does on this path') if choice.path == 'stock' else ''

    def _read(self, event: ExecutionStarted, then: t.Callable[[], None], hosts: bool) -> None:
        with importing:
            from ansible_collections.rustle.engine.plugins.plugin_utils._learning.effectiveness import Chooser
            from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import History, read
            from ansible_collections.rustle.engine.plugins.plugin_utils._store.outcomes import learned_outcomes
            from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore
        with contextlib.suppress(RustleError), contextlib.closing(SqliteStore(self._database, create=False)) as store:
            outcomes = learned_outcomes(store)
            runs = store.executions(identity=event.identity, limit=_RUNS)
            chooser = Chooser(History(runs, results=_taken_both_ways(store, runs)), exploration=self._exploration, seed=event.execution)
            expected = _seconds_of_hosts(read(store, identity=event.identity, limit=_RUNS, results=_RESULTS)) if hosts else {}
            if event.execution == self._execution:  # no other run has begun meanwhile
                self.outcomes, self._chooser, self.expected = outcomes, chooser, expected
                then()


def _taken_both_ways(store: FeedbackStore, runs: tuple[ExecutionRecord, ...]) -> tuple[ResultRecord, ...]:
    """The newest results of modules that went by the agent and by stock on a class of hosts; of all others there is nothing to compare."""
    ids = tuple(one.execution for one in runs)
    paths = store.paths(ids)
    both = [(module, host_class) for module, host_class, path in paths if path == 'agent' and (module, host_class, 'stock') in paths]
    return tuple(one for module, host_class in both for one in store.results(execution=ids, module=module, host_class=host_class, limit=_RESULTS))


def _seconds_of_hosts(history: History) -> dict[str, float]:
    runs: dict[str, list[float]] = collections.defaultdict(list)
    works: collections.defaultdict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for one in history.measured:  # a run in check mode says nothing of how long one takes
        works[one.execution][one.host] += one.duration or 0.0
    for work in works.values():
        for host, seconds in work.items():
            runs[host].append(seconds)
    return {host: sorted(found)[len(found) // 2] for host, found in runs.items()}
