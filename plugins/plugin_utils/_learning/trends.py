# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether tasks, hosts and playbooks get slower or faster over runs.

Rule 1: longer is worse: times that rise are degrading.
Rule 2: a trend is one when it is more than chance (Mann-Kendall, corrected for the number of things looked at) and large enough to matter.
Rule 3: like is compared with like: a task's results of its usual outcome, a host with the other hosts of the same run, runs of one playbook with the
same limit, tags and mode. A run that did not go well says nothing of the playbook's time.
"""
from __future__ import annotations

import dataclasses
import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord, ResultRecord

from .history import GOOD, History
from .significance import mann_kendall, rejected, sen_slope

__all__ = ['ENOUGH', 'Direction', 'Kind', 'Trend', 'host_paces', 'task_medians', 'trend', 'trends']

Direction = t.Literal['improving', 'degrading', 'stable']
Kind = t.Literal['task', 'host', 'playbook']

ENOUGH: t.Final = 5
"""Runs without which nothing is a trend."""
RELATIVE: t.Final = 0.1
ABSOLUTE: t.Final = 0.1
"""What a trend has to change over all of its runs to matter: a share of the time, and seconds (not of hosts: they are compared)."""
ALPHA: t.Final = 0.05


@dataclasses.dataclass(frozen=True, slots=True)
class Trend:
    """``before`` and ``after``: where the line through the values begins and ends; of a host as a multiple of what hosts take. ``p``: how often
    chance would do it. ``runs``: the number of values.
    """

    kind: Kind
    subject: str
    direction: Direction
    before: float
    after: float
    p: float
    runs: int

    @property
    def change(self) -> float | None:
        """As a share of what it was; None where that was nothing."""
        return (self.after - self.before) / self.before if self.before > 0 else None


def trend(values: t.Sequence[float], *, kind: Kind = 'task', subject: str = '', alpha: float = ALPHA) -> Trend:
    """Of one thing, its values oldest first."""
    _score, p = mann_kendall(values)
    middle, way = (statistics.median(values), sen_slope(values) * (len(values) - 1)) if values else (0.0, 0.0)
    large = abs(way) > RELATIVE * abs(middle) and (kind == 'host' or abs(way) > ABSOLUTE)
    direction: Direction = 'stable'
    if len(values) >= ENOUGH and p <= alpha and large:
        direction = 'degrading' if way > 0 else 'improving'
    return Trend(kind, subject, direction, max(middle - way / 2, 0.0), max(middle + way / 2, 0.0), p, len(values))


def trends(history: History, *, alpha: float = ALPHA) -> tuple[Trend, ...]:
    """Of all that has enough runs, those first that change most surely. What chance alone may have done is stable."""
    series: list[tuple[Kind, str, list[float]]] = []
    series += (('task', identity, values) for identity, values in task_medians(history).items())
    series += (('host', host, list(values.values())) for host, values in history.once(host_paces).items())
    series += (('playbook', identity, values) for identity, values in _playbooks(history).items())
    found = [trend(values, kind=kind, subject=subject, alpha=1.0) for kind, subject, values in series if len(values) >= ENOUGH]
    sure = rejected([one.p for one in found], alpha=alpha)
    kept = [one if passed else dataclasses.replace(one, direction='stable') for one, passed in zip(found, sure, strict=True)]
    return tuple(sorted(kept, key=lambda one: (one.direction == 'stable', one.p)))


def task_medians(history: History) -> dict[str, list[float]]:
    """Identity -> the median of its hosts, run by run."""
    found = {}
    for identity, results in history.by_task.items():
        usual = usual_outcome(results)
        if usual:
            found[identity] = [statistics.median(values) for values in _by_run(usual).values()]
    return found


def usual_outcome(results: t.Sequence[ResultRecord]) -> list[ResultRecord]:
    """Of results that went well and took time: those that were changed, or those that were not, whichever is more."""
    good = [one for one in results if one.status in GOOD and one.duration is not None]
    changed = [one for one in good if one.status == 'changed']
    return changed if len(changed) * 2 > len(good) else [one for one in good if one.status == 'ok']


def host_paces(history: History) -> dict[str, dict[str, float]]:
    """Host -> run -> how long it took for its tasks, as a multiple of what the other hosts of its class took for the same; the median."""
    steps: dict[tuple[str, str, str, str], list[ResultRecord]] = {}
    for one in history.measured:
        if one.status in GOOD and one.duration is not None:
            steps.setdefault((one.execution, one.task_id, one.host_class, one.status), []).append(one)
    ratios: dict[str, dict[str, list[float]]] = {}
    for results in steps.values():
        results.sort(key=lambda one: one.duration or 0.0)
        for place, one in enumerate(results):
            usual = _median_without(results, place)
            if usual > 0:
                ratios.setdefault(one.host, {}).setdefault(one.execution, []).append((one.duration or 0.0) / usual)
    return {host: {run: statistics.median(values) for run, values in runs.items()} for host, runs in ratios.items()}


def _median_without(results: t.Sequence[ResultRecord], place: int) -> float:
    """Of results in the order of their durations, without one of them; 0 for no others."""
    others = len(results) - 1
    middle = [at + (at >= place) for at in sorted({(others - 1) // 2, others // 2})]
    return sum(results[at].duration or 0.0 for at in middle) / len(middle) if others else 0.0


def _playbooks(history: History) -> dict[str, list[float]]:
    """Identity of the playbook -> seconds of its runs, of the way in which it was run last."""
    ways: dict[str, dict[tuple[t.Any, ...], list[float]]] = {}
    latest: dict[str, tuple[t.Any, ...]] = {}
    for one in history.executions:
        if one.ended is not None and one.status == 'success' and not one.check:
            ways.setdefault(one.identity, {}).setdefault(_way(one), []).append(max(one.ended - one.started, 0.0))
            latest[one.identity] = _way(one)
    return {identity: values[latest[identity]] for identity, values in ways.items()}


def _way(run: ExecutionRecord) -> tuple[t.Any, ...]:
    return run.inventory, run.limit, run.tags, run.skip_tags, run.hosts


def _by_run(results: t.Iterable[ResultRecord]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for one in results:
        found.setdefault(one.execution, []).append(one.duration or 0.0)
    return found
