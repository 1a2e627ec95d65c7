# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which numbers have come by. They come nearly in order, so that a few ranges hold them all."""
from __future__ import annotations

import bisect

__all__ = ['Seen']


class Seen:
    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []  # of the same ranges, each the last number in it

    def add(self, number: int) -> bool:
        """Whether it is new."""
        at = bisect.bisect_right(self._starts, number)  # the range before ``at`` is the last one that starts at or before it
        if at and number <= self._ends[at - 1]:
            return False
        behind = at > 0 and self._ends[at - 1] == number - 1
        before = at < len(self._starts) and self._starts[at] == number + 1
        if behind and before:
            self._ends[at - 1] = self._ends.pop(at)
            del self._starts[at]
        elif behind:
            self._ends[at - 1] = number
        elif before:
            self._starts[at] = number
        else:
            self._starts.insert(at, number)
            self._ends.insert(at, number)
        return True
