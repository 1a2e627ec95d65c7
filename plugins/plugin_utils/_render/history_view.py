# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What many runs say of a task and of a host, and two runs of each other.

Rule 1: runs come oldest first. A duration is one of a result that went well; a task in a run is as long as the median of its hosts.
Rule 2: how fast a host is, is told by what other hosts take for the same task in the same run, so that it does not depend on which tasks it had.
"""
from __future__ import annotations

import dataclasses
import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import History
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.significance import rejected, wilcoxon
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.trends import Direction, Kind, host_paces, task_medians, trends
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import Past, Run, TaskLine, counted, worst

__all__ = ['Compared', 'HostHistory', 'Rate', 'TaskHistory', 'Trending', 'compared', 'host_histories', 'past_of', 'task_histories', 'trendings']

_GOOD: t.Final = frozenset(('ok', 'changed'))
_ENOUGH: t.Final = 6
"""Hosts from which on a test can say more than chance."""


@dataclasses.dataclass(frozen=True)
class TaskHistory:
    """A task over runs. ``medians``: of its hosts, run by run; ``counts``: status -> results of all runs."""

    identity: str
    name: str
    module: str
    playbook: str
    runs: int
    medians: tuple[float, ...]
    durations: tuple[float, ...]
    counts: t.Mapping[str, int]

    @property
    def median(self) -> float | None:
        return statistics.median(self.durations) if self.durations else None

    @property
    def high(self) -> float | None:
        """What nine of ten results do not exceed; None for fewer than ten of them."""
        return statistics.quantiles(self.durations, n=10)[-1] if len(self.durations) >= 10 else None


def good_durations(line: TaskLine) -> dict[str, float]:
    """Host -> seconds, of the results that went well."""
    good = {one.host for one in line.results if one.status in _GOOD}
    return {host: seconds for host, seconds in line.durations.items() if host in good}


def task_histories(runs: t.Sequence[Run]) -> list[TaskHistory]:
    """Those that take most time first: their median times the number of results."""
    seen: dict[str, list[tuple[Run, TaskLine]]] = {}
    for run in runs:
        for line in run.task_lines:
            seen.setdefault(line.task.identity, []).append((run, line))
    found = []
    for identity, lines in seen.items():
        by_line = [tuple(good_durations(line).values()) for _run, line in lines]
        run, line = lines[-1]
        found.append(TaskHistory(
            identity=identity, name=line.task.name, module=line.task.module, playbook=run.name, runs=len({id(run) for run, _line in lines}),
            medians=tuple(statistics.median(one) for one in by_line if one), durations=tuple(second for one in by_line for second in one),
            counts=counted(one.status for _run, line in lines for one in line.results)))
    return sorted(found, key=lambda one: -sum(one.durations))


def past_of(runs: t.Sequence[Run]) -> Past:
    """Earlier runs as the views of one run want them."""
    return Past(tuple(run.execution for run in runs), {one.identity: one.medians for one in task_histories(runs)})


@dataclasses.dataclass(frozen=True)
class HostHistory:
    """A host over runs. ``pace``: how long it takes, as a multiple of what hosts take for the same tasks; None where nothing compares.

    ``busy``: seconds at work in a run, the median; ``seen``: when it was last in a run.
    """

    host: str
    host_class: str
    runs: int
    counts: t.Mapping[str, int]
    pace: float | None
    busy: float | None
    seen: float


def host_histories(runs: t.Sequence[Run]) -> list[HostHistory]:
    """Those first that are slowest."""
    paces: dict[str, list[float]] = {}
    busy: dict[str, list[float]] = {}
    statuses: dict[str, list[str]] = {}
    seen: dict[str, tuple[float, str, int]] = {}
    for run in runs:
        for task in run.task_lines:
            durations = good_durations(task)
            usual = statistics.median(durations.values()) if len(durations) > 1 else 0
            for host, seconds in durations.items() if usual > 0 else ():
                paces.setdefault(host, []).append(seconds / usual)
        for line in run.host_lines:
            statuses.setdefault(line.host, []).extend(one.status for one in line.results)
            busy.setdefault(line.host, []).extend([] if line.busy is None else [line.busy])
            _time, known, number = seen.get(line.host, (0.0, '', 0))
            seen[line.host] = (run.execution.started, line.host_class or known, number + 1)
    found = [
        HostHistory(host=host, host_class=host_class, runs=number, counts=counted(statuses[host]), seen=time, pace=_median(paces.get(host, ())),
                    busy=_median(busy[host]))
        for host, (time, host_class, number) in seen.items()]
    return sorted(found, key=lambda one: (-(one.pace or 0), one.host))


@dataclasses.dataclass(frozen=True)
class Compared:
    """A task in two runs; None where one of them has not got it. ``significant``: whether the difference is more than chance, None: not known.

    ``median`` is over the hosts that both runs have it from, where there are some.
    """

    identity: str
    name: str
    module: str
    before: float | None
    after: float | None
    hosts: int
    status_before: str
    status_after: str
    significant: bool | None = None

    @property
    def difference(self) -> float | None:
        return None if self.before is None or self.after is None else self.after - self.before


def compared(before: Run, after: Run) -> list[Compared]:
    """Tasks of both runs, those first that changed most. Whether a change is more than chance is asked of hosts that both runs have, host by host."""
    ones, others = ({line.task.identity: line for line in reversed(run.task_lines)} for run in (before, after))
    found: list[tuple[Compared, float | None]] = []
    for identity in dict.fromkeys([*reversed(others), *reversed(ones)]):
        one, other = ones.get(identity), others.get(identity)
        line = t.cast('TaskLine', other or one)
        first, second = (good_durations(side) if side is not None else {} for side in (one, other))
        both = [host for host in first if host in second]
        pair = ([first[host] for host in both], [second[host] for host in both]) if both else (list(first.values()), list(second.values()))
        found.append((Compared(
            identity=identity, name=line.task.name, module=line.task.module, before=_median(pair[0]), after=_median(pair[1]), hosts=len(both),
            status_before=worst(one.counts) if one is not None else '', status_after=worst(other.counts) if other is not None else ''),
            wilcoxon([second[host] - first[host] for host in both]) if len(both) >= _ENOUGH else None))
    asked = [chance for _row, chance in found if chance is not None]
    verdicts = iter(rejected(asked))
    rows = [row if chance is None else dataclasses.replace(row, significant=next(verdicts)) for row, chance in found]
    return sorted(rows, key=lambda one: -abs(one.difference or 0))


def _median(values: t.Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


@dataclasses.dataclass(frozen=True)
class Rate:
    """How often a policy has helped with a class of errors on a class of hosts; the classes may be empty."""

    policy: str
    error_class: str
    host_class: str
    successes: int
    trials: int


@dataclasses.dataclass(frozen=True)
class Trending:
    """What `_learning/trends.py` says of a task, a host or a playbook, with its name and the values that it says it of.

    ``before``, ``after``, ``values``: seconds; of a host multiples of what other hosts take. ``chance``: how often chance alone would do it.
    """

    kind: Kind
    subject: str
    name: str
    direction: Direction
    before: float
    after: float
    chance: float
    values: tuple[float, ...]


def trendings(history: History) -> list[Trending]:
    """Those first that change most surely."""
    tasks, hosts = task_medians(history), host_paces(history)
    playbooks = {one.identity: one.playbook.rpartition('/')[2] for one in history.executions}
    found = []
    for one in trends(history):
        name = history.name(one.subject) if one.kind == 'task' else playbooks.get(one.subject) or one.subject
        values = tasks[one.subject] if one.kind == 'task' else list(hosts[one.subject].values()) if one.kind == 'host' else ()
        found.append(Trending(one.kind, one.subject, name, one.direction, one.before, one.after, one.p, tuple(values)))
    return found
