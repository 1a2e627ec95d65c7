# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sections of a report: what there is to say of a run, as tables that need no script.

Rule 1: a section without anything to say is None, and the page does without it.
Rule 2: a number that is not known is a dash, never 0.
"""
from __future__ import annotations

import collections
import json
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import RecommendationRecord, ResultRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._render.markup import Child, Markup, element, joined
from ansible_collections.rustle.engine.plugins.plugin_utils._render.report_charts import proportions, run_lengths, share_of, sparkline
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import HostLine, Past, Run, TaskLine, duration_of
from ansible_collections.rustle.engine.plugins.plugin_utils._render.words import count, hosts_in_short, percent, seconds, size

__all__ = [
    'NOT_KNOWN', 'adaptations', 'bundles', 'cards', 'counted', 'every_task', 'failures', 'hosts', 'links', 'pill', 'plan', 'present',
    'recommendation_list', 'recommendations', 'section', 'slowest', 'table', 'time', 'timed', 'value',
]

NOT_KNOWN: t.Final = '\N{EN DASH}'
_SLOWEST: t.Final = 15
_FAILURES: t.Final = 100


def time(value: float | None) -> str:
    return NOT_KNOWN if value is None else seconds(value)


def pill(status: str, text: str = '') -> Markup:
    return element('span', text or status, class_=f'pill {status}')


def table(caption: str, heads: t.Sequence[str], rows: t.Iterable[t.Sequence[Child]], *, numbers: t.Container[int] = (), **attributes: str) -> Markup:
    """``numbers``: columns that hold some. A cell that is made by `value` is sorted by what it holds."""
    head = element('tr', [element('th', text, scope='col', class_='number' if place in numbers else None) for place, text in enumerate(heads)])
    body = [row if isinstance(row, Markup) else element('tr', [_cell(child, place in numbers) for place, child in enumerate(row)]) for row in rows]
    made = element('table', element('caption', caption, class_='hidden'), element('thead', head), element('tbody', body), **attributes)
    return element('div', made, class_='wide')


class Value(Markup):
    """A cell's content with the number that it stands for."""

    __slots__ = ('number',)
    number: float | None


def value(shown: Child, number: float | None) -> Value:
    made = Value(joined(shown))
    made.number = number
    return made


def _cell(child: Child, number: bool) -> Markup:
    known = child.number if isinstance(child, Value) else None
    return element('td', child, class_='number' if number else None, data_value=None if known is None else f'{known:.6g}')


def timed(known: float | None) -> Value:
    return value(time(known), -1.0 if known is None else known)


def named(line: TaskLine) -> Markup:
    """A task's name, which leads to it, and what it is."""
    task = line.task
    about = ' · '.join(filter(None, [short_name(task.module), task.role and f'role {task.role}', task.play, 'handler' if task.handler else '']))
    return joined(element('a', task.name or short_name(task.module), href=f'#task-{line.place}', data_task=line.place), element('small', about))


def counted(counts: t.Mapping[str, int]) -> Markup:
    return joined([[pill(status, f'{number:,} {status}'), ' '] for status, number in counts.items()])


def present(sections: t.Mapping[str, Markup | None]) -> dict[str, Markup]:
    """Title -> section, of those that have something to say."""
    return {title: one for title, one in sections.items() if one is not None}


def links(sections: t.Iterable[str]) -> Markup:
    """To sections by their titles: the id of one is its title in small letters."""
    return joined([element('a', title, href=f'#{title.lower()}') for title in sections])


# -- the summary

