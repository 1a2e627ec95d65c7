# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a terminal shows after it was written to: only the sequences that our live line uses, anything else is an error."""

from __future__ import annotations

import re

_PART = re.compile(r"\x1b\[(\d*)([A-Za-z])|\x1b\[[\d;]*(m)|([\r\n])|([^\x1b\r\n])")


class Screen:
    """``lines``: from the first to the last, those that have scrolled away too. Every character takes one cell."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.row = self.column = 0
        self._cells: list[list[str]] = [[]]

    @property
    def lines(self) -> list[str]:
        return ["".join(row).rstrip() for row in self._cells]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip("\n")

    def feed(self, written: str) -> None:
        at = 0
        while at < len(written):
            found = _PART.match(written, at)
            if found is None:
                raise ValueError(f"not understood: {written[at : at + 10]!r}")
            at = found.end()
            number, verb, colour, moving, char = found.groups()
            if char is not None:
                self._put(char)
            elif moving == "\r":
                self.column = 0
            elif moving == "\n":
                self._go_to(self.row + 1)
            elif colour is None and verb != "m":
                self._obey(verb, int(number or 0))

    def _put(self, char: str) -> None:
        if self.column >= self.columns:  # only now: a full line does not wrap by itself
            self._go_to(self.row + 1)
            self.column = 0
        row = self._cells[self.row]
        row.extend(" " * (self.column + 1 - len(row)))
        row[self.column] = char
        self.column += 1

    def _go_to(self, row: int) -> None:
        self.row = row
        while len(self._cells) <= row:
            self._cells.append([])

    def _obey(self, verb: str, number: int) -> None:
        if verb == "A":
            self.row = max(0, self.row - max(number, 1))
        elif verb == "K" and number == 0:
            del self._cells[self.row][self.column :]
        elif verb == "J" and number == 0:
            del self._cells[self.row][self.column :]
            del self._cells[self.row + 1 :]
        else:
            raise ValueError(f"not understood: ESC [ {number} {verb}")
