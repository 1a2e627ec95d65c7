# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pictures of a report that need no script: the timeline as a whole, lengths of runs, and small lines of history.

Rule 1: a picture says in words what it shows (its label), and everything in it stands in a table of the page too.
Rule 2: its size is bounded: the timeline is drawn in cells, and a cell shows the worst that happened in it.
"""
from __future__ import annotations

import math
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._render.markup import Markup, element
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import STATUSES, Past, Run, Span, clock_words, duration_of
from ansible_collections.rustle.engine.plugins.plugin_utils._render.words import count, seconds

__all__ = ['overview', 'proportions', 'run_lengths', 'share_of', 'sparkline']

_CELLS: t.Final = 860  # of a lane
_GUTTER: t.Final = 140  # for names of hosts
_TALLEST: t.Final = 16
_ROOM: t.Final = 520  # for all lanes, where they would be taller
_RANK: t.Final = {status: rank for rank, status in enumerate(STATUSES)}


def overview(run: Run, lanes: t.Mapping[str, t.Sequence[Span]]) -> Markup:
    """A lane for each host; one path for each status."""
    length = max((span.end for every in lanes.values() for span in every), default=0.0)
    height = min(_TALLEST, _ROOM / max(len(lanes), 1))
    bottom = height * len(lanes)
    paths: dict[str, list[str]] = {}
    labels = []
    for number, (host, every) in enumerate(lanes.items()):
        middle = f'{height * (number + 0.5):.4g}'
        for status, first, stop in _pieces(_cells(every, length)):
            paths.setdefault(status, []).append(f'M{_GUTTER + first} {middle}h{stop - first}')
        if height >= 10:
            name = host if len(host) <= 20 else f'{host[:19]}…'
            labels.append(element('text', name, x=_GUTTER - 8, y=f'{height * (number + 0.5) + 3.5:.4g}', text_anchor='end'))
    marks = []
    for moment in _ticks(length):
        x = round(_GUTTER + moment / length * _CELLS, 1)
        marks.append(element('line', x1=x, x2=x, y1=0, y2=f'{bottom + 4:.5g}'))
        marks.append(element('text', seconds(moment) if moment else '0', x=x, y=f'{bottom + 16:.5g}', text_anchor='middle'))
    drawn = [element('path', d=''.join(paths[status]), class_=f'status {status}', stroke_width=f'{height * 0.78:.4g}')
             for status in reversed(STATUSES) if status in paths]
    what = f'Timeline of {count(len(lanes), "host")} over {seconds(length)}; the tables below hold the same.'
    return element('svg', marks, labels, drawn, viewBox=f'0 0 {_GUTTER + _CELLS + 30} {math.ceil(bottom + 24)}', role='img', aria_label=what, class_='overview')


def _cells(every: t.Sequence[Span], length: float) -> dict[int, str]:
    """Cell -> the worst status in it. What is shorter than a cell still has one."""
    found: dict[int, str] = {}
    for span in every:
        first = min(int(span.start / length * _CELLS), _CELLS - 1) if length else 0
        last = max(math.ceil(span.end / length * _CELLS) - 1, first) if length else 0
        for cell in range(first, last + 1):
            if cell not in found or _RANK[span.result.status] < _RANK[found[cell]]:
                found[cell] = span.result.status
    return found


def _pieces(cells: t.Mapping[int, str]) -> t.Iterator[tuple[str, int, int]]:
    """(status, first cell, the one behind the last): neighbours that are alike are one piece."""
    begun: tuple[str, int, int] | None = None
    for cell in sorted(cells):
        if begun is not None and begun[0] == cells[cell] and begun[2] == cell:
            begun = (begun[0], begun[1], cell + 1)
            continue
        if begun is not None:
            yield begun
        begun = (cells[cell], cell, cell + 1)
    if begun is not None:
        yield begun


def _ticks(length: float) -> list[float]:
    if length <= 0:
        return []
    about = length / 7
    power = 10.0 ** math.floor(math.log10(about))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= about)
    if step > 10:
        step = next((one for one in (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400) if one >= about), math.ceil(about / 86400) * 86400)
    return [number * step for number in range(int(length / step) + 1)]


def run_lengths(execution: ExecutionRecord, past: Past) -> Markup | None:
    """A bar for each run, this one last. None where there is no other."""
    every = [(one, length) for one in (*past.runs, execution) if (length := duration_of(one)) is not None][-30:]
    if len(every) < 2:
        return None
    longest = max(length for _one, length in every) or 1.0
    bars = [
        element('rect', element('title', f'{clock_words(one.started)}: {seconds(length)}, {one.status}'), x=number * 10, width=8,
                y=f'{60 - 56 * length / longest:.4g}', height=f'{max(56 * length / longest, 1):.4g}',
                class_=f'run {one.status}{" this" if one.execution == execution.execution else ""}')
        for number, (one, length) in enumerate(every)]
    what = f'Lengths of {len(every)} runs, oldest first: {", ".join(seconds(length) for _one, length in every)}'
    return element('svg', bars, viewBox=f'0 0 {len(every) * 10} 60', role='img', aria_label=what, class_='lengths', preserveAspectRatio='xMinYMax meet')


def sparkline(values: t.Sequence[float]) -> Markup | None:
    """The last 20 values; the last one has a dot. None for fewer than two."""
    values = values[-20:]
    if len(values) < 2:
        return None
    top = max(values) or 1.0
    points = [(round(2 + 76 * number / (len(values) - 1), 1), round(17 - 14 * value / top, 1)) for number, value in enumerate(values)]
    line = element('polyline', points=' '.join(f'{x},{y}' for x, y in points))
    what = f'earlier runs, oldest first: {", ".join(map(seconds, values))}'
    return element('svg', element('title', what), line, element('circle', cx=points[-1][0], cy=points[-1][1], r=2.2), viewBox='0 0 82 20', width=82, height=20,
                   role='img', aria_label=what, class_='spark')


def share_of(share: float) -> Markup:
    """How much of the whole: 0 to 1."""
    return element('svg', element('rect', width=100, height=6, class_='ground'), element('rect', width=f'{max(min(share, 1.0), 0.0) * 100:.4g}', height=6),
                   viewBox='0 0 100 6', class_='share', preserveAspectRatio='none', aria_hidden='true')


def proportions(counts: t.Mapping[str, int]) -> Markup | None:
    """One bar, divided by status."""
    whole = sum(counts.values())
    if not whole:
        return None
    pieces, at = [], 0.0
    for status, number in counts.items():
        pieces.append(element('rect', x=f'{at:.5g}', width=f'{number / whole * 100:.5g}', height=6, class_=f'status {status}'))
        at += number / whole * 100
    what = ', '.join(f'{number} {status}' for status, number in counts.items())
    return element('svg', element('title', what), pieces, viewBox='0 0 100 6', class_='share', preserveAspectRatio='none', role='img', aria_label=what)
