# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Many runs for the terminal: lists of runs, tasks, hosts and adaptations, and two runs side by side.

Rule 1: no line is wider than ``style.width``; below 40 columns it is laid out for 40.
Rule 2: every function returns text that ends with a line break.
"""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import Paint, clean, cut, wrapped
from ansible_collections.rustle.engine.plugins.plugin_utils._render.history_view import Compared, HostHistory, Rate, TaskHistory, Trending
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_text import run_id, sparks, status, time, times
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import Run, clock_words, duration_of
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style
from ansible_collections.rustle.engine.plugins.plugin_utils._render.table import Cell, Column, Text, table
from ansible_collections.rustle.engine.plugins.plugin_utils._render.words import count, percent, seconds, size

__all__ = ['compare', 'hosts', 'pruned', 'rates', 'runs', 'tasks', 'trends']


def runs(every: t.Sequence[ExecutionRecord], style: Style) -> str:
    """Newest first, as they are given."""
    rows: list[list[Cell]] = []
    for one in every:
        bad = one.failed + one.unreachable
        rows.append([
            run_id(one.execution), clock_words(one.started), one.playbook.rpartition('/')[2], status(one.status), time(duration_of(one)), f'{one.hosts:,}',
            f'{one.ok:,}', f'{one.changed:,}', Text(f'{bad:,}', 'bad' if bad else ''), f'{one.round_trips:,}' if one.round_trips is not None else '',
            '*' * one.rating if one.rating else ''])
    columns = [
        Column('RUN'), Column('STARTED', rank=2), Column('PLAYBOOK', shrinks=True), Column('STATUS'), Column('TOOK', right=True),
        Column('HOSTS', right=True, rank=3), Column('OK', right=True, rank=4), Column('CHANGED', right=True, rank=4),
        Column('FAILED', right=True, rank=1), Column('TRIPS', right=True, rank=5), Column('RATED', rank=6)]
    return _text(table(columns, rows, style) if rows else ['no runs'])


def tasks(every: t.Sequence[TaskHistory], style: Style) -> str:
    rows: list[list[Cell]] = []
    for one in every:
        bad, whole = one.counts.get('failed', 0) + one.counts.get('unreachable', 0), sum(one.counts.values())
        changed = one.counts.get('changed', 0)
        rows.append([
            one.name or short_name(one.module), short_name(one.module), one.playbook, f'{one.runs:,}', time(one.median), time(one.high), sparks(one.medians),
            percent(changed / whole) if whole else '', Text(f'{bad:,}', 'bad' if bad else '')])
    columns = [
        Column('TASK', shrinks=True), Column('MODULE', shrinks=True, rank=4), Column('PLAYBOOK', shrinks=True, rank=5), Column('RUNS', right=True, rank=3),
        Column('MEDIAN', right=True), Column('9 OF 10', right=True, rank=2), Column('HISTORY', rank=6), Column('CHANGED', right=True, rank=3),
        Column('FAILED', right=True, rank=1)]
    return _text(table(columns, rows, style) if rows else ['no tasks'])


def hosts(every: t.Sequence[HostHistory], style: Style) -> str:
    rows: list[list[Cell]] = []
    for one in every:
        failed, lost = one.counts.get('failed', 0), one.counts.get('unreachable', 0)
        slow = one.pace is not None and one.pace >= 1.5
        rows.append([
            one.host, f'{one.runs:,}', Text(f'{one.pace:.2f}' if one.pace is not None else '', 'bad' if slow else ''), time(one.busy),
            f'{sum(one.counts.values()):,}', Text(f'{failed:,}', 'bad' if failed else ''), Text(f'{lost:,}', 'bad' if lost else ''), clock_words(one.seen),
            one.host_class])
    columns = [
        Column('HOST', shrinks=True), Column('RUNS', right=True, rank=3), Column('PACE', right=True), Column('AT WORK', right=True, rank=2),
        Column('RESULTS', right=True, rank=4), Column('FAILED', right=True, rank=1), Column('UNREACHABLE', right=True, rank=1), Column('LAST SEEN', rank=5),
        Column('CLASS', shrinks=True, rank=6)]
    lines = table(columns, rows, style) if rows else ['no hosts']
    if rows:
        lines.extend(['', *wrapped('pace: how long a host takes for a task, as a multiple of what hosts of the same run take for it', style.cells)])
    return _text(lines)


def trends(every: t.Sequence[Trending], number: int, style: Style) -> str:
    """Those that change; ``number`` of runs that were looked at."""
    if not every:
        return f'nothing has been in five runs yet: {count(number, "run")} looked at\n'
    moving = [one for one in every if one.direction != 'stable']
    rows: list[list[Cell]] = []
    for one in moving:
        before, after = (f'{value:.2f}' if one.kind == 'host' else seconds(value) for value in (one.before, one.after))
        rows.append([one.kind, one.name, status(one.direction), before, after, times(one.after, one.before), sparks(one.values)])
    columns = [
        Column('WHAT', rank=2), Column('NAME', shrinks=True), Column('TREND'), Column('BEFORE', right=True), Column('NOW', right=True),
        Column('', right=True, rank=1), Column('HISTORY', rank=3)]
    same = f'{len(every) - len(moving):,} {"others are" if moving else "are"} stable, in {count(number, "run")}'
    return _text([*(table(columns, rows, style) if rows else ['nothing becomes slower or faster']), '', *wrapped(same, style.cells)])


def compare(before: Run, after: Run, rows: t.Sequence[Compared], style: Style, *, most: int | None = 30) -> str:
    """``most``: tasks to show at most, of those that differ."""
    paint = Paint(style.colour)
    first, second = duration_of(before.execution), duration_of(after.execution)
    lines = [paint('title', cut(clean(line), style.cells)) for line in (_side('before', before), _side('after', after))]
    change = times(second, first)
    lines.extend(wrapped(f'took {time(first) or "?"}, then {time(second) or "?"}{f" ({change})" if change else ""}', style.cells))
    differing = [one for one in rows if one.difference is None or one.status_before != one.status_after or times(one.after, one.before)]
    made: list[list[Cell]] = []
    for one in differing[:most]:
        verdict = _verdict(one)
        made.append([
            one.name or short_name(one.module), time(one.before), time(one.after), _signed(one.difference), times(one.after, one.before),
            Text(verdict, {'slower': 'bad', 'faster': 'good'}.get(verdict.partition(' ')[0], '')), f'{one.hosts}' if one.hosts else '',
            status(one.status_before), status(one.status_after)])
    columns = [
        Column('TASK', shrinks=True), Column('BEFORE', right=True), Column('AFTER', right=True), Column('CHANGE', right=True, rank=2),
        Column('', right=True, rank=1), Column('VERDICT', shrinks=True, rank=1), Column('HOSTS', right=True, rank=5), Column('WAS', rank=3),
        Column('IS', rank=3)]
    lines.extend(['', *(table(columns, made, style) if made else ['no task differs'])])
    same = len(rows) - len(differing)
    left = len(differing) - len(made)
    notes = [f'{count(left, "more task")} that differ (--limit)' if left else '', f'{count(same, "task")} as before' if same else '']
    if any(notes):
        lines.extend(['', *wrapped(', '.join(filter(None, notes)), style.cells)])
    return _text(lines)


def _side(word: str, run: Run) -> str:
    one = run.execution
    return f'{word:6} {run_id(one.execution)}  {clock_words(one.started)}  {run.name}  {one.status}'


def _signed(difference: float | None) -> str:
    if difference is None:
        return ''
    return f'{"+" if difference >= 0 else "-"}{seconds(abs(difference))}'


def _verdict(one: Compared) -> str:
    if not one.status_before or not one.status_after:
        return 'only after' if one.status_after else 'only before'
    if one.difference is None or one.significant is False:
        return '' if one.difference is None else 'may be chance'
    if one.significant is None:
        return ''
    return 'slower' if one.difference > 0 else 'faster'


def rates(every: t.Sequence[Rate], style: Style) -> str:
    rows = [[one.policy, one.error_class, one.host_class, f'{one.successes:,} of {one.trials:,}', percent(one.successes / one.trials)]
            for one in every]
    columns = [Column('POLICY'), Column('ERROR', shrinks=True), Column('HOSTS', shrinks=True, rank=1), Column('HELPED', right=True),
               Column('', right=True, rank=2)]
    return _text(table(columns, rows, style) if rows else ['no adaptation has shown yet whether it helps'])


def pruned(every: t.Sequence[ExecutionRecord], freed: int, style: Style, *, dry_run: bool) -> str:
    if not every:
        return 'nothing to remove\n'
    word = 'would be removed' if dry_run else 'removed'
    return f'{runs(every, style)}\n{count(len(every), "run")} {word}, {size(freed)} {"would be " if dry_run else ""}freed\n'


def _text(lines: t.Iterable[str]) -> str:
    return '\n'.join(lines) + '\n'
