# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run as one HTML file: what came of it, who did what when, what took time, and what to change.

Rule 1: everything but the close view of the timeline is there without a script; the script sorts, searches and draws.
Rule 2: a text is escaped by `markup.py`, or travels as data (`page_parts.py`) and is put in as text.
Rule 3: facts are gathered here; the script lays them out and decides nothing.
"""
from __future__ import annotations

import string
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._render import report_sections as sections
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import clean
from ansible_collections.rustle.engine.plugins.plugin_utils._render.markup import Markup, element, joined
from ansible_collections.rustle.engine.plugins.plugin_utils._render.page_parts import island, part, policy
from ansible_collections.rustle.engine.plugins.plugin_utils._render.report_charts import overview
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import STATUSES, Past, Run, Span, clock_words, duration_of, spans
from ansible_collections.rustle.engine.plugins.plugin_utils._render.words import seconds

__all__ = ['page', 'page_data']

_STYLES = ('page_theme.css', 'report.css')
_SCRIPTS = ('report.js', 'report_timeline.js')
_PATHS = ('', 'agent', 'stock', 'controller')
_NO_PAST = Past()


def page(run: Run, past: Past = _NO_PAST, *, now: float | None = None) -> str:
    """The whole file. ``now``: when it is made."""
    style, script = ''.join(map(part, _STYLES)), ''.join(map(part, _SCRIPTS))
    lanes = spans(run)
    made = sections.present({
        'Summary': sections.cards(run, past), 'Failures': sections.failures(run), 'Timeline': _timeline(run, lanes), 'Slowest': sections.slowest(run, past),
        'Plan': sections.plan(run), 'Adaptations': sections.adaptations(run), 'Recommendations': sections.recommendations(run), 'Hosts': sections.hosts(run),
        'Bundles': sections.bundles(run), 'Tasks': sections.every_task(run, past)})
    return string.Template(part('report.html')).substitute(
        policy=policy(style, script), title=joined(f'{run.name}: {run.execution.status}'), head=_head(run),
        links=sections.links(made), sections=joined(made.values()), style=style, script=script,
        data=island(page_data(run, lanes)), made=joined(f'run {run.execution.execution}', f', page of {clock_words(now)}' if now is not None else None))


def _head(run: Run) -> Markup:
    one = run.execution
    length = duration_of(one)
    first = [element('h1', run.name), sections.pill({'success': 'ok', 'interrupted': 'ignored'}.get(one.status, one.status), one.status)]
    facts = [
        clock_words(one.started, seconds=True), seconds(length) if length is not None else '',
        f'by {one.user} on {one.controller}' if one.user else one.controller,
        f'inventory {one.inventory}' if one.inventory else '', f'limit {one.limit}' if one.limit else '', f'tags {one.tags}' if one.tags else '',
        f'without tags {one.skip_tags}' if one.skip_tags else '', one.strategy, f'{one.forks} forks' if one.forks else '', 'check mode' if one.check else '',
        f'ansible-core {one.core_version}' if one.core_version else '', f'rustle.engine {one.engine_version}' if one.engine_version else '',
    ]
    return joined(element('div', first, class_='title'), element('p', ' · '.join(filter(None, facts))))


def _timeline(run: Run, lanes: t.Mapping[str, t.Sequence[Span]]) -> Markup | None:
    if not lanes:
        return None
    used = [status for status in STATUSES if any(span.result.status == status for every in lanes.values() for span in every)]
    legend = element('ul', [element('li', element('i', class_=f'dot {status}'), status) for status in used], class_='legend', aria_label='Colours')
    measured = sum(span.result.start is not None for every in lanes.values() for span in every)
    whole = sum(map(len, lanes.values()))
    says = 'times as the agents measured them' if measured == whole else 'times as the controller saw them' if not measured else (
        'times as the agents measured them, and else as the controller saw them')
    return element('section', element('h2', 'Timeline'), element('div', legend, element('p', says, class_='soft'), class_='legends'),
                   element('figure', overview(run, lanes), id='overview'), Markup(part('report_tools.html')), id='timeline', aria_label='Timeline')


def page_data(run: Run, lanes: t.Mapping[str, t.Sequence[Span]]) -> dict[str, t.Any]:
    """What the script draws: tasks as [name, module, play, place], and for each host its bars, one after another, as
    task, start, length, status, path, attempt, CPU, wait before it. Times in milliseconds, -1 where one is not known."""
    place = {line.task.task_id: line.place for line in run.task_lines}
    messages = {f'{place[one.task_id]} {one.host}': clean(one.message) for one in run.failures[:1000] if one.message}
    return {
        'tasks': [[clean(line.task.name or short_name(line.task.module)), clean(short_name(line.task.module)), clean(line.task.play), clean(line.task.path)]
                  for line in run.task_lines],
        'hosts': list(map(clean, lanes)),
        'statuses': list(STATUSES), 'paths': list(_PATHS),
        'bars': [[number for span in every for number in _bar(span, place)] for every in lanes.values()],
        'messages': messages,
        'length': _ms(max((span.end for every in lanes.values() for span in every), default=0.0)),
    }


def _bar(span: Span, place: t.Mapping[str, int]) -> tuple[int, ...]:
    one = span.result
    return (place[one.task_id], _ms(span.start), _ms(span.end - span.start), STATUSES.index(one.status), _PATHS.index(one.path or ''), one.attempt,
            -1 if one.cpu is None else _ms(one.cpu), -1 if one.queued is None else _ms(one.queued))


def _ms(value: float) -> int:
    return round(value * 1000)
