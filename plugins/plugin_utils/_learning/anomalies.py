# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results of one run that are odd for what their task usually takes on that host, or on hosts of its class."""
from __future__ import annotations

import dataclasses
import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ResultRecord

from .history import GOOD, History
from .robust import robust_score

__all__ = ['ENOUGH', 'Anomaly', 'anomalies']

ENOUGH: t.Final = 8
"""Results without which nothing is odd."""
SCORE: t.Final = 4.5
"""How many deviations are odd. The deviation of eight values is itself not known well; of normal values 1 in 500 is this far out then."""
SECONDS: t.Final = 0.5
TIMES: t.Final = 1.5
"""What it has to take longer to matter: seconds, and as a multiple."""


@dataclasses.dataclass(frozen=True, slots=True)
class Anomaly:
    """A result that took longer than usual. ``score``: deviations above the median; ``share``: of the others that took less time; ``count`` of them."""

    identity: str
    host: str
    duration: float
    usual: float
    score: float
    share: float
    count: int

    @property
    def extra(self) -> float:
        return self.duration - self.usual


def anomalies(history: History, execution: str) -> tuple[Anomaly, ...]:
    """Those of a run, against the runs before it; the costliest first. A host that has no history of its own is compared with its class."""
    earlier = history.before(execution).by_task
    found = []
    for one in history.by_run.get(execution, ()):
        if one.status not in GOOD or one.duration is None:
            continue
        others = _comparable(one, earlier.get(one.identity, ()))
        if len(others) < ENOUGH:
            continue
        usual = statistics.median(others)
        if one.duration <= max(usual + SECONDS, usual * TIMES):
            continue
        score = robust_score(one.duration, others)
        if score > SCORE:
            share = sum(other < one.duration for other in others) / len(others)
            found.append(Anomaly(one.identity, one.host, one.duration, usual, score, share, len(others)))
    return tuple(sorted(found, key=lambda one: -one.extra))


def _comparable(one: ResultRecord, results: t.Sequence[ResultRecord]) -> list[float]:
    same = [other for other in results if other.status == one.status and other.duration is not None and other.path == one.path]
    own = [other.duration or 0.0 for other in same if other.host == one.host]
    return own if len(own) >= ENOUGH else [other.duration or 0.0 for other in same if other.host_class == one.host_class]
