# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text in the cells of a terminal: how wide it is, cut and filled to a width, and coloured.

Rule 1: a width is a number of cells. Wide characters take two, combining ones none.
Rule 2: colour is put on last, over text that has its width already; nothing here measures text that is coloured.
Rule 3: what comes from a playbook is cleaned before it is shown: no control character gets to a terminal.
"""
from __future__ import annotations

import functools
import typing as t
import unicodedata

__all__ = ['ELLIPSIS', 'Paint', 'clean', 'cut', 'fill', 'width', 'wrapped']

ELLIPSIS: t.Final = '…'

_JOINERS = '\u200b\u200c\u200d\ufe0e\ufe0f'
_CODES = {
    'bold': '1', 'dim': '2', 'play': '1;34', 'barrier': '35', 'cut': '36', 'stock': '33', 'good': '32', 'bad': '31', 'title': '1',
}


def width(text: str) -> int:
    """Cells that a cleaned text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_cell, text))


@functools.lru_cache(maxsize=4096)
def _cell(char: str) -> int:
    if unicodedata.combining(char) or char in _JOINERS:
        return 0
    return 2 if unicodedata.east_asian_width(char) in 'WF' else 1


def clean(text: str) -> str:
    """Without what could move a cursor or turn the direction of writing; line breaks and odd blanks become blanks, the rest a mark."""
    if text.isascii() and text.isprintable():
        return text
    return ''.join(_cleaned(char) for char in text)


def _cleaned(char: str) -> str:
    if char.isprintable() or char in _JOINERS:
        return char
    return ' ' if char in '\n\r\t' or unicodedata.category(char)[0] == 'Z' else '\ufffd'


def cut(text: str, cells: int) -> str:
    """At most so many cells, with an ellipsis where something is missing."""
    if width(text) <= cells:
        return text
    if cells < 1:
        return ''
    kept, room = [], cells - 1
    for char in text:
        room -= _cell(char)
        if room < 0:
            break
        kept.append(char)
    return ''.join(kept) + ELLIPSIS


def fill(text: str, cells: int, *, right: bool = False) -> str:
    """Exactly so many cells: cut, or filled with blanks (before the text when ``right``)."""
    text = cut(text, cells)
    blanks = ' ' * (cells - width(text))
    return blanks + text if right else text + blanks


def wrapped(text: str, cells: int, *, first: str = '', later: str | None = None) -> list[str]:
    """Lines of at most so many cells, broken at blanks; ``first`` stands before the first line, ``later`` (or blanks) before the others."""
    later = ' ' * width(first) if later is None else later
    lines: list[str] = []
    line, used, empty = first, width(first), True
    margin = width(later)
    for word in text.split(' '):
        needs = width(word)
        if not empty and used + 1 + needs > cells:
            lines.append(line)
            line, used, empty = later, margin, True
        while empty and used + needs > cells and (piece := _head(word, cells - used)):
            lines.append(line + piece)
            word, line, used, empty = word[len(piece):], later, margin, True
            needs = width(word)
        line += word if empty else f' {word}'
        used += needs + (not empty)
        empty = False
    return [*lines, line]


def _head(word: str, cells: int) -> str:
    """As much of a word as fits."""
    for number, char in enumerate(word):
        cells -= _cell(char)
        if cells < 0:
            return word[:number]
    return word


class Paint:
    """Colours by what they mean; the text itself where there are none."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def __call__(self, meaning: str, text: str) -> str:
        if not self._colour or not text.strip():
            return text
        return f'\x1b[{_CODES[meaning]}m{text}\x1b[0m'
