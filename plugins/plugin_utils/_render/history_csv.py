# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results of runs as CSV: a line for each attempt of a task on a host, with its run and its task beside it. RFC 4180; the first line has the names."""
from __future__ import annotations

import csv
import dataclasses
import io
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import Record, ResultRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import Run

__all__ = ['COLUMNS', 'text']

# column -> field
_RUN: t.Final = {'playbook': 'playbook', 'run_started': 'started', 'run_status': 'status', 'controller': 'controller', 'user': 'user'}
_TASK: t.Final = {'task': 'name', 'task_path': 'path', 'play': 'play', 'role': 'role', 'handler': 'handler'}
_RESULT: t.Final = {one.name: one.name for one in dataclasses.fields(ResultRecord)}
COLUMNS: t.Final = tuple(dict.fromkeys(['execution', *_RUN, *_TASK, *_RESULT]))


def text(runs: t.Iterable[Run]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    for run in runs:
        beside = _fields(run.execution, _RUN)
        tasks = {one.task_id: one for one in run.tasks}
        for result in run.results:
            writer.writerow(beside | _fields(tasks.get(result.task_id), _TASK) | _fields(result, _RESULT))
    return file.getvalue()


def _fields(record: Record | None, columns: t.Mapping[str, str]) -> dict[str, t.Any]:
    found = {column: getattr(record, name) for column, name in columns.items()} if record is not None else {}
    return {name: int(value) if isinstance(value, bool) else value for name, value in found.items()}
