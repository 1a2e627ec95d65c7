# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Numbers that a few odd values do not move: weighted quantiles, the median's deviation, outliers damped."""
from __future__ import annotations

import math
import statistics
import typing as t

__all__ = ['DEVIATION', 'damped', 'quantile', 'robust_score', 'scatter']

DEVIATION: t.Final = 1.4826
"""What the median absolute deviation of normal values is to be multiplied with to be their standard deviation."""
HAMPEL: t.Final = 3.0
"""How many deviations from the median a value may have (Hampel's identifier)."""


def scatter(values: t.Sequence[float], *, centre: float | None = None) -> float:
    """The standard deviation as the median absolute deviation tells it; the mean one where more than half of the values are equal."""
    if len(values) < 2:
        return 0.0
    centre = statistics.median(values) if centre is None else centre
    away = [abs(value - centre) for value in values]
    # 1.2533: the square root of pi/2, which does the same for the mean absolute deviation
    return DEVIATION * statistics.median(away) or 1.2533 * statistics.fmean(away)


def damped(values: t.Sequence[float]) -> list[float]:
    """Values further than three deviations from the median, moved there. Fewer than four are left as they are."""
    if len(values) < 4:
        return list(values)
    centre = statistics.median(values)
    bound = HAMPEL * scatter(values, centre=centre)
    return [min(max(value, centre - bound), centre + bound) for value in values]


def quantile(pairs: t.Sequence[tuple[float, float]], share: float) -> float:
    """Of (value, weight), sorted by value and not empty: each value stands in the middle of its weight, and between them it is interpolated."""
    total = math.fsum(weight for _value, weight in pairs)
    wanted = share * total
    passed, before = 0.0, None
    for value, weight in pairs:
        middle = passed + weight / 2
        if middle >= wanted:
            if before is None or middle == before[1]:
                return value
            return before[0] + (value - before[0]) * (wanted - before[1]) / (middle - before[1])
        before = value, middle
        passed += weight
    return pairs[-1][0]


def robust_score(value: float, others: t.Sequence[float], *, floor: float = 0.05) -> float:
    """How many deviations above the median of the others a duration is, by logarithms: twice as long is as odd as half as long.

    ``floor``: the least deviation that is believed, as a share; hosts that took the same time ten times are not exact to the millisecond.
    A millisecond is added to each, so that 0 is a value like others.
    """
    logs = [math.log(one + 0.001) for one in others]
    centre = statistics.median(logs)
    return (math.log(value + 0.001) - centre) / max(scatter(logs, centre=centre), floor)
