# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What waits to be written to an agent.

Rule 1: no I/O of its own: it is given a function that writes.
Rule 2: a message counts as sent when its last byte was taken; until then no agent can have understood it.
"""
from __future__ import annotations

import collections
import typing as t

__all__ = ['Outbox']

_PIECE = 256 << 10


class Outbox:
    """Messages in order, each with a header to remember it by (None: nothing to remember)."""

    def __init__(self) -> None:
        self._waiting: collections.deque[tuple[dict[str, t.Any] | None, memoryview]] = collections.deque()
        self._begun = False

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def unsent(self) -> list[dict[str, t.Any]]:
        """Headers of the messages of which at least one byte was not taken."""
        return [header for header, _data in self._waiting if header is not None]

    def add(self, data: bytes, header: dict[str, t.Any] | None = None) -> None:
        self._waiting.append((header, memoryview(data)))

    def add_next(self, data: bytes) -> None:
        """Before all that waits, but not into the middle of a message."""
        self._waiting.insert(1 if self._begun else 0, (None, memoryview(data)))

    def flush(self, write: t.Callable[[memoryview], int]) -> int:
        """Write until nothing waits or ``write`` raises BlockingIOError; returns the bytes taken. Other errors pass through."""
        taken = 0
        while self._waiting:
            header, data = self._waiting[0]
            try:
                count = write(data[:_PIECE])
            except BlockingIOError:
                break
            taken += count
            if count == len(data):
                self._waiting.popleft()
                self._begun = False
            else:
                self._waiting[0] = (header, data[count:])
                self._begun = self._begun or count > 0
        return taken
