# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A history of runs that ends with the process: for tests, and for who wants to record nothing on disk."""
from __future__ import annotations

import dataclasses
import operator
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Path
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord, Record, ResultRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._store.queries import Queries, R, Wanted

__all__ = ['MemoryStore']


class MemoryStore(Queries):
    """Keeps the records themselves, by kind and key, in the order in which the keys came."""

    def __init__(self) -> None:
        self._records: dict[type[t.Any], dict[tuple[object, ...], Record]] = {}

    def put(self, records: t.Iterable[Record]) -> None:
        for record in tuple(records):
            self._records.setdefault(type(record), {})[tuple(getattr(record, name) for name in record.KEY)] = record

    def find(self, wanted: Wanted[R]) -> tuple[R, ...]:
        kept = t.cast('dict[tuple[object, ...], R]', self._records.get(wanted.kind, {}))
        value = operator.attrgetter(wanted.order)
        found = [record for record in kept.values() if _fits(record, wanted)]
        if not wanted.upward:
            found.reverse()
        found.sort(key=lambda record: (value(record) is not None, value(record)), reverse=not wanted.upward)
        return tuple(found[:wanted.limit])

    def paths(self, executions: t.Collection[str]) -> frozenset[tuple[str, str, Path | None]]:
        results = t.cast('dict[tuple[object, ...], ResultRecord]', self._records.get(ResultRecord, {}))
        return frozenset((one.module, one.host_class, one.path) for one in results.values() if one.execution in executions)

    def size(self) -> int:
        return sum(len(repr(record)) for kept in self._records.values() for record in kept.values())

    def close(self) -> None:
        """Nothing is held."""

    def _change(self, execution: str, changes: t.Mapping[str, object], *, status: str | None = None) -> bool:
        found = self._records.get(ExecutionRecord, {}).get((execution,))
        if not isinstance(found, ExecutionRecord) or status not in (None, found.status):
            return False
        self.put([dataclasses.replace(found, **t.cast('dict[str, t.Any]', changes))])
        return True

    def _forget(self, execution: str) -> None:
        for kept in self._records.values():
            for key in [key for key, record in kept.items() if record.execution == execution]:
                del kept[key]

    def _shrink(self) -> None:
        """Nothing is left of what is forgotten."""


def _fits(record: Record, wanted: Wanted[t.Any]) -> bool:
    for name, value in wanted.equal.items():
        if value is not None and getattr(record, name) not in (value if isinstance(value, tuple) else (value,)):
            return False
    if wanted.starting_with is not None and not str(getattr(record, wanted.starting_with[0])).startswith(wanted.starting_with[1]):
        return False
    if wanted.since is not None:
        at = getattr(record, wanted.order)
        return at is not None and bool(at >= wanted.since)
    return True
