# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a task has used on its host, summed up as its answers come in."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Measures

__all__ = ['Usage']


class Usage:
    """Of one execution; `_model/event.py` says what each number is."""

    def __init__(self) -> None:
        self.start: float | None = None
        self.end: float | None = None
        self.work = 0.0  # seconds that calls took, items of a loop one after another
        self.calls = 0
        self.queued: float | None = None
        self._cpu = 0.0
        self._maxrss = self._block_in = self._block_out = self._up = self._down = 0

    def sent(self, errand: t.Any, now: float) -> int:
        """An entry goes out. Its bytes."""
        if self.queued is None and errand.queued_at is not None:
            self.queued = now - errand.queued_at
        size = sum(len(call.params) + len(call.stdin or b'') + sum(len(put.content) for put in call.puts) for call in errand.calls.values())
        self._up += size
        return size

    def came(self, steps: t.Iterable[t.Any], calls: t.Container[int]) -> None:
        """Its steps' results came back; ``calls``: which of them are module calls and commands."""
        for step in steps:
            self.start = step.start if self.start is None else min(self.start, step.start)
            self.end = step.end if self.end is None else max(self.end, step.end)
            self.work += max(0.0, step.end - step.start)
            self.calls += step.i in calls
            self._cpu += step.utime + step.stime
            self._maxrss = max(self._maxrss, step.maxrss)
            self._block_in += step.inblock
            self._block_out += step.oublock
            self._down += len(step.out) + len(step.err)

    def measures(self) -> Measures:
        return Measures(
            start=self.start, end=self.end, cpu=self._cpu, maxrss=self._maxrss, block_in=self._block_in, block_out=self._block_out, bytes_up=self._up,
            bytes_down=self._down, queued=self.queued, calls=self.calls)
