# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far a run is: once, or again and again until it has ended."""
from __future__ import annotations

import sys
import time
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._cli.history import History
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.calibration import Forecaster
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.forecast import HostWork, Work
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import read
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord, ResultRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._render.progress import Coming, Progress, coming, progress, text
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import Run
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style

__all__ = ['Watcher', 'watch']

_EVERY: t.Final = 1.0
"""Seconds between two looks."""


class Watcher:
    """One run. What earlier runs say is read once."""

    def __init__(self, history: History, execution: ExecutionRecord) -> None:
        self._history, self._id = history, execution.execution
        self._like: Run | None = None
        self._forecaster: Forecaster | None = None
        if execution.status == 'running' and execution.identity:
            self._like = next(iter(reversed(history.before(execution, most=1))), None)
            past = read(history.store, identity=execution.identity).before(execution.execution)
            self._forecaster = Forecaster(past, forks=execution.forks or 5, ordering='free' if 'rustle' in execution.strategy else 'linear')

    def look(self, now: float) -> tuple[Run, Progress]:
        history = self._history
        history.mark_interrupted()
        execution = history.chosen(self._id)
        run = Run(execution, tasks=history.store.tasks(self._id), results=history.store.results(execution=self._id))
        left = coming(run, self._like) if self._like is not None else None
        found = self._forecaster.forecast(_work(run, left, now), elapsed=now - execution.started) if self._forecaster is not None and left is not None else None
        return run, progress(run, left, now=now, low=found.low if found is not None else None, high=found.high if found is not None else None)


def _work(run: Run, left: t.Sequence[Coming], now: float) -> list[HostWork]:
    """Hosts as a forecast wants them."""
    order = {line.task.task_id: line.place for line in run.task_lines}
    latest = len(order)
    to_come: dict[str, list[Work]] = {}
    for one in left:
        to_come.setdefault(one.host, []).append(Work(one.identity, one.module, latest + one.order))
    ended: dict[str, list[ResultRecord]] = {}
    for result in run.last:
        ended.setdefault(result.host, []).append(result)
    made = []
    for host in {**to_come, **ended}:
        running = next((one for one in ended.get(host, ()) if one.status == 'running'), None)
        made.append(HostWork(
            host, next((one.host_class for one in ended.get(host, ()) if one.host_class), ''),
            done=tuple(Work(one.identity, one.module, order[one.task_id], one.path) for one in ended.get(host, ()) if one is not running),
            running=Work(running.identity, running.module, order[running.task_id]) if running is not None else None,
            since=max(now - running.began, 0.0) if running is not None and running.began is not None else 0.0, left=tuple(to_come.get(host, ()))))
    return made


def watch(history: History, word: str, style: Style) -> int:
    """On a terminal the lines stay where they are; elsewhere there is a line whenever something has changed."""
    watcher = Watcher(history, history.chosen(word))
    shown, before = 0, ''
    while True:
        run, one = watcher.look(time.time())
        lines = text(run.name, one, style).splitlines()
        if sys.stdout.isatty():
            sys.stdout.write((f'\x1b[{shown}A\x1b[J' if shown else '') + '\n'.join(lines) + '\n')
            shown = len(lines)
        elif (state := f'{one.status} {one.done} {one.failed}') != before:
            sys.stdout.write(f'{lines[0]} · {lines[1]}\n')
            before = state
        sys.stdout.flush()
        if one.status != 'running':
            return 0
        time.sleep(_EVERY)