def cards(run: Run, past: Past) -> Markup:
    one = run.execution
    length, usual = duration_of(one), past.usual_run
    ends = run.counts
    path = collections.Counter(result.path for result in run.last if result.path is not None)
    made = [
        _card('Duration', time(length), f'usually {seconds(usual)}, in {count(len(past.runs), "earlier run")}' if usual is not None else 'no history yet',
              run_lengths(one, past)),
        _card('Tasks', f'{len(run.task_lines):,}', f'{count(sum(ends.values()), "result")} on hosts', proportions(ends), counted(ends)),
        _card('Hosts', f'{max(one.hosts, len(run.host_lines)):,}', _bad_hosts(run)),
    ]
    if one.round_trips is not None or one.bundles is not None:
        made.append(_card('Round trips', NOT_KNOWN if one.round_trips is None else f'{one.round_trips:,}',
                          count(one.bundles, 'bundle') if one.bundles is not None else ''))
    if path:
        made.append(_card('Through the agent', percent(path['agent'] / path.total()),
                          ', '.join(f'{number:,} {name}' for name, number in path.most_common())))
    if one.rating is not None:
        made.append(_card('Rating', f'{one.rating} of 5', one.note))
    lines = element('ul', [element('li', line) for line in run.report.lines], class_='lines') if run.report is not None and run.report.lines else None
    return element('section', element('h2', 'Summary', class_='hidden'), element('div', made, class_='cards'), lines, id='summary')


def _card(title: str, figure: str, *more: Child) -> Markup:
    return element('div', element('h3', title), element('p', figure, class_='figure'), [
        one if isinstance(one, Markup) and one.startswith('<svg') else element('p', one, class_='soft') for one in more if one], class_='card')


def _bad_hosts(run: Run) -> str:
    bad = [line.host for line in run.host_lines if 'failed' in line.counts or 'unreachable' in line.counts]
    return f'failed or not reached: {hosts_in_short(bad[:6])}{", …" if len(bad) > 6 else ""}' if bad else 'none failed'


# -- what went wrong

def failures(run: Run) -> Markup | None:
    """Failed and unreachable hosts, ignored failures after them; equal messages of one task are told once."""
    grouped: dict[tuple[str, str, str], list[ResultRecord]] = {}
    for one in run.failures:
        grouped.setdefault((one.task_id, one.status, one.message), []).append(one)
    lines = {line.task.task_id: line for line in run.task_lines}
    ordered = sorted(grouped.items(), key=lambda one: one[0][1] == 'ignored')
    rows = [
        [named(lines[task_id]), pill(status), hosts_in_short([one.host for one in every]),
         element('code', every[0].error_class) if every[0].error_class else '',
         element('pre', message) if message else element('span', 'no message is kept (no_log, or none was given)', class_='soft')]
        for (task_id, status, message), every in ordered[:_FAILURES]]
    if not rows:
        return None
    left = len(ordered) - len(rows)
    title = 'Failures' if any(one.status != 'ignored' for one in run.failures) else 'Ignored failures'
    return section('failures', f'{title} ({len(run.failures)})', table('Failures', ['Task', 'Status', 'Hosts', 'Class', 'Message'], rows),
                   element('p', f'{count(left, "more")} in the table of all tasks', class_='soft') if left else None)


def adaptations(run: Run) -> Markup | None:
    rows = []
    for one in run.adaptations:
        state = one.state if one.state != 'applied' else {True: 'helped', False: 'did not help', None: 'applied'}[one.succeeded]
        colour = {'helped': 'ok', 'did not help': 'failed', 'rejected': 'ignored', 'advised': 'running'}.get(state, 'skipped')
        known = f'{percent(one.confidence)} of {one.trials}' if one.confidence is not None and one.trials else 'unknown'
        rows.append([
            value(time(None if one.requested is None else one.requested - run.execution.started), one.requested), [one.what, element('small', one.policy)],
            one.target if one.target != '*' else 'the run', run.names.get(one.task, one.task), [one.rationale, element('small', one.error_class)],
            [pill(colour, state), element('small', one.reason or one.detail)], known])
    return section('adaptations', f'Adaptations ({len(rows)})', table(
        'Adaptations', ['After', 'What', 'Target', 'Task', 'Why', 'Outcome', 'Helped before'], rows, numbers=(0,))) if rows else None


