# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The seconds that fit measured runs best: least squares over relative errors. Pure; `grid.py` gives it the runs and prints the answer.

The model is the planner's own (suitability.stock_seconds and agent_seconds): as it is linear in its costs, what a cost weighs in a run is what the
model says when that cost is 1 and all others are 0. What both ways have in common is fitted along with it, under the names that begin with "common".
Round trips are not fitted: the proxy of the lab has counted them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

from ansible_collections.rustle.engine.plugins.plugin_utils._planner.suitability import Costs, Work, agent_seconds, code_seconds, stock_seconds

__all__ = ["FITTED", "Fit", "Run", "fit", "least_squares"]

LOGIN_TRIPS = 7
COMMON = ("common_start", "common_host")  # of the command, of each further host
FITTED = ("stock_call", "agent_start", "agent_call", "code_start")
NOTHING = Costs(**dict.fromkeys(FITTED, 0.0), stock_bytes=0, code_bytes=0, bytes_per_second=1.0)  # type: ignore[arg-type]
CROWDS = [step / 20 for step in range(31)]


@dataclasses.dataclass(frozen=True)
class Run:
    """``way``: stock, cold or warm. ``known``: seconds that are the task's own."""

    way: str
    seconds: float
    latency: float
    work: Work
    known: float = 0.0


@dataclasses.dataclass(frozen=True)
class Fit:
    """``error``: the mean relative error."""

    common: dict[str, float]
    costs: Costs
    error: float

    def seconds(self, run: Run) -> float:
        return _row(run, self.costs.crowd, [*self.common.values(), *(getattr(self.costs, name) for name in FITTED)])


def fit(runs: Sequence[Run]) -> Fit:
    best: Fit | None = None
    for crowd in CROWDS:
        rows, values = [], []
        for run in runs:
            weights, settled = _weights(run, crowd)
            rows.append([weight / run.seconds for weight in weights])
            values.append((run.seconds - settled) / run.seconds)
        found = dict(zip((*COMMON, *FITTED), least_squares(rows, values), strict=True))
        one = Fit({name: found[name] for name in COMMON}, dataclasses.replace(NOTHING, crowd=crowd, **{name: found[name] for name in FITTED}), 0.0)
        error = sum(abs(one.seconds(run) - run.seconds) / run.seconds for run in runs) / len(runs)
        if best is None or error < best.error:
            best = dataclasses.replace(one, error=error)
    if best is None:
        raise ValueError("there is nothing to fit")
    return best


def _row(run: Run, crowd: float, found: Iterable[float]) -> float:
    weights, settled = _weights(run, crowd)
    return settled + sum(weight * value for weight, value in zip(weights, found, strict=True))


def _weights(run: Run, crowd: float) -> tuple[list[float], float]:
    """What each cost weighs, and the seconds that depend on none of them."""

    def model(costs: Costs) -> float:
        if run.way == "stock":
            return stock_seconds(run.work, latency=run.latency, costs=costs)
        code = code_seconds(run.work, latency=run.latency, costs=costs) if run.way == "cold" else 0.0
        return agent_seconds(run.work, latency=run.latency, costs=costs) + code

    nothing = dataclasses.replace(NOTHING, crowd=crowd)
    settled = model(nothing)  # round trips
    weights = [model(dataclasses.replace(nothing, **{name: 1.0})) - settled for name in FITTED]
    return [1.0, run.work.hosts - 1.0, *weights], settled + run.known + LOGIN_TRIPS * run.latency


def least_squares(rows: Sequence[Sequence[float]], values: Sequence[float]) -> list[float]:
    """The x >= 0 with the smallest |rows x - values|, by the normal equations; the most negative are set to 0, one after another."""
    width = len(rows[0])
    free = list(range(width))
    while free:
        found = _solved(
            [[math.fsum(row[a] * row[b] for row in rows) for b in free] for a in free],
            [math.fsum(row[a] * value for row, value in zip(rows, values, strict=True)) for a in free],
        )
        worst = min(range(len(free)), key=found.__getitem__)
        if found[worst] >= 0:
            answer = [0.0] * width
            for place, value in zip(free, found, strict=True):
                answer[place] = value
            return answer
        del free[worst]
    return [0.0] * width


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss's elimination with pivots; a column that says nothing gets 0."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda number: abs(rows[number][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        if abs(rows[column][column]) < 1e-12:
            rows[column] = [0.0] * column + [1.0] + [0.0] * (size - column)
            continue
        for number in range(column + 1, size):
            factor = rows[number][column] / rows[column][column]
            rows[number] = [a - factor * b for a, b in zip(rows[number], rows[column], strict=True)]
    answer = [0.0] * size
    for column in reversed(range(size)):
        known = sum(rows[column][later] * answer[later] for later in range(column + 1, size))
        answer[column] = (rows[column][size] - known) / rows[column][column]
    return answer
