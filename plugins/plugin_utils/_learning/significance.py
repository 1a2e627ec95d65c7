# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a difference is more than chance: tests by ranks, which ask nothing of how times are spread.

Each gives a probability p, two-sided: how often chance alone would do at least as much. Small numbers of values are counted exactly.
"""
from __future__ import annotations

import functools
import math
import statistics
import typing as t

__all__ = ['fisher', 'mann_kendall', 'mann_whitney', 'rejected', 'sen_slope', 'wilcoxon']

_NORMAL: t.Final = statistics.NormalDist()
_EXACT: t.Final = 12


def mann_kendall(values: t.Sequence[float]) -> tuple[int, float]:
    """A trend in an order of values: S (pairs that rise minus pairs that fall) and p. Source: Mann 1945, Kendall 1975."""
    count = len(values)
    score = sum((later > earlier) - (later < earlier) for at, earlier in enumerate(values) for later in values[at + 1:])
    if count < 3 or not score:
        return score, 1.0
    ties = _ties(values)
    if count <= _EXACT and not ties:
        return score, min(1.0, 2 * _inversions_at_most(count, (count * (count - 1) // 2 - abs(score)) // 2))
    variance = (count * (count - 1) * (2 * count + 5) - sum(tie * (tie - 1) * (2 * tie + 5) for tie in ties)) / 18
    return score, _two_sided((abs(score) - 1) / math.sqrt(variance)) if variance > 0 else 1.0


def sen_slope(values: t.Sequence[float]) -> float:
    """The median of the slopes of all pairs: the change from one value to the next. Source: Sen 1968."""
    slopes = [(later - earlier) / gap for at, earlier in enumerate(values) for gap, later in enumerate(values[at + 1:], 1)]
    return statistics.median(slopes) if slopes else 0.0


def mann_whitney(ones: t.Sequence[float], others: t.Sequence[float]) -> float:
    """Whether one side tends to be larger: p. Source: Mann and Whitney 1947; ties get the mean of their ranks."""
    first, second = len(ones), len(others)
    if not first or not second:
        return 1.0
    every = [*ones, *others]
    ranks = _ranks(every)
    above = sum(ranks[:first]) - first * (first + 1) / 2
    ties = _ties(every)
    if first * second <= 400 and not ties:
        low = round(min(above, first * second - above))
        return min(1.0, 2 * sum(_arrangements(first, second, score) for score in range(low + 1)) / math.comb(first + second, first))
    count = first + second
    variance = first * second / 12 * (count + 1 - sum(tie**3 - tie for tie in ties) / (count * (count - 1)))
    return _two_sided((abs(above - first * second / 2) - 0.5) / math.sqrt(variance)) if variance > 0 else 1.0


def wilcoxon(differences: t.Sequence[float]) -> float:
    """Whether differences of pairs lie on one side of 0: p. Source: Wilcoxon 1945; a difference of 0 says nothing and is left out."""
    moved = [value for value in differences if value]
    count = len(moved)
    if not count:
        return 1.0
    sizes = [abs(value) for value in moved]
    ranks = _ranks(sizes)
    below = sum(rank for rank, value in zip(ranks, moved, strict=True) if value < 0)
    smaller = min(below, count * (count + 1) / 2 - below)
    ties = _ties(sizes)
    if count <= 30 and not ties:
        return min(1.0, sum(_subsets(count)[:math.floor(smaller) + 1]) / float(2 ** (count - 1)))
    variance = count * (count + 1) * (2 * count + 1) / 24 - sum(tie**3 - tie for tie in ties) / 48
    return _two_sided((count * (count + 1) / 4 - smaller - 0.5) / math.sqrt(variance)) if variance > 0 else 1.0


def fisher(bad: int, of: int, bad_others: int, of_others: int) -> float:
    """Whether a share of failures differs from another one: p. Source: Fisher's exact test."""
    total, failures = of + of_others, bad + bad_others
    ways = {
        one: math.comb(of, one) * math.comb(of_others, failures - one) for one in range(max(0, failures - of_others), min(of, failures) + 1)}
    unlikely = sum(way for way in ways.values() if way <= ways[bad])
    return unlikely / math.comb(total, failures)


def rejected(probabilities: t.Sequence[float], *, alpha: float = 0.05) -> list[bool]:
    """Which of many tests say more than chance, so that at most ``alpha`` of those are wrong. Source: Benjamini and Hochberg 1995."""
    order = sorted(range(len(probabilities)), key=lambda at: probabilities[at])
    last = max((place for place, at in enumerate(order, 1) if probabilities[at] <= alpha * place / len(order)), default=0)
    passed = set(order[:last])
    return [at in passed for at in range(len(probabilities))]


def _two_sided(score: float) -> float:
    return min(1.0, 2 * (1 - _NORMAL.cdf(max(score, 0.0))))


def _ties(values: t.Sequence[float]) -> list[int]:
    """Sizes of the groups of equal values."""
    counts: dict[float, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return [count for count in counts.values() if count > 1]


def _ranks(values: t.Sequence[float]) -> list[float]:
    """From 1; equal values share the mean of theirs."""
    places: dict[float, list[int]] = {}
    for place, value in enumerate(sorted(values), 1):
        places.setdefault(value, []).append(place)
    return [statistics.fmean(places[value]) for value in values]


def _inversions_at_most(count: int, inversions: int) -> float:
    """The share of the orders of ``count`` different things that have at most so many pairs in the wrong order."""
    ways = [1]
    for size in range(2, count + 1):
        ways = [sum(ways[max(0, at - size + 1):at + 1]) for at in range(len(ways) + size - 1)]
    return sum(ways[:inversions + 1]) / math.factorial(count)


@functools.lru_cache(maxsize=20_000)
def _arrangements(first: int, second: int, score: int) -> int:
    """In how many ways ``first`` and ``second`` things can be ordered so that ``score`` pairs have the second before the first."""
    if score < 0:
        return 0
    if not first or not second:
        return int(score == 0)
    return _arrangements(first - 1, second, score - second) + _arrangements(first, second - 1, score)


@functools.lru_cache(maxsize=64)
def _subsets(count: int) -> list[int]:
    """How many sets of ranks 1 to ``count`` have each sum."""
    ways = [1]
    for rank in range(1, count + 1):
        ways = [(ways[at] if at < len(ways) else 0) + (ways[at - rank] if at >= rank else 0) for at in range(len(ways) + rank)]
    return ways
