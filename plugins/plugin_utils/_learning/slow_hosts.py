# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts that take longer than the others of their class, run after run."""
from __future__ import annotations

import dataclasses
import math
import statistics
import typing as t

from .history import History
from .significance import rejected, wilcoxon
from .trends import host_paces

__all__ = ['SlowHost', 'slow_hosts']

ENOUGH: t.Final = 5
PACE: t.Final = 1.25
"""What is slow, as a multiple of what the others take."""
ALPHA: t.Final = 0.1  # of both sides: only one of them is slow


@dataclasses.dataclass(frozen=True, slots=True)
class SlowHost:
    """``pace``: the median of its runs; ``extra``: seconds a run that it takes longer than the others would."""

    host: str
    pace: float
    runs: int
    extra: float
    p: float


def slow_hosts(history: History) -> tuple[SlowHost, ...]:
    """The slowest first."""
    busy: dict[str, dict[str, float]] = {}
    for one in history.measured:
        if one.duration is not None:
            runs = busy.setdefault(one.host, {})
            runs[one.execution] = runs.get(one.execution, 0.0) + one.duration
    found = []
    for host, paces in history.once(host_paces).items():
        if len(paces) >= ENOUGH:
            pace = statistics.median(paces.values())
            if pace < PACE:
                continue
            usual = statistics.median(busy[host][run] for run in paces)
            p = wilcoxon([math.log(max(value, 1e-6)) for value in paces.values()])
            found.append(SlowHost(host, pace, len(paces), usual * (1 - 1 / pace), p))
    sure = rejected([one.p for one in found], alpha=ALPHA)
    return tuple(sorted((one for one, passed in zip(found, sure, strict=True) if passed), key=lambda one: -one.pace))
