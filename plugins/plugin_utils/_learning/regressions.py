# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What became slower against a run that serves as a baseline, or against the last runs together.

A difference counts when it is more than chance, corrected for the number of tasks looked at, and large enough to matter.
"""
from __future__ import annotations

import dataclasses
import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ResultRecord

from .history import History
from .significance import mann_whitney, rejected, wilcoxon
from .trends import usual_outcome

__all__ = ['WINDOW', 'Regression', 'differs', 'regressions']

WINDOW: t.Final = 10
"""How many runs before it a run is compared with where there is no baseline."""
LATEST: t.Final = 3
"""How many runs are taken together against a window: one run of one host is no test of anything."""
PAIRS: t.Final = 6
"""Fewer pairs cannot differ by more than chance: 2 in 2**5."""
RELATIVE: t.Final = 0.15
ABSOLUTE: t.Final = 0.1
ALPHA: t.Final = 0.05


@dataclasses.dataclass(frozen=True, slots=True)
class Regression:
    """A task: medians in seconds, before and now; ``hosts`` of it, ``p``: how often chance would do it."""

    identity: str
    before: float
    now: float
    hosts: int
    p: float

    @property
    def extra(self) -> float:
        return self.now - self.before


def differs(before: t.Sequence[float], after: t.Sequence[float], *, alpha: float = ALPHA) -> bool | None:
    """Whether durations of the same hosts differ by more than chance, in the order of hosts. None: too few to tell."""
    differences = [second - first for first, second in zip(before, after, strict=True)]
    return wilcoxon(differences) <= alpha if len(differences) >= PAIRS else None


def regressions(history: History, execution: str, *, baseline: str | None = None, alpha: float = ALPHA) -> tuple[Regression, ...]:
    """Tasks that became slower, the costliest first.

    ``baseline``: a run; hosts are compared one by one, and six are needed. Without: this run and the two before it, against the ten before them,
    each host against its own median, so that other hosts in a run make no difference.
    """
    found: list[Regression] = []
    for identity, results in history.until(execution).by_task.items():
        usual = usual_outcome(results)
        if any(one.execution == execution for one in usual):
            one = _against_run(identity, usual, execution, baseline) if baseline is not None else _against_window(identity, usual)
            found += [one] if one is not None else []
    sure = rejected([one.p for one in found], alpha=alpha)
    return tuple(sorted(
        (one for one, passed in zip(found, sure, strict=True) if passed and one.extra > max(ABSOLUTE, RELATIVE * one.before)), key=lambda one: -one.extra))


def _against_run(identity: str, results: t.Sequence[ResultRecord], execution: str, baseline: str) -> Regression | None:
    then, now = ({one.host: one.duration or 0.0 for one in results if one.execution == run} for run in (baseline, execution))
    both = [host for host in now if host in then]
    if len(both) < PAIRS:
        return None
    before, after = [then[host] for host in both], [now[host] for host in both]
    return Regression(identity, statistics.median(before), statistics.median(after), len(both), wilcoxon([b - a for a, b in zip(before, after, strict=True)]))


def _against_window(identity: str, results: t.Sequence[ResultRecord]) -> Regression | None:
    """Run by run: results of one run have too much in common to count as so many."""
    runs = list(dict.fromkeys(one.execution for one in results))[-WINDOW - LATEST:]
    latest, window = set(runs[-LATEST:]), set(runs[:-LATEST])
    if len(window) < LATEST:
        return None
    own: dict[str, list[float]] = {}
    for one in results:
        if one.execution in window:
            own.setdefault(one.host, []).append(one.duration or 0.0)
    usual = {host: statistics.median(values) for host, values in own.items()}
    ratios: dict[str, list[float]] = {}
    for one in results:
        if (one.execution in window or one.execution in latest) and usual.get(one.host, 0.0) > 0:
            ratios.setdefault(one.execution, []).append((one.duration or 0.0) / usual[one.host])
    before = [statistics.median(ratios[run]) for run in runs[:-LATEST] if run in ratios]
    now = [statistics.median(ratios[run]) for run in runs[-LATEST:] if run in ratios]
    if not before or not now:
        return None
    seconds = statistics.median(usual.values())
    return Regression(identity, seconds * statistics.median(before), seconds * statistics.median(now), len(usual), mann_whitney(before, now))
