# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Many runs as one HTML file: the runs, tasks and hosts over them, and what to change.

The page is made as that of a run is (`report_html.py`): everything is there without a script, which only sorts the tables.
"""
from __future__ import annotations

import string
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord, RecommendationRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._render import report_sections as sections
from ansible_collections.rustle.engine.plugins.plugin_utils._render.history_view import host_histories, task_histories
from ansible_collections.rustle.engine.plugins.plugin_utils._render.markup import Child, Markup, element, joined
from ansible_collections.rustle.engine.plugins.plugin_utils._render.page_parts import island, part, policy
from ansible_collections.rustle.engine.plugins.plugin_utils._render.report_charts import proportions, run_lengths, share_of, sparkline
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import Past, Run, clock_words, duration_of
from ansible_collections.rustle.engine.plugins.plugin_utils._render.words import count

__all__ = ['page']


def page(runs: t.Sequence[Run], recommendations: t.Sequence[RecommendationRecord] = (), *, now: float | None = None) -> str:
    """The whole file. ``runs``: oldest first; ``now``: when it is made."""
    names = {key: name for run in runs for key, name in run.names.items()}
    style, script = ''.join(map(part, ('page_theme.css', 'report.css'))), part('report.js') + 'start();\n'
    made = sections.present({
        'Runs': _runs(runs), 'Recommendations': sections.recommendation_list(recommendations, names), 'Tasks': _tasks(runs), 'Hosts': _hosts(runs)})
    playbooks = ', '.join(dict.fromkeys(run.name for run in runs))
    title = f'{count(len(runs), "run")} of {playbooks}' if runs else 'no runs'
    span = f'{clock_words(runs[0].execution.started)} to {clock_words(runs[-1].execution.started)}' if runs else ''
    return string.Template(part('report.html')).substitute(
        policy=policy(style, script), title=joined(title), head=joined(element('div', element('h1', title), class_='title'), element('p', span)),
        links=sections.links(made), sections=joined(made.values()), style=style, script=script, data=island({}),
        made=joined('rustle.engine', f', page of {clock_words(now)}' if now is not None else None))


def _runs(runs: t.Sequence[Run]) -> Markup | None:
    rows: list[list[Child]] = []
    for run in reversed(runs):
        one = run.execution
        rows.append([
            sections.value(clock_words(one.started, seconds=True), one.started), run.name, sections.pill(_colour(one), one.status),
            sections.timed(duration_of(one)),
            sections.value(f'{one.hosts:,}', one.hosts), [proportions(run.counts), sections.counted(run.counts)],
            sections.NOT_KNOWN if one.round_trips is None else sections.value(f'{one.round_trips:,}', one.round_trips),
            [f'{one.rating} of 5' if one.rating else '', element('small', one.note)], element('code', one.execution[:8])])
    heads = ['Started', 'Playbook', 'Status', 'Took', 'Hosts', 'Results', 'Round trips', 'Rated', 'Run']
    if not rows:
        return None
    lengths = run_lengths(runs[-1].execution, Past(tuple(run.execution for run in runs[:-1])))
    return sections.section('runs', f'Runs ({len(rows)})', lengths, sections.table('Runs', heads, rows, numbers=(3, 4, 6), class_='sortable'))


def _colour(one: ExecutionRecord) -> str:
    return {'success': 'ok', 'interrupted': 'ignored'}.get(one.status, one.status)


def _tasks(runs: t.Sequence[Run]) -> Markup | None:
    every = task_histories(runs)
    most = max((sum(one.durations) for one in every), default=0) or 1
    rows: list[list[Child]] = []
    for one in every:
        whole = sum(one.durations)
        about = f'{short_name(one.module)} · {one.playbook}'
        rows.append([
            [element('b', one.name or short_name(one.module)), element('small', about)], sections.value(f'{one.runs:,}', one.runs), sections.timed(one.median),
            sections.timed(one.high), sections.value([sections.time(whole), share_of(whole / most)], whole),
            sparkline(one.medians), sections.counted(one.counts)])
    heads = ['Task', 'Runs', 'Median', '9 of 10', 'In all', 'History', 'Results']
    return sections.section('tasks', f'Tasks ({len(rows)})', sections.table('Tasks', heads, rows, numbers=(1, 2, 3, 4), class_='sortable')) if rows else None


def _hosts(runs: t.Sequence[Run]) -> Markup | None:
    rows: list[list[Child]] = [[
        one.host, sections.value(f'{one.runs:,}', one.runs), sections.NOT_KNOWN if one.pace is None else sections.value(f'{one.pace:.2f}', one.pace),
        sections.timed(one.busy), [proportions(one.counts), sections.counted(one.counts)], clock_words(one.seen), element('small', one.host_class),
    ] for one in host_histories(runs)]
    heads = ['Host', 'Runs', 'Pace', 'At work in a run', 'Results', 'Last seen', 'Class']
    says = element('p', 'Pace: how long a host takes for a task, as a multiple of what hosts of the same run take for it.', class_='soft')
    return sections.section('hosts', f'Hosts ({len(rows)})', says, sections.table('Hosts', heads, rows, numbers=(1, 2, 3), class_='sortable')) if rows else None
