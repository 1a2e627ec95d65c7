# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long a task takes, by what it has taken before.

Rule 1: only what went well counts, by its duration; an attempt that failed does not. Skipped results tell how often a task runs at all.
Rule 2: the newest run counts most: a run is worth ALPHA less than the one after it. Outliers are moved to where Hampel's rule draws the line.
Rule 3: what is known of less than the task on that class of hosts is used for want of better, and is less sure: its spread is widened.
Rule 4: without any history the answer is None.
"""
from __future__ import annotations

import dataclasses
import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.estimate import Estimate
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Path
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import MetricRecord, ResultRecord

from .history import GOOD, History
from .robust import damped, quantile

__all__ = ['ALPHA', 'LEVELS', 'Estimator', 'Known', 'Level', 'Validation', 'cross_validate']

ALPHA: t.Final = 0.15
MOST: t.Final = 400
"""How many of the newest results of a kind are looked at."""
MIDDLE: t.Final = 2.5631
"""The width of the middle 80 % of normal values, in standard deviations."""

Level = t.Literal['task on its class', 'task', 'module on its class', 'module']
LEVELS: t.Final[dict[Level, float]] = {'task on its class': 1.0, 'task': 1.25, 'module on its class': 1.5, 'module': 2.0}
"""What an estimate is made from, the best first, and by how much its spread is widened."""


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """What is known of a task, in seconds. ``mean`` is weighted by age; ``low`` to ``high`` is the middle 80 %, widened by ``level``.

    ``changes``: the share of its results, newer ones weighing more, that were changed; ``runs``: of those where it was not skipped.
    ``count``: of results.
    """

    mean: float
    median: float
    low: float
    high: float
    count: int
    level: Level
    changes: float
    runs: float

    @property
    def spread(self) -> float:
        return self.high - self.low

    @property
    def deviation(self) -> float:
        """The standard deviation that normal values with this spread would have."""
        return self.spread / MIDDLE

    @property
    def estimate(self) -> Estimate:
        return Estimate(self.median, self.spread, self.count)


class _Value(t.NamedTuple):
    execution: str
    duration: float  # of a skipped one: -1
    changed: bool
    path: Path | None
    host_class: str


class Estimator:
    """Made once from results, oldest first, in some milliseconds; what is asked for is worked out when it is asked for the first time."""

    def __init__(self, records: t.Iterable[ResultRecord]) -> None:
        self._tasks: dict[str, list[_Value]] = {}
        self._modules: dict[str, list[_Value]] = {}
        self._answers: dict[tuple[t.Any, ...], Known | None] = {}
        for one in records:
            if one.status in GOOD and one.duration is not None:
                value = _Value(one.execution, max(one.duration, 0.0), one.status == 'changed', one.path, one.host_class)
            elif one.status == 'skipped':
                value = _Value(one.execution, -1.0, False, one.path, one.host_class)
            else:
                continue
            self._tasks.setdefault(one.identity, []).append(value)
            self._modules.setdefault(one.module, []).append(value)

    def estimate(
        self, identity: str, module: str, host_class: str = '', changed: bool | None = None, *, path: Path | None = None,
    ) -> Estimate | None:
        """``changed`` None: a mix of both, by their shares. ``path`` None: by whichever it went."""
        known = self.known(identity, module, host_class, changed, path=path)
        return None if known is None else known.estimate

    def known(self, identity: str, module: str, host_class: str = '', changed: bool | None = None, *, path: Path | None = None) -> Known | None:
        """The same, and what stands behind it."""
        key = identity, module, host_class, changed, path
        if key not in self._answers:
            self._answers[key] = self._known(*key)
        return self._answers[key]

    def prospects(self, identity: str) -> float | None:
        """The share of a task's results that were changed; None where it has none."""
        known = self.known(identity, '')
        return None if known is None else known.changes

    def _known(self, identity: str, module: str, host_class: str, changed: bool | None, path: Path | None) -> Known | None:
        task, kind = self._tasks.get(identity, []), self._modules.get(module, [])
        for level, values in zip(LEVELS, (task, task, kind, kind), strict=True):
            if level.endswith('class'):
                values = [one for one in values if one.host_class == host_class]
            values = values[-MOST:]
            found = [one for one in values if one.duration >= 0]
            if path is not None:
                found = [one for one in found if one.path == path] or found
            wanted = [one for one in found if changed is None or one.changed == changed]
            if wanted or found:
                return _summed(wanted or found, among=values, level=level)
        return None


def _summed(values: list[_Value], *, among: list[_Value], level: Level) -> Known:
    """``among``: the values with those of another outcome, and the skipped ones."""
    weights = _weights(values)
    pairs: list[tuple[float, float]] = []
    for state in (False, True):  # damped apart, or the less usual outcome would be taken for outliers
        of_state = [(one.duration, weight) for one, weight in zip(values, weights, strict=True) if one.changed == state]
        pairs += zip(damped([duration for duration, _weight in of_state]), [weight for _duration, weight in of_state], strict=True)
    pairs.sort()
    total = sum(weights)
    mean = sum(value * weight for value, weight in pairs) / total
    median, low, high = (quantile(pairs, share) for share in (0.5, 0.1, 0.9))
    # few values seldom hold the ends of what can be: with one of them it may be half as much or half as much again
    count = len(values)
    wide = LEVELS[level] * (1 + 2 / count)
    least = median / count
    low, high = median - max((median - low) * wide, least / 2), median + max((high - median) * wide, least / 2)
    ages = _weights(among)
    done = [(one, weight) for one, weight in zip(among, ages, strict=True) if one.duration >= 0]
    share = sum(weight for _one, weight in done)
    return Known(
        mean, median, max(low, 0.0), high, count, level, changes=sum(weight for one, weight in done if one.changed) / share, runs=share / sum(ages))


def _weights(values: list[_Value]) -> list[float]:
    """By how many runs a value is older than the newest."""
    ages: dict[str, int] = {}
    for one in reversed(values):
        ages.setdefault(one.execution, len(ages))
    return [(1 - ALPHA) ** ages[one.execution] for one in values]


@dataclasses.dataclass(frozen=True, slots=True)
class Validation:
    """How far estimates were off: the median of |estimate - truth| / truth, over ``count`` results of ``runs`` runs."""

    error: float
    count: int
    runs: int

    def record(self, execution: str, *, time: float) -> MetricRecord:
        return MetricRecord(execution=execution, name='estimate_error', value=self.error, unit='ratio', time=time)


def cross_validate(history: History, *, runs: int = 3) -> Validation | None:
    """Each of the last runs, estimated from what came before it, the path being known. None where nothing can be compared."""
    groups: dict[str, list[ResultRecord]] = {}
    for one in history.measured:
        groups.setdefault(one.execution, []).append(one)
    order = list(groups)
    errors, seen = [], 0
    for at in range(max(1, len(order) - runs), len(order)):
        estimator = Estimator(one for run in order[:at] for one in groups[run])
        found = []
        for one in groups[order[at]]:
            guess = None if one.status not in GOOD or one.duration is None else estimator.known(
                one.identity, one.module, one.host_class, path=one.path)
            if guess is not None and guess.level in ('task on its class', 'task'):
                found.append(_off(guess.median, one.duration or 0.0))
        errors += found
        seen += bool(found)
    return Validation(statistics.median(errors), len(errors), seen) if errors else None


def _off(guess: float, truth: float) -> float:
    return abs(guess - truth) / truth if truth > 0 else float(guess > 0)
