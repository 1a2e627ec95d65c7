# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run that has just ended teaches: kept beside it, and the most of it said in at most three lines.

Rule: a run that nothing can be learned from costs a look at the history and says nothing; whatever fails here fails quietly, the run is over.
"""
from __future__ import annotations

import contextlib
import time
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import Record
from ansible_collections.rustle.engine.plugins.plugin_utils._store.importing import importing

__all__ = ['drawn']

_RUNS: t.Final = 20
_RESULTS: t.Final = 5000
_REMEMBERED: t.Final = 10
"""What was said in so many runs before is not said again."""


def drawn(database: str, execution: str, identity: str) -> tuple[tuple[str, ...], list[Record]]:
    """(the lines, what is to be kept). ``identity``: the playbook's."""
    with importing:
        from ansible_collections.rustle.engine.plugins.plugin_utils._learning.analysis import findings
        from ansible_collections.rustle.engine.plugins.plugin_utils._learning.estimation import cross_validate
        from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import read
        from ansible_collections.rustle.engine.plugins.plugin_utils._learning.summary import report
        from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore

    records: list[Record] = []
    with contextlib.suppress(RustleError), contextlib.closing(SqliteStore(database, create=False)) as store:
        history = read(store, identity=identity, limit=_RUNS, results=_RESULTS)
        others = [one for one in history.executions if one.execution != execution]
        if len(others) == len(history.executions):
            return (), []
        now = time.time()
        found = findings(history, execution)
        said = report(history, execution, time=now, found=found)
        again = {line for one in others[-_REMEMBERED:] for past in store.reports(execution=one.execution) for line in past.lines}
        records = [*(one.record(execution, time=now) for one in found), said]
        checked = cross_validate(history)
        if checked is not None:
            records.append(checked.record(execution, time=now))
        return tuple(line for line in said.lines if line not in again), records
    return (), records
