# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records as rows: the statements for each kind of record, and the two ways between its fields and columns.

A table has the columns that its record has fields, under the same names. Booleans are 0 and 1, tuples of words are JSON.
"""
from __future__ import annotations

import dataclasses
import json
import operator
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import (
    AdaptationRecord,
    BundleRecord,
    ExecutionRecord,
    MetricRecord,
    PlanRecord,
    PlayRecord,
    RecommendationRecord,
    ReportRecord,
    ResultRecord,
    TaskRecord,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._store.queries import R, Wanted

__all__ = ['TABLES', 'Table', 'sound', 'table_of']

TABLES: t.Final[t.Mapping[type[t.Any], str]] = {
    ExecutionRecord: 'executions', PlanRecord: 'plans', PlayRecord: 'plays', TaskRecord: 'tasks', ResultRecord: 'results', BundleRecord: 'bundles',
    AdaptationRecord: 'adaptations', MetricRecord: 'metrics', RecommendationRecord: 'recommendations', ReportRecord: 'reports'}

Row = tuple[t.Any, ...]


class Table(t.Generic[R]):
    """One kind of record and its table."""

    def __init__(self, kind: type[R]) -> None:
        self.name = TABLES[kind]
        self.columns = tuple(field.name for field in dataclasses.fields(kind))
        self._kind = kind
        # rows are our own and hold each column: the slots are filled at once, which is half of the time of reading a history
        self._fill = tuple(getattr(kind, name).__set__ for name in self.columns)
        self._fields: t.Callable[[R], Row] = operator.attrgetter(*self.columns)
        hints = t.get_type_hints(kind)
        self._words = tuple(at for at, name in enumerate(self.columns) if t.get_origin(hints[name]) is tuple)
        self._switches = tuple(at for at, name in enumerate(self.columns) if bool in (hints[name], *t.get_args(hints[name])))
        names = ', '.join(f'"{name}"' for name in self.columns)
        others = ', '.join(f'"{name}" = excluded."{name}"' for name in self.columns if name not in kind.KEY)
        self._select = f'SELECT {names} FROM "{self.name}"'
        self.upsert = (
            f'INSERT INTO "{self.name}" ({names}) VALUES ({", ".join("?" * len(self.columns))}) '
            f'ON CONFLICT ({", ".join(kind.KEY)}) DO UPDATE SET {others}')

    def row(self, record: R) -> Row:
        row = self._fields(record)
        if not self._words:
            return row
        values = list(row)
        for at in self._words:
            values[at] = json.dumps(values[at])
        return tuple(values)

    def record(self, row: Row) -> R:
        values = list(row)
        for at in self._words:
            values[at] = tuple(json.loads(row[at]))
        for at in self._switches:
            values[at] = None if row[at] is None else bool(row[at])
        record = object.__new__(self._kind)
        for fill, value in zip(self._fill, values, strict=True):
            fill(record, value)
        return record

    def question(self, wanted: Wanted[R]) -> tuple[str, list[object]]:
        """The statement, and what stands for its question marks."""
        conditions: list[str] = []
        values: list[object] = []
        for name, value in wanted.equal.items():
            if value is not None:
                several = value if isinstance(value, tuple) else (value,)
                conditions.append(f'"{name}" = ?' if len(several) == 1 else f'"{name}" IN ({", ".join("?" * len(several))})')
                values += several
        if wanted.starting_with is not None:
            name, start = wanted.starting_with
            conditions.append(f'substr("{name}", 1, ?) = ?')
            values += (len(start), start)
        if wanted.since is not None:
            conditions.append(f'"{wanted.order}" >= ?')
            values.append(wanted.since)
        where = f' WHERE {" AND ".join(conditions)}' if conditions else ''
        way = 'ASC' if wanted.upward else 'DESC'
        limit = '' if wanted.limit is None else ' LIMIT ?'
        if wanted.limit is not None:
            values.append(wanted.limit)
        return f'{self._select}{where} ORDER BY "{wanted.order}" {way}, rowid {way}{limit}', values


def table_of(kind: type[R]) -> Table[R]:
    table = _MADE.get(kind)
    if table is None:
        table = _MADE[kind] = Table(kind)
    return table


_MADE: dict[type[t.Any], Table[t.Any]] = {}


def sound(row: Row) -> Row:
    """The row without what is no text in UTF-8: bytes of file names that Python carries along as lone surrogates."""
    return tuple(value.encode('utf-8', 'replace').decode('utf-8') if isinstance(value, str) else value for value in row)
