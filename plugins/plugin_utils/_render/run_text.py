# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run for the terminal: what came of it, what failed, what took time, what was adapted and what to change.

Rule 1: no line is wider than ``style.width``; below 40 columns it is laid out for 40.
Rule 2: every function returns text that ends with a line break.
"""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import AdaptationRecord, RecommendationRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import Paint, clean, cut, wrapped
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import Past, Run, clock_words, duration_of
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style
from ansible_collections.rustle.engine.plugins.plugin_utils._render.table import Cell, Column, Text, table
from ansible_collections.rustle.engine.plugins.plugin_utils._render.words import count, hosts_in_short, seconds

__all__ = ['MEANINGS', 'recommendations', 'run', 'run_id', 'sparks', 'status', 'time', 'times']

MEANINGS: t.Final = {
    'success': 'good', 'ok': 'good', 'changed': 'stock', 'failed': 'bad', 'unreachable': 'bad', 'ignored': 'stock', 'interrupted': 'stock', 'running': 'play',
    'skipped': 'dim', 'critical': 'bad', 'warning': 'stock', 'info': 'play', 'degrading': 'bad', 'improving': 'good', 'slower': 'bad', 'faster': 'good',
}
_BARS: t.Final = '▁▂▃▄▅▆▇█'
_SLOWEST: t.Final = 10
_ADVICE: t.Final = 5


def time(value: float | None) -> str:
    """Empty for what is not known."""
    return '' if value is None else seconds(value)


def status(word: str) -> Text:
    return Text(word, MEANINGS.get(word, ''))


def run_id(execution: str) -> str:
    """As much of an id as people need."""
    return execution[:8]


def sparks(values: t.Sequence[float], most: int = 12) -> str:
    """``▁▁▂▇``: the last values, as parts of the greatest of them."""
    values = values[-most:]
    top = max(values, default=0.0)
    if len(values) < 2 or top <= 0:
        return ''
    return ''.join(_BARS[min(int(value / top * len(_BARS)), len(_BARS) - 1)] for value in values)


def times(now: float | None, usual: float | None) -> str:
    """``+57 %``, ``-12 %``, ``2.1 times``; empty where there is nothing to compare, or hardly a difference."""
    if now is None or not usual or 0.95 < now / usual < 1.05:
        return ''
    return f'{now / usual:.1f} times' if now / usual >= 2 else f'{now / usual - 1:+.0%}'.replace('%', ' %')


def run(one: Run, past: Past, style: Style, *, tasks: bool = False) -> str:
    """``tasks``: all of them, in order, instead of the slowest."""
    lines = [*_head(one, past, style)]
    for part in (_failures(one, style), _tasks(one, past, style, every=tasks), _adaptations(one.adaptations, one, style)):
        if part:
            lines.extend(['', *part])
    if one.recommendations:
        lines.extend(['', *_recommendations(one.recommendations, one.names, style, most=_ADVICE)])
    return '\n'.join(lines) + '\n'


def _head(one: Run, past: Past, style: Style) -> list[str]:
    execution, paint = one.execution, Paint(style.colour)
    title = cut(clean(f'{one.name}: {execution.status}'), style.cells)
    facts = [
        clock_words(execution.started, seconds=True), time(duration_of(execution)), f'run {run_id(execution.execution)}', execution.strategy,
        f'limit {execution.limit}' if execution.limit else '', f'tags {execution.tags}' if execution.tags else '',
        f'without tags {execution.skip_tags}' if execution.skip_tags else '', 'check mode' if execution.check else '']
    counts = ', '.join(f'{number:,} {name}' for name, number in one.counts.items())
    work = [count(len(one.task_lines), 'task'), count(max(execution.hosts, len(one.host_lines)), 'host'), counts,
            count(execution.round_trips, 'round trip') if execution.round_trips is not None else '',
            count(execution.bundles, 'bundle') if execution.bundles is not None else '']
    lines = [paint(MEANINGS.get(execution.status, 'title'), title), *wrapped(clean(' · '.join(filter(None, facts))), style.cells),
             *wrapped(clean(' · '.join(filter(None, work))), style.cells)]
    usual = past.usual_run
    if usual is not None:
        lines.extend(wrapped(f'usually {seconds(usual)}, in {count(len(past.runs), "earlier run")}', style.cells))
    if one.plan is not None and one.plan.estimated_duration is not None:
        lines.extend(wrapped(f'planned {seconds(one.plan.estimated_duration)}', style.cells))
    if execution.rating is not None:
        lines.extend(wrapped(clean(f'rated {execution.rating} of 5{f": {execution.note}" if execution.note else ""}'), style.cells, later='  '))
    for line in one.report.lines if one.report is not None else ():
        lines.extend(wrapped(clean(line), style.cells, first='> ', later='  '))
    return lines


def _failures(one: Run, style: Style) -> list[str]:
    paint = Paint(style.colour)
    grouped: dict[tuple[str, str, str, str], list[str]] = {}
    for result in one.failures:
        grouped.setdefault((result.task_id, result.status, result.error_class, result.message), []).append(result.host)
    lines: list[str] = []
    for (task_id, word, error_class, message), hosts in sorted(grouped.items(), key=lambda group: group[0][1] == 'ignored'):
        title = f'{word}: {one.names.get(task_id, task_id)} on {hosts_in_short(hosts)}{f" ({error_class})" if error_class else ""}'
        lines.extend(paint(MEANINGS[word], line) for line in wrapped(clean(title), style.cells, later='  '))
        for line in message.splitlines():
            lines.extend(wrapped(clean(line), style.cells, first='  ', later='    '))
    return lines


def _tasks(one: Run, past: Past, style: Style, *, every: bool) -> list[str]:
    shown = one.task_lines if every else one.slowest[:_SLOWEST]
    if not shown:
        return []
    rows: list[list[Cell]] = []
    for line in shown:
        usual = past.usual(line.task.identity)
        history = sparks([*past.durations.get(line.task.identity, ()), *filter(None, [line.median])])
        words = ', '.join(f'{number} {name}' for name, number in line.counts.items())
        rows.append([
            line.task.name or short_name(line.task.module), short_name(line.task.module), time(line.longest),
            line.slowest_host if len(line.results) > 1 else '', time(line.median), time(usual), times(line.median, usual), history,
            Text(words, MEANINGS.get(next(iter(line.counts), ''), ''))])
    columns = [Column('TASK' if every else 'SLOWEST TASKS', shrinks=True), Column('MODULE', shrinks=True, rank=3), Column('LONGEST', right=True),
               Column('ON', shrinks=True, rank=2), Column('MEDIAN', right=True, rank=4), Column('USUALLY', right=True, rank=1), Column('', right=True, rank=1),
               Column('HISTORY', rank=6), Column('RESULTS', shrinks=True, rank=5)]
    return table(columns, rows, style)


def _adaptations(every: t.Sequence[AdaptationRecord], one: Run, style: Style) -> list[str]:
    if not every:
        return []
    rows: list[list[Cell]] = []
    for adaptation in every:
        outcome = {True: 'helped', False: 'did not help', None: adaptation.state}[adaptation.succeeded if adaptation.state == 'applied' else None]
        colour = {'helped': 'good', 'did not help': 'bad', 'rejected': 'stock'}.get(outcome, '')
        rows.append([
            adaptation.what, adaptation.target if adaptation.target != '*' else 'the run', one.names.get(adaptation.task, adaptation.task),
            Text(outcome + (f' ({adaptation.reason})' if adaptation.reason else ''), colour), adaptation.rationale])
    return table([Column('ADAPTATION'), Column('TARGET', shrinks=True), Column('TASK', shrinks=True, rank=2), Column('OUTCOME', shrinks=True),
                  Column('WHY', shrinks=True, rank=1)], rows, style)


def recommendations(every: t.Sequence[RecommendationRecord], names: t.Mapping[str, str], style: Style) -> str:
    return '\n'.join(_recommendations(every, names, style) or ['nothing to recommend']) + '\n'


def _recommendations(
    every: t.Sequence[RecommendationRecord], names: t.Mapping[str, str], style: Style, *, most: int | None = None,
) -> list[str]:
    paint = Paint(style.colour)
    order = ('critical', 'warning', 'info')
    ordered = sorted(every, key=lambda one: (order.index(one.severity), -(one.gain or 0)))
    lines: list[str] = []
    for one in ordered[:most]:
        gain = f' (saves about {seconds(one.gain)} a run)' if one.gain is not None else ''
        title = wrapped(clean(f'{one.severity}: {one.title}{gain}'), style.cells, later='  ')
        lines.extend(paint(MEANINGS[one.severity], line) for line in title)
        subject = names.get(one.subject, one.subject)
        lines.extend(wrapped(clean(f'{subject}: {one.evidence}' if subject and subject not in one.title else one.evidence), style.cells, first='  '))
        for text in one.change.splitlines():
            lines.extend(wrapped(clean(text), style.cells, first='    ', later='      '))
    if most is not None and len(every) > most:
        lines.extend(wrapped(f'{len(every) - most:,} more: rustle-feedback recommend', style.cells))
    return lines
