# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each command of rustle-feedback answers: the same facts as data and as text.

Rule 1: a function here has the name of its command. It asks the history once and decides nothing that `_learning` decides.
"""
from __future__ import annotations

import argparse
import time
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._cli.feedback_json import RUN, dumped
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.feedback_status import Watcher, watch
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.history import History, learned
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.output import write
from ansible_collections.rustle.engine.plugins.plugin_utils._render import history_text, run_text
from ansible_collections.rustle.engine.plugins.plugin_utils._render.history_view import Rate, compared, host_histories, past_of, task_histories, trendings
from ansible_collections.rustle.engine.plugins.plugin_utils._render.progress import text as text_of_progress
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import Run
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style
from ansible_collections.rustle.engine.plugins.plugin_utils._store.outcomes import forget_outcomes, learned_outcomes

__all__ = ['Answer', 'adaptations', 'compare', 'export', 'hosts', 'prune', 'rate', 'recommend', 'report', 'runs', 'show', 'status', 'tasks', 'trends', 'watch']


class Answer(t.NamedTuple):
    """``payload``: keys as feedback_json.PAYLOADS has them."""

    payload: t.Callable[[], dict[str, t.Any]]
    text: t.Callable[[Style], str]


def runs(history: History, options: argparse.Namespace) -> Answer:
    found = history.executions(playbook=options.playbook, limit=options.limit)
    return Answer(lambda: {'runs': found}, lambda style: history_text.runs(found, style))


def show(history: History, options: argparse.Namespace) -> Answer:
    run, before = _with_past(history, options.run)
    return Answer(lambda: payload_of(run), lambda style: run_text.run(run, past_of(before), style, tasks=options.tasks))


def _with_past(history: History, word: str) -> tuple[Run, list[Run]]:
    run = history.run(history.chosen(word))
    before = history.before(run.execution)
    return history.advised(run, before), before


def payload_of(run: Run) -> dict[str, t.Any]:
    return {'run': run.execution, **{key: getattr(run, key) for key in RUN[1:]}}


def compare(history: History, options: argparse.Namespace) -> Answer:
    before, after = (history.run(history.chosen(word)) for word in (options.before, options.after))
    rows = compared(before, after)
    return Answer(lambda: {'before': before.execution, 'after': after.execution, 'compared': rows},
                  lambda style: history_text.compare(before, after, rows, style, most=options.limit))


def hosts(history: History, options: argparse.Namespace) -> Answer:
    found = host_histories(history.runs(playbook=options.playbook, limit=options.limit))
    return Answer(lambda: {'host_histories': found}, lambda style: history_text.hosts(found, style))


def tasks(history: History, options: argparse.Namespace) -> Answer:
    found = task_histories(history.runs(playbook=options.playbook, limit=options.limit))
    return Answer(lambda: {'task_histories': found}, lambda style: history_text.tasks(found, style))


def trends(history: History, options: argparse.Namespace) -> Answer:
    every = history.runs(playbook=options.playbook, limit=options.limit)
    found = trendings(learned(every))
    return Answer(lambda: {'trends': found}, lambda style: history_text.trends(found, len(every), style))


def report(history: History, options: argparse.Namespace) -> Answer:
    run, before = _with_past(history, options.run)
    past = past_of(before)

    def made(style: Style) -> str:
        if options.output == 'text':
            return run_text.run(run, past, style, tasks=True)
        from ansible_collections.rustle.engine.plugins.plugin_utils._render import report_html

        return report_html.page(run, past, now=time.time())

    def payload() -> dict[str, t.Any]:
        if options.out is not None:
            write(options.out, made(Style(width=100)).encode(errors='backslashreplace'))
        return {'run': run.execution, 'written': options.out}

    return Answer(payload, made)


def recommend(history: History, options: argparse.Namespace) -> Answer:
    every = history.runs(playbook=options.playbook, limit=options.limit)
    found = history.recommendations(every)
    names = {key: name for run in every for key, name in run.names.items()}
    return Answer(lambda: {'recommendations': found}, lambda style: run_text.recommendations(found, names, style))


def export(history: History, options: argparse.Namespace) -> Answer:
    found = history.runs(playbook=options.playbook, limit=options.limit)

    def made(style: Style) -> str:
        if options.form == 'json':
            return dumped('export', {'exported': list(map(payload_of, found))})
        if options.form == 'csv':
            from ansible_collections.rustle.engine.plugins.plugin_utils._render import history_csv

            return history_csv.text(found)
        from ansible_collections.rustle.engine.plugins.plugin_utils._render import history_html

        return history_html.page(found, history.recommendations(found), now=time.time())

    return Answer(lambda: {'exported': list(map(payload_of, found))}, made)


def prune(history: History, options: argparse.Namespace) -> Answer:
    pruned = history.prune(days=options.days, size=options.size, dry_run=options.dry_run)
    return Answer(lambda: {'pruned': pruned}, lambda style: history_text.pruned(pruned.runs, pruned.freed, style, dry_run=pruned.dry_run))


def rate(history: History, options: argparse.Namespace) -> Answer:
    run = history.chosen(options.run)
    history.store.rate(run.execution, options.rating, note=options.note)
    rated = history.chosen(run.execution)
    return Answer(lambda: {'run': rated}, lambda style: history_text.runs([rated], style))


def adaptations(history: History, options: argparse.Namespace) -> Answer:
    if options.reset:
        forget_outcomes(history.store, now=time.time())
    found = [Rate(*key, successes=successes, trials=trials) for key, (successes, trials) in sorted(learned_outcomes(history.store).items())]
    return Answer(lambda: {'rates': found}, lambda style: history_text.rates(found, style))


def status(history: History, options: argparse.Namespace) -> Answer:
    run, found = Watcher(history, history.chosen(options.run)).look(time.time())
    return Answer(lambda: {'run': run.execution, 'progress': found}, lambda style: text_of_progress(run.name, found, style))