def recommendations(run: Run) -> Markup | None:
    return recommendation_list(run.recommendations, run.names)


def recommendation_list(every: t.Sequence[RecommendationRecord], names: t.Mapping[str, str]) -> Markup | None:
    severity = {'critical': 'failed', 'warning': 'changed', 'info': 'running'}
    made = [
        element('article', element('h3', pill(severity[one.severity], one.severity), ' ', one.title),
                element('p', f'{names.get(one.subject, one.subject)} · saves about {seconds(one.gain)} a run' if one.gain is not None
                        else names.get(one.subject, one.subject), class_='soft'),
                element('p', one.evidence), element('pre', one.change) if one.change else None)
        for one in sorted(every, key=lambda one: (list(severity).index(one.severity), -(one.gain or 0)))]
    return section('recommendations', f'Recommendations ({len(made)})', element('div', made, class_='articles')) if made else None


# -- what took time

def slowest(run: Run, past: Past) -> Markup | None:
    every = run.slowest[:_SLOWEST]
    longest = max((line.longest or 0 for line in every), default=0)
    rows = []
    for line in every:
        usual = past.usual(line.task.identity)
        rows.append([
            named(line), value([time(line.longest), share_of((line.longest or 0) / longest)], line.longest), line.slowest_host, timed(line.median),
            value([time(usual), element('small', _change(line.median, usual))], -1.0 if usual is None else usual),
            sparkline([*past.durations.get(line.task.identity, ()), *filter(None, [line.median])]), counted(line.counts)])
    return section('slowest', 'Slowest tasks', table(
        'Slowest tasks', ['Task', 'Longest', 'on', 'Median', 'Usually', 'History', 'Results'], rows, numbers=(1, 3, 4), class_='sortable')) if rows else None


def _change(now: float | None, usual: float | None) -> str:
    if now is None or not usual:
        return ''
    times = now / usual
    if 0.9 < times < 1.1:
        return 'as usual'
    return f'{times:.1f} times as long' if times >= 2 else f'{percent(abs(times - 1))} {"longer" if times > 1 else "shorter"}'


def plan(run: Run) -> Markup | None:
    """Plan against what came of it."""
    if run.plan is None:
        return None
    one, length = run.plan, duration_of(run.execution)
    expected = time(one.estimated_duration)
    if one.estimated_duration is not None and one.estimated_spread:
        expected += f' ± {seconds(one.estimated_spread / 2)}'
    off = _change(length, one.estimated_duration)
    rows = [['Duration', expected, time(length), off],
            ['Tasks', NOT_KNOWN if one.tasks is None else f'{one.tasks:,}', f'{len(run.task_lines):,}', '']]
    made = table('Plan against actual', ['', 'Planned', 'Actual', ''], rows, numbers=(1, 2), class_='narrow')
    return section('plan', 'Plan against actual', made, _differences(one.differences))


def _differences(text: str) -> Markup | None:
    """What JSON says of where plan and truth differ: a list of texts or of objects."""
    try:
        found = json.loads(text) if text else []
    except ValueError:
        return None
    if isinstance(found, dict):
        found = [{'what': key, 'difference': one} for key, one in found.items()]
    if not isinstance(found, list) or not found:
        return None
    if not all(isinstance(one, dict) for one in found):
        return element('ul', [element('li', _plain(one)) for one in found])
    heads = list(dict.fromkeys(str(key) for one in found for key in one))[:6]
    rows = [[_plain(one.get(head)) for head in heads] for one in found[:200]]
    return joined(element('h3', f'Differences ({len(found)})'), table('Differences', heads, rows, class_='narrow'))


def _plain(one: t.Any) -> str:
    return NOT_KNOWN if one is None else one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)


# -- hosts and the way to them

