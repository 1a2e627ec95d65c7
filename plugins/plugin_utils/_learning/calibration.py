# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the forecasts of earlier runs would have been worth: each is replayed, as if the others were its history.

Source of the range: conformal prediction (Vovk, Gammerman, Shafer 2005): the ends are where 10 and 90 of 100 residuals would be, of one run more.
"""
from __future__ import annotations

import dataclasses
import math
import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ResultRecord

from .estimation import Estimator
from .forecast import UNCALIBRATED, Calibration, Forecast, HostWork, Ordering, Work, expectation, forecast, load
from .history import GOOD, History

__all__ = ['CHECKPOINTS', 'ENOUGH', 'Forecaster', 'calibrated', 'replayed', 'span']

CHECKPOINTS: t.Final = (0.0, 0.2, 0.4, 0.6, 0.8)
"""Where in a run its rest is forecast, as shares of its time."""
ENOUGH: t.Final = 5
MOST: t.Final = 10
MOST_RESULTS: t.Final = 3000
"""How many of the newest runs are replayed: with many results, fewer of them, and never fewer than are enough."""


class Forecaster:
    """A history, and what it says of forecasts. Made once in a run, which costs 0.1 s for 3,000 results."""

    def __init__(self, history: History, *, forks: int = 5, ordering: Ordering = 'linear', strategy: str | None = None) -> None:
        self.estimator = Estimator(history.measured)
        self.forks, self.ordering = forks, ordering
        self.calibration = calibrated(history, forks=forks, ordering=ordering, strategy=strategy)

    def forecast(self, hosts: t.Sequence[HostWork], *, elapsed: float = 0.0) -> Forecast | None:
        return forecast(hosts, self.estimator, forks=self.forks, ordering=self.ordering, elapsed=elapsed, calibration=self.calibration)


def calibrated(history: History, *, forks: int, ordering: Ordering, strategy: str | None = None) -> Calibration:
    """From runs that came to their end and went well, under that strategy where one is given."""
    replays = []
    for results in _worth_replaying(history, strategy):
        estimator = Estimator(one for one in history.measured if one.execution != results[0].execution)
        begin, end = span(results) or (0.0, 0.0)
        whole = load(replayed(results, begin), estimator, forks=forks, ordering=ordering)
        if whole.mean > 0 and whole.known > 0.5:
            replays.append((results, begin, end, estimator, math.log(max(end - begin, 1e-3) / (whole.mean / whole.known))))
    paces = [replay[-1] for replay in replays]
    if len(paces) < 2:
        return UNCALIBRATED
    prior = _prior(paces)
    if len(paces) < ENOUGH:
        return prior
    scores = []
    for at, (results, begin, end, estimator, _pace) in enumerate(replays):
        others = _prior(paces[:at] + paces[at + 1:])
        for share in CHECKPOINTS:
            now = begin + share * (end - begin)
            expected, deviation, known = expectation(
                replayed(results, now), estimator, forks=forks, ordering=ordering, elapsed=now - begin, calibration=others)
            if known and deviation > 0:
                scores.append((end - now - expected) / deviation)
    if not scores:
        return prior
    scores.sort()
    beyond = 0.1 - 0.8 / len(paces) / 2  # of n runs, 0.8 * (n + 1) / n are to be inside
    return dataclasses.replace(prior, low=_at(scores, beyond), high=_at(scores, 1 - beyond))


def _worth_replaying(history: History, strategy: str | None) -> list[tuple[ResultRecord, ...]]:
    """Results of the newest runs."""
    found: list[tuple[ResultRecord, ...]] = []
    for run in reversed(history.executions):
        results = history.by_run.get(run.execution, ())
        if run.status == 'success' and not run.check and strategy in (None, run.strategy) and span(results):
            if len(found) == MOST or (len(found) >= ENOUGH and sum(map(len, found)) + len(results) > MOST_RESULTS):
                break
            found.append(results)
    return found


def _prior(paces: t.Sequence[float]) -> Calibration:
    """What paces say alone. Of few, less is believed: the range is wider."""
    runs = len(paces)
    end = UNCALIBRATED.high * (1 + 2 / runs)
    return Calibration(statistics.median(paces), max(statistics.stdev(paces), 0.02), -end, end, runs)


def replayed(results: t.Sequence[ResultRecord], now: float) -> list[HostWork]:
    """The state of a recorded run at a moment, as somebody would have seen it who knows which tasks there are."""
    orders: dict[str, int] = {}
    hosts: dict[str, tuple[str, list[Work], list[Work], tuple[Work, float] | None]] = {}
    for one in sorted((one for one in results if one.began is not None), key=lambda one: one.began or 0.0):
        order = orders.setdefault(one.task_id, len(orders))
        host_class, done, left, running = hosts.get(one.host, (one.host_class, [], [], None))
        work = Work(one.identity, one.module, order, one.path)
        began, ended = one.began or 0.0, one.ended
        if ended is not None and ended <= now:
            done.append(work)
        elif began < now:
            running = work, now - began
        else:
            left.append(work)
        hosts[one.host] = host_class, done, left, running
    return [
        HostWork(host, host_class, tuple(done), running[0] if running else None, running[1] if running else 0.0, tuple(left))
        for host, (host_class, done, left, running) in hosts.items()]


def span(results: t.Sequence[ResultRecord]) -> tuple[float, float] | None:
    """When a run's first task began and its last one ended; None where that is not known."""
    begins, ends = [one.began for one in results if one.began is not None], [one.ended for one in results if one.ended is not None]
    return (min(begins), max(ends)) if begins and ends and any(one.status in GOOD for one in results) else None


def _at(values: t.Sequence[float], share: float) -> float:
    """The value at a share of the sorted values, interpolated."""
    place = min(max(share, 0.0), 1.0) * (len(values) - 1)
    low = math.floor(place)
    return values[low] + (values[min(low + 1, len(values) - 1)] - values[low]) * (place - low)
