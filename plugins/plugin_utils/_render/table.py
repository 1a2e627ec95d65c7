# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A table for the terminal.

Rule 1: no line is wider than ``style.cells``. Columns that may shrink do, the widest first; where that is not enough, columns go, those first
that matter least.
Rule 2: a cell is one line of cleaned text; its colour is put on when it has its width.
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import Paint, clean, cut, fill, width
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style

__all__ = ['Cell', 'Column', 'Text', 'table']

_GAP: t.Final = 2
_NARROW: t.Final = 12  # cells that a column keeps that may shrink


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """``shrinks``: its cells may be cut. ``rank``: 0 always stays; of the others the highest goes first where room is short."""

    title: str
    right: bool = False
    shrinks: bool = False
    rank: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """A cell with a colour: a meaning of `cells.Paint`."""

    text: str
    meaning: str = ''


Cell = str | Text


def table(columns: t.Sequence[Column], rows: t.Sequence[t.Sequence[Cell]], style: Style, *, indent: int = 0) -> list[str]:
    """Its lines, without a line break at the end. Columns that are empty in each row are left out."""
    cells = [[one if isinstance(one, Text) else Text(one) for one in row] for row in rows]
    cells = [[Text(clean(one.text), one.meaning) for one in row] for row in cells]
    used = [place for place in range(len(columns)) if any(row[place].text for row in cells)]
    widths = {place: max(width(columns[place].title), *(width(row[place].text) for row in cells)) for place in used}
    _fit(columns, widths, style.cells - indent)
    paint = Paint(style.colour)
    head = [Text(columns[place].title, 'bold') for place in range(len(columns))]
    return [' ' * indent + _line(columns, widths, row, paint) for row in (head, *cells)]


def _fit(columns: t.Sequence[Column], widths: dict[int, int], room: int) -> None:
    while True:
        over = sum(widths.values()) + _GAP * (len(widths) - 1) - room
        if over <= 0:
            return
        given = [place for place in widths if columns[place].shrinks and widths[place] > _NARROW]
        spare = sum(widths[place] - _NARROW for place in given)
        droppable = [place for place in widths if columns[place].rank]
        if spare < over and droppable:
            del widths[max(droppable, key=lambda place: (columns[place].rank, place))]
            continue
        while over > 0:  # nothing may shrink any more: then everything may
            widest = max([place for place in given if widths[place] > _NARROW] or widths, key=lambda place: widths[place])
            widths[widest] -= 1
            over -= 1
        return


def _line(columns: t.Sequence[Column], widths: t.Mapping[int, int], row: t.Sequence[Text], paint: Paint) -> str:
    parts = []
    last = max(widths, default=0)
    for place, wide in widths.items():
        right = columns[place].right
        text = cut(row[place].text, wide) if place == last and not right else fill(row[place].text, wide, right=right)
        parts.append(paint(row[place].meaning, text) if row[place].meaning else text)
    return (' ' * _GAP).join(parts).rstrip()