def hosts(run: Run) -> Markup | None:
    longest = max((line.busy or 0 for line in run.host_lines), default=0) or 1
    rows = [_host(run, line, longest) for line in run.host_lines]
    heads = ['Host', 'Results', 'At work', 'CPU', 'Memory', 'Bundles', 'Slowest task', 'Class']
    return section('hosts', f'Hosts ({len(rows)})', table('Hosts', heads, rows, numbers=(2, 3, 4, 5), class_='sortable')) if rows else None


def _host(run: Run, line: HostLine, longest: float) -> list[Child]:
    slow = line.slowest
    return [
        line.host, [proportions(line.counts), counted(line.counts)],
        value([time(line.busy), share_of((line.busy or 0) / longest)], line.busy), timed(line.cpu),
        value(NOT_KNOWN if line.maxrss is None else size(line.maxrss * 1024), line.maxrss), value(f'{len(line.bundles):,}', len(line.bundles)),
        [run.names.get(slow.task_id, slow.identity), element('small', time(slow.duration))] if slow is not None else NOT_KNOWN,
        element('small', line.host_class)]


def bundles(run: Run) -> Markup | None:
    """Why bundles ended where they did, and why tasks took the stock path."""
    if not run.bundles and not any(one.path for one in run.last):
        return None
    cuts = collections.Counter(one.cut for one in run.bundles if one.cut)
    details: dict[str, collections.Counter[str]] = {}
    for one in run.bundles:
        if one.cut and one.cut_detail:
            details.setdefault(one.cut, collections.Counter())[one.cut_detail] += 1
    stock = collections.Counter(one.path_reason or 'not said' for one in run.last if one.path == 'stock')
    tasks = sum(one.done for one in run.sent)
    facts = [f'{count(len(run.sent), "bundle")} with {count(tasks, "task")}', f'{tasks / len(run.sent):.1f} tasks a bundle' if run.sent else '',
             f'{size(sum(one.bytes_up for one in run.sent))} sent', count(sum(one.dropped for one in run.sent), 'task dropped', 'tasks dropped')]
    return section(
        'bundles', 'Bundles and round trips', element('p', ' · '.join(filter(None, facts))) if run.bundles else None,
        table('Why bundles ended', ['Bundles ended by', 'Bundles', 'Most often at'], [
            [element('code', cut), value(f'{number:,}', number), ', '.join(name for name, _n in details.get(cut, collections.Counter()).most_common(3))]
            for cut, number in cuts.most_common()], numbers=(1,), class_='narrow') if cuts else None,
        table('Why tasks took the stock path', ['Stock path because of', 'Results'], [
            [element('code', reason), value(f'{number:,}', number)]
            for reason, number in stock.most_common()], numbers=(1,), class_='narrow') if stock else None)


def every_task(run: Run, past: Past) -> Markup | None:
    rows = []
    for line in run.task_lines:
        task = line.task
        cells: list[Child] = [
            value(str(line.place + 1), line.place), [element('b', task.name or short_name(task.module)), element('small', task.path)],
            short_name(task.module), task.play,
            counted(line.counts), timed(line.median), timed(line.longest), line.slowest_host, timed(past.usual(task.identity)),
            ', '.join(line.paths), value(str(len(line.attempts) or ''), len(line.attempts))]
        rows.append(element('tr', [_cell(cell, number in (0, 5, 6, 8, 10)) for number, cell in enumerate(cells)], id=f'task-{line.place}'))
    heads = ['No', 'Task', 'Module', 'Play', 'Results', 'Median', 'Longest', 'on', 'Usually', 'Path', 'Tries before']
    made = table('All tasks', heads, rows, numbers=(0, 5, 6, 8, 10), class_='sortable')
    return section('tasks', f'All tasks ({len(rows)})', element('details', element('summary', 'Show the table'), made)) if rows else None


def section(key: str, title: str, *content: Child) -> Markup:
    return element('section', element('h2', title), content, id=key, aria_label=title)
