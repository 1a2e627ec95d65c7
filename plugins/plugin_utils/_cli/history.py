# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The history of runs as rustle-feedback asks for it: where it lies, which run is meant, and runs with all their records."""
from __future__ import annotations

import contextlib
import dataclasses
import difflib
import os
import re
import sqlite3
import tempfile
import time
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._learning.analysis import findings
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import History as Learned
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord, RecommendationRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import clean
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_text import run_id
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import Run, clock_words
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.config_file import find_config, read_config
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.feedback_settings import FeedbackSettings, resolve_feedback
from ansible_collections.rustle.engine.plugins.plugin_utils._store.liveness import is_alive
from ansible_collections.rustle.engine.plugins.plugin_utils._store.protocol import FeedbackStore
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore

__all__ = ['History', 'Pruned', 'UnknownRun', 'learned', 'settings']

_EARLIER: t.Final = 20
"""Runs before one that say what is usual."""


@dataclasses.dataclass(frozen=True)
class Pruned:
    """``freed`` in bytes; ``dry_run``: it was not done."""

    runs: tuple[ExecutionRecord, ...]
    freed: int
    dry_run: bool = False


class UnknownRun(RustleError):
    """No run, or more than one, is called like that."""


def settings() -> FeedbackSettings:
    """As the callbacks would have them here."""
    return resolve_feedback(environ=os.environ, config=read_config(find_config(os.environ)))


class History:
    """One store, read. Runs whose process has gone without an end are marked as interrupted when it is opened."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.mark_interrupted()

    def mark_interrupted(self) -> None:
        self.store.mark_interrupted(controller=os.uname().nodename, is_alive=is_alive)

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: str | None) -> t.Iterator[History]:
        """``path``: of the database, instead of what the settings say."""
        store = SqliteStore(path if path is not None else settings().feedback_db, create=False)
        try:
            yield cls(store)
        finally:
            store.close()

    # -- which runs

    def executions(self, *, playbook: str | None = None, limit: int | None = None) -> tuple[ExecutionRecord, ...]:
        """Newest first. ``playbook``: its path or its file name."""
        if playbook is None:
            return self.store.executions(limit=limit)
        wanted = os.path.abspath(playbook)
        every = self.store.executions()
        found = [one for one in every if playbook == os.path.basename(one.playbook) or os.path.abspath(one.playbook) == wanted]
        if not found:
            known = sorted({clean(os.path.basename(one.playbook)) for one in every})
            raise UnknownRun(f'there is no run of {playbook!r}', hint=f'there are runs of {", ".join(known[:8])}' if known else 'no run was recorded yet')
        return tuple(found[:limit])

    def chosen(self, word: str) -> ExecutionRecord:
        """The run that people mean by an id or its begin, ``last``, or ``-2``."""
        if word == 'last' or re.fullmatch(r'-[1-9][0-9]{0,5}', word):
            number = 1 if word == 'last' else int(word[1:])
            found = self.store.executions(limit=number)
            if len(found) == number:
                return found[-1]
            raise UnknownRun(f'there is no run {word}', hint=f'there are {len(found)} of them' if found else 'no run was recorded yet')
        found = self.store.executions(starting_with=word.lower(), limit=9) if word else ()
        exact = [one for one in found if one.execution == word.lower()]
        if len(found) == 1 or exact:
            return (exact or found)[0]
        if found:
            raise UnknownRun(f'{len(found) if len(found) < 9 else "many"} runs begin with {word!r}', hint=f'one of {_listed(found[:3])}')
        raise UnknownRun(f'there is no run {word!r}', hint=self._near(word))

    def _near(self, word: str) -> str:
        recent = {run_id(one.execution): one for one in reversed(self.store.executions(limit=200))}
        if not recent:
            return 'no run was recorded yet'
        near = [recent[name] for name in difflib.get_close_matches(run_id(word.lower()), recent, n=3, cutoff=0.5)]
        return f'did you mean {_listed(near)}?' if near else f'the last ones are {_listed(list(reversed(recent.values()))[:3])}'

    # -- runs

    def run(self, execution: ExecutionRecord) -> Run:
        key, store = execution.execution, self.store
        return Run(
            execution, plan=store.plan(key), plays=store.plays(key), tasks=store.tasks(key), results=store.results(execution=key),
            bundles=store.bundles(key), adaptations=tuple(reversed(store.adaptations(execution=key))), metrics=store.metrics(execution=key),
            recommendations=store.recommendations(execution=key), report=next(iter(store.reports(execution=key)), None))

    def runs(self, *, playbook: str | None = None, limit: int | None = None) -> list[Run]:
        """Oldest first."""
        return [self.run(one) for one in reversed(self.executions(playbook=playbook, limit=limit))]

    def before(self, execution: ExecutionRecord, *, most: int = _EARLIER) -> list[Run]:
        """Earlier runs of the same playbook, oldest first."""
        same = self.store.executions(identity=execution.identity, limit=500)
        earlier = [one for one in same if one.started < execution.started and one.execution != execution.execution][:most]
        return [self.run(one) for one in reversed(earlier)]

    # -- what is learned of them

    def advised(self, run: Run, before: t.Sequence[Run]) -> Run:
        """With what its history recommends, if nothing was kept with the run. ``before``: oldest first."""
        if run.recommendations or run.execution.status == 'running':
            return run
        found = findings(learned([*before, run]), run.execution.execution)
        time = run.execution.ended or run.execution.seen or run.execution.started
        return dataclasses.replace(run, recommendations=tuple(one.record(run.execution.execution, time=time) for one in found))

    def recommendations(self, runs: t.Sequence[Run]) -> list[RecommendationRecord]:
        """For the newest run of each playbook. ``runs``: oldest first."""
        by_playbook: dict[str, list[Run]] = {}
        for run in runs:
            by_playbook.setdefault(run.execution.identity, []).append(run)
        return [one for *before, run in by_playbook.values() for one in self.advised(run, before).recommendations]

    # -- what is forgotten

    def prune(self, *, days: int | None, size: int | None, dry_run: bool) -> Pruned:
        """What is not given is as the settings say."""
        if days is None and size is None:
            kept = settings()
            days, size = kept.feedback_days, kept.feedback_size
        if not dry_run:
            return _pruned(self.store, days or 0, size or 0)
        # what a database shrinks to cannot be told without doing it
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'copy.db')
            with contextlib.closing(sqlite3.connect(self.store.path)) as one, contextlib.closing(sqlite3.connect(path)) as other:
                one.backup(other)
            with contextlib.closing(SqliteStore(path, create=False)) as copy:
                return dataclasses.replace(_pruned(copy, days or 0, size or 0), dry_run=True)


def learned(runs: t.Sequence[Run]) -> Learned:
    """Runs as `_learning` takes them."""
    return Learned(
        executions=tuple(run.execution for run in runs), tasks=tuple(one for run in runs for one in run.tasks),
        results=tuple(one for run in runs for one in run.results), bundles=tuple(one for run in runs for one in run.bundles),
        adaptations=tuple(one for run in runs for one in run.adaptations))


def _pruned(store: FeedbackStore, days: int, size: int) -> Pruned:
    runs, before = store.executions(), store.size()
    store.prune(days=days, size=size, now=time.time())
    kept = {one.execution for one in store.executions()}
    return Pruned(tuple(one for one in runs if one.execution not in kept), max(before - store.size(), 0))


def _listed(every: t.Iterable[ExecutionRecord]) -> str:
    return ', '.join(f'{run_id(one.execution)} ({clean(os.path.basename(one.playbook))}, {clock_words(one.started)})' for one in every)
