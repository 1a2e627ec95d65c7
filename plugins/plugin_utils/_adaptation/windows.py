# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The last values of something, with their times. Time arrives in the call."""
from __future__ import annotations

import collections
import statistics
import typing as t

__all__ = ['Window']


class Window:
    """Values of the last ``span`` seconds, at most ``size`` of them. Values arrive in the order of their times."""

    def __init__(self, *, size: int = 64, span: float = float('inf')) -> None:
        self._values: collections.deque[tuple[float, float]] = collections.deque(maxlen=size)
        self._span = span

    def add(self, now: float, value: float = 1.0) -> None:
        self._values.append((now, value))
        self.prune(now)

    def prune(self, now: float) -> None:
        """Forget what is too old."""
        while self._values and self._values[0][0] < now - self._span:
            self._values.popleft()

    def clear(self) -> None:
        self._values.clear()

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> t.Iterator[float]:
        return (value for _time, value in self._values)

    @property
    def last(self) -> float:
        """The newest value; 0 for none."""
        return self._values[-1][1] if self._values else 0.0

    @property
    def last_time(self) -> float:
        """When the newest value came; minus infinity for none."""
        return self._values[-1][0] if self._values else float('-inf')

    @property
    def median(self) -> float:
        """0 for none."""
        return statistics.median(self) if self._values else 0.0

    def trend(self) -> tuple[float, float]:
        """The slope a second of a straight line through the values (least squares), and how well it fits: R squared, 0 to 1."""
        count = len(self._values)
        if count < 2:
            return 0.0, 0.0
        mean_time = sum(time for time, _value in self._values) / count
        mean_value = sum(value for _time, value in self._values) / count
        across = sum((time - mean_time) * (value - mean_value) for time, value in self._values)
        times = sum((time - mean_time) ** 2 for time, _value in self._values)
        values = sum((value - mean_value) ** 2 for _time, value in self._values)
        if not times or not values:
            return 0.0, 0.0
        return across / times, across * across / (times * values)
