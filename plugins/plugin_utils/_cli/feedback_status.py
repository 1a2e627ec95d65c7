# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far a run is: once, or again and again until it has ended. The picture is the tracker's, made from what the history holds."""
from __future__ import annotations

import sys
import time
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._cli.history import History
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.outlook import forecast_of, ordering_of
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.calibration import Forecaster
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import read
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._render.progress import Progress, shown, text
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import Run
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.tracker import ExecutionTracker, Outlook, Remaining

__all__ = ['Watcher', 'watch']

_EVERY: t.Final = 1.0
"""Seconds between two looks."""


class Watcher:
    """One run. What earlier runs say is read once for each strategy of its plays."""

    def __init__(self, history: History, execution: ExecutionRecord) -> None:
        self._history, self._execution = history, execution
        self._forecasters: dict[str, Forecaster] = {}

    def look(self, now: float) -> tuple[Run, Progress]:
        history, key = self._history, self._execution.execution
        history.mark_interrupted()
        execution, store = history.chosen(key), history.store
        run = Run(
            execution, plays=store.plays(key), tasks=store.tasks(key), results=store.results(execution=key), bundles=store.bundles(key),
            metrics=store.metrics(execution=key, name='away'))
        tracker = ExecutionTracker.from_records(
            (execution, *run.plays, *run.tasks, *run.results, *run.bundles, *run.metrics), forecast=self._left if execution.identity else None)
        return run, shown(tracker.progress(now), now=now)

    def _left(self, remaining: Remaining) -> Outlook | None:
        strategy = remaining.strategy
        if strategy not in self._forecasters:
            past = read(self._history.store, identity=self._execution.identity).before(self._execution.execution)
            self._forecasters[strategy] = Forecaster(past, forks=self._execution.forks or 5, ordering=ordering_of(strategy), strategy=strategy)
        return forecast_of(self._forecasters[strategy], remaining)


def watch(history: History, word: str, style: Style) -> int:
    """On a terminal the lines stay where they are; elsewhere there is a line whenever something has changed."""
    watcher = Watcher(history, history.chosen(word))
    shown_lines, before = 0, ''
    while True:
        run, one = watcher.look(time.time())
        lines = text(run.name, one, style).splitlines()
        if sys.stdout.isatty():
            sys.stdout.write((f'\x1b[{shown_lines}A\x1b[J' if shown_lines else '') + '\n'.join(lines) + '\n')
            shown_lines = len(lines)
        elif (state := f'{one.status} {one.done} {one.failed} {one.unreachable}') != before:
            sys.stdout.write(f'{lines[0]} · {lines[1]}\n')
            before = state
        sys.stdout.flush()
        if one.status != 'running':
            return 0
        time.sleep(_EVERY)
