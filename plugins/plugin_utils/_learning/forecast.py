# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long a run will still take: a range that holds the truth in 80 of 100 cases.

Rule 1: work is added up as it is ordered: with barriers a task lasts as long as its slowest host, without them a host as long as its tasks.
Rule 2: a run has a pace: slow so far, it is expected to be slow to its end. How far that is believed follows from how much paces of runs differ.
Rule 3: with five recorded runs the range is as wide as the model was off in them (`calibration.py`); before that, as wide as the model says.
Rule 4: without an estimate of any task there is no range, and nothing is made up.
"""
from __future__ import annotations

import dataclasses
import math
import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Path

from .estimation import Estimator

__all__ = ['UNCALIBRATED', 'Calibration', 'Forecast', 'HostWork', 'Load', 'Ordering', 'Work', 'forecast', 'load', 'pace']

_NORMAL: t.Final = statistics.NormalDist()
_BEGINNING: t.Final = 1.0  # seconds that a play may spend before its first task works: they say nothing of its pace

Ordering = t.Literal['linear', 'free']
"""``linear``: hosts wait for each other at each task. ``free``: none waits (free, host_pinned, and where hosts run ahead)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """A task on a host. ``order``: its place in the run; hosts wait for each other at the same place."""

    identity: str
    module: str
    order: int = 0
    path: Path | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class HostWork:
    """A host: what it has ended, what runs there and for how many seconds, what is still to come."""

    host: str
    host_class: str = ''
    done: tuple[Work, ...] = ()
    running: Work | None = None
    since: float = 0.0
    left: tuple[Work, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """An amount of work in seconds of the run. ``known``: the share of its tasks that there are estimates of."""

    mean: float = 0.0
    variance: float = 0.0
    known: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Calibration:
    """What earlier runs say of the model. ``pace``: logarithm of how long they took, as a multiple of it; ``pace_deviation``: how much that
    differs between runs; ``low``, ``high``: the ends of the range, in deviations from the expected; ``runs``: how many it is learned from.
    """

    pace: float = 0.0
    pace_deviation: float = 0.15
    low: float = -1.2816
    high: float = 1.2816
    runs: int = 0


UNCALIBRATED: t.Final = Calibration()


@dataclasses.dataclass(frozen=True, slots=True)
class Forecast:
    """Seconds to the end: the range, and what is expected. ``known``: the share of the tasks to come that there are estimates of."""

    low: float
    high: float
    expected: float
    known: float = 1.0


def forecast(
    hosts: t.Sequence[HostWork], estimator: Estimator, *, forks: int, ordering: Ordering = 'linear', elapsed: float = 0.0,
    calibration: Calibration = UNCALIBRATED,
) -> Forecast | None:
    """None: there is no history yet. ``elapsed``: seconds since the first task began."""
    expected, deviation, known = expectation(hosts, estimator, forks=forks, ordering=ordering, elapsed=elapsed, calibration=calibration)
    if not known:
        return None
    low, high = (max(0.0, expected + end * deviation) for end in (calibration.low, calibration.high))
    return Forecast(low, high, expected, known)


def expectation(
    hosts: t.Sequence[HostWork], estimator: Estimator, *, forks: int, ordering: Ordering, elapsed: float, calibration: Calibration,
) -> tuple[float, float, float]:
    """Expected seconds to the end, their standard deviation, and the share of tasks that is known."""
    ahead = load(hosts, estimator, forks=forks, ordering=ordering)
    behind = load(hosts, estimator, forks=forks, ordering=ordering, past=True)
    factor, unsure = pace(behind, elapsed, calibration)
    missing = 1 / ahead.known if ahead.known else 1.0  # tasks without an estimate take what the others take
    expected = ahead.mean * factor * missing
    return expected, math.sqrt(ahead.variance * (factor * missing) ** 2 + (expected * unsure) ** 2), ahead.known


def pace(behind: Load, elapsed: float, calibration: Calibration) -> tuple[float, float]:
    """How long the run takes as a multiple of its model, and how unsure that is (a share): what runs usually have, moved by what this one shows."""
    prior = calibration.pace_deviation**2
    if behind.mean <= 0 or elapsed <= 0:
        return math.exp(calibration.pace), math.sqrt(prior)
    noise = (behind.variance + _BEGINNING**2) / behind.mean**2
    seen = math.log(elapsed / behind.mean)
    belief = prior / (prior + noise)
    return math.exp(calibration.pace + belief * (seen - calibration.pace)), math.sqrt(prior * (1 - belief))


def load(hosts: t.Sequence[HostWork], estimator: Estimator, *, forks: int, ordering: Ordering, past: bool = False) -> Load:
    """What is to come, or with ``past`` what is done; a task that runs counts for the part of it on that side."""
    lanes: dict[str, list[tuple[float, float]]] = {}
    steps: dict[int, list[tuple[float, float]]] = {}
    tasks = known = 0
    for host in hosts:
        lane = lanes.setdefault(host.host, [])
        for work in host.done if past else host.left:
            tasks += 1
            found = estimator.known(work.identity, work.module, host.host_class, path=work.path)
            if found is not None:
                known += 1
                part = _part(found.mean, found.deviation**2, found.runs)
                lane.append(part)
                steps.setdefault(work.order, []).append(part)
        if host.running is not None:
            tasks += 1
            found = estimator.known(host.running.identity, host.running.module, host.host_class, path=host.running.path)
            if found is not None:
                known += 1
                part = (host.since, 0.0) if past else left_of(found.mean, found.deviation, host.since)
                lane.append(part)
                steps.setdefault(host.running.order, []).append(part)
    parts = [_together(step, forks) for step in steps.values()] if ordering == 'linear' else [_together([_sum(lane) for lane in lanes.values()], forks)]
    mean, variance = _sum(parts)
    return Load(mean, variance, known / tasks if tasks else 1.0)


def left_of(mean: float, deviation: float, since: float) -> tuple[float, float]:
    """Mean and variance of what is left of a task that has run for a while: of a normal time, given that it is longer than that."""
    if deviation <= 1e-9 * mean or not deviation:
        return max(mean - since, 0.0), 0.0
    score = min((since - mean) / deviation, 6.0)
    hazard = _NORMAL.pdf(score) / (1 - _NORMAL.cdf(score))
    return max(deviation * (hazard - score), 0.0), max(deviation**2 * (1 + score * hazard - hazard**2), 0.0)


def _part(mean: float, variance: float, runs: float) -> tuple[float, float]:
    """Of a task that runs only sometimes."""
    return mean * runs, variance * runs + mean**2 * runs * (1 - runs)


def _sum(parts: t.Sequence[tuple[float, float]]) -> tuple[float, float]:
    return math.fsum(mean for mean, _variance in parts), math.fsum(variance for _mean, variance in parts)


def _together(parts: t.Sequence[tuple[float, float]], forks: int) -> tuple[float, float]:
    """When all of them have ended, ``forks`` at once: as long as the longest, or as all of it on that many lanes.

    The longest of several normal times is about Blom's score above their mean (Blom 1958), each being its own mean away.
    """
    parts = [part for part in parts if part[0] > 0]
    if not parts:
        return 0.0, 0.0
    means = [mean for mean, _variance in parts]
    longest = max(means)
    deviation = math.sqrt(statistics.fmean(variance for _mean, variance in parts))
    near = sum(1 for mean in means if mean >= longest - deviation)
    above = _NORMAL.inv_cdf((near - 0.375) / (near + 0.25)) * deviation if near > 1 and deviation > 0 else 0.0
    together = longest + above
    if len(parts) > forks > 0:
        # lanes are full but for their ends: half of the longest, on the average
        together = max(together, math.fsum(means) / forks + (together / 2 if len(parts) % forks else 0.0))
    return together, deviation**2 / (1 + math.log(near))
