# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What would make runs faster: facts, forks, pipelining, loops over packages."""
from __future__ import annotations

import heapq
import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ResultRecord, TaskRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._model.traits import RunTrait, TaskTrait

from ..finding import Finding, Scene, plural, seconds
from ..history import GOOD
from ..round_trips import round_trips

__all__ = ['analyze']

RUNS: t.Final = 3
FACTS_SHARE: t.Final = 0.25
FACTS_SECONDS: t.Final = 1.0
STOCK_RESULTS: t.Final = 20
SAVED_TRIPS: t.Final = 16
"""Of a module call by pipelining: a folder, the file by sftp, its mode and cleaning up are four channels of the connection less. Measured: 1.8 s
less for a command on a host 100 ms away and back, which leaves two trips for the controller's work."""
MOST_FORKS: t.Final = 50
GAIN: t.Final = 1.0
"""Seconds a run below which a gain is not worth a line, or a warning."""


def analyze(scene: Scene) -> t.Iterator[Finding]:
    if len(scene.runs) >= RUNS:
        yield from _facts(scene)
        yield from _forks(scene)
        yield from _pipelining(scene)
        yield from _package_loops(scene)


def _facts(scene: Scene) -> t.Iterator[Finding]:
    for task in scene.having(TaskTrait.GATHERS_FACTS):
        by_run: dict[str, float] = {}
        for one in scene.good(task.identity):
            by_run[one.execution] = max(by_run.get(one.execution, 0.0), one.duration or 0.0)
        if TaskTrait.GATHER_SUBSET in task.traits or len(by_run) < RUNS:
            continue
        usual = statistics.median(by_run.values())
        whole = statistics.median(sum(map(max, _steps(scene, run).values())) for run in by_run)
        if usual >= FACTS_SECONDS and usual >= FACTS_SHARE * whole:
            gain, why = _facts_gain(scene, task)
            yield Finding(
                code='gather-subset', subject=task.identity,
                title=f'"{scene.name(task.identity)}" is {usual / whole:.0%} of the work of a run: ask for fewer facts',
                evidence=f'{seconds(usual)} of {seconds(whole)}, the median of {plural(len(by_run), "run")}; {why}',
                change="gather_subset:\n  - '!all'\n  - min  # and those that the play reads: network, hardware, virtual, ...", gain=gain)


def _facts_gain(scene: Scene, task: TaskRecord) -> tuple[float | None, str]:
    """Seconds a run, and what they stand on: what a subset took where one was gathered, else what a module takes at least."""
    subsets = {one.identity for one in scene.history.tasks if {TaskTrait.GATHERS_FACTS, TaskTrait.GATHER_SUBSET} <= set(one.traits)}
    # a task that has got its subset later has the same identity: what counts is how it was written in that run
    written = {(one.execution, one.identity): TaskTrait.GATHER_SUBSET in one.traits for one in scene.history.tasks}
    with_subset = [one for identity in subsets for one in scene.good(identity) if written.get((one.execution, identity))]
    least = statistics.median(one.duration or 0.0 for one in with_subset) if with_subset else None
    why = f'with a subset it takes {seconds(least)} ({plural(len(with_subset), "result")})' if least is not None else ''
    if least is None:
        others = _by_identity(one for one in scene.history.measured if one.identity != task.identity and one.path in ('agent', 'stock', None))
        if not others:
            return None, 'what a subset would take is unknown: nothing else was measured there'
        least = min(map(statistics.median, others.values()))
        why = f'it is less by so much at most, since a module takes {seconds(least)} there at least; how much goes depends on what is read'
    forks = scene.run.forks
    gains = []
    for run in scene.runs[-RUNS:]:
        step = [one.duration or 0.0 for one in scene.history.by_run[run] if one.identity == task.identity and one.status in GOOD and one.duration]
        if step:
            gains.append(_makespan(step, forks or len(step)) - _makespan([min(one, least) for one in step], forks or len(step)))
    return (statistics.median(gains) or None) if gains else None, why


def _by_identity(results: t.Iterable[ResultRecord]) -> dict[str, list[float]]:
    """Task -> seconds of its results that did something on a host."""
    found: dict[str, list[float]] = {}
    for one in results:
        if one.status in GOOD and one.duration and one.calls != 0:
            found.setdefault(one.identity, []).append(one.duration)
    return found


def _forks(scene: Scene) -> t.Iterator[Finding]:
    """What more forks would save, from the times of the last runs: the hosts of each task on more lanes."""
    forks, hosts = scene.run.forks, scene.run.hosts
    wanted = min(hosts, MOST_FORKS)
    if not 0 < forks < wanted:
        return
    gain = statistics.median(
        sum(_makespan(step, forks) - _makespan(step, wanted) for step in _steps(scene, run).values()) for run in scene.runs[-RUNS:])
    if gain >= GAIN:
        yield Finding(
            code='forks', subject='forks', severity='warning' if hosts >= 2 * forks else 'info', title=f'hosts take turns: {hosts} of them share {forks} forks',
            evidence=f'with {wanted} forks the same tasks take {seconds(gain)} less (median of the last {RUNS} runs), as far as the controller keeps up',
            change=f'[defaults]\nforks = {wanted}', gain=gain)


def _pipelining(scene: Scene) -> t.Iterator[Finding]:
    results = scene.history.by_run.get(scene.execution, ())
    stock = [one for one in results if one.path == 'stock' and one.status in GOOD and one.host_class.split('/')[0] == 'ssh']
    if len(stock) >= STOCK_RESULTS and RunTrait.PIPELINING not in scene.run.traits:
        gain, why = _pipelining_gain(scene, stock)
        yield Finding(
            code='pipelining', subject='pipelining', title=f'{len(stock)} results came by the stock path over ssh, without pipelining',
            evidence=f'they took {seconds(sum(one.duration or 0.0 for one in stock))} together, and each sent its module as a file before it ran; {why}',
            change='[connection]\npipelining = True  # not for hosts with requiretty in sudoers', gain=gain)


def _pipelining_gain(scene: Scene, stock: t.Sequence[ResultRecord]) -> tuple[float | None, str]:
    """Seconds a run, and what they stand on: the round trips of each call that pipelining saves, of that host or of the others."""
    trips = round_trips(scene.history.bundles)
    if not trips:
        return None, 'what that costs is unknown: no round trip to these hosts was measured'
    usual = statistics.median(trips.values())
    steps: dict[tuple[str, int], list[float]] = {}
    for one in stock:
        saved = SAVED_TRIPS * trips.get(one.host, usual) * max(one.items or 1, 1)
        steps.setdefault((one.task_id, one.occurrence), []).append(min(saved, one.duration or 0.0))
    gain = sum(_makespan(step, scene.run.forks or len(step)) for step in steps.values())
    return gain or None, f'{SAVED_TRIPS} round trips or more a call are saved, of {seconds(usual)} each (median of {plural(len(trips), "host")})'


def _package_loops(scene: Scene) -> t.Iterator[Finding]:
    for task in scene.having(TaskTrait.PACKAGE_LOOP):
        looped = [one for one in scene.good(task.identity) if (one.items or 0) >= 2]
        if len({one.execution for one in looped}) < RUNS:
            continue
        usual = statistics.median(one.duration or 0.0 for one in looped)
        # a list of packages that are there already is looked up as fast as one of them; to install them takes its time either way
        saved = [(one.duration or 0.0) * (1 - 1 / (one.items or 1)) for one in looped if one.status == 'ok']
        gain = statistics.median(saved) if saved else None
        yield Finding(
            code='package-loop', subject=task.identity, severity='warning' if (gain or 0.0) >= GAIN else 'info',
            title=f'"{scene.name(task.identity)}" calls {task.module.rpartition(".")[2]} once for each package',
            evidence=f'{statistics.median(one.items or 0 for one in looped):.0f} calls in {seconds(usual)} (medians of {plural(len(looped), "result")}); '
                     'where all is installed, one call for the list takes as long as one of them',
            change='name: "{{ packages }}"  # the list that the loop has now, and no loop', gain=gain or None)


def _steps(scene: Scene, run: str) -> dict[str, list[float]]:
    """Task of a run -> seconds of its hosts, all attempts together."""
    hosts: dict[str, dict[str, float]] = {}
    for one in scene.history.by_run[run]:
        if one.duration is not None:
            step = hosts.setdefault(one.task_id, {})
            step[one.host] = step.get(one.host, 0.0) + one.duration
    return {task: list(step.values()) for task, step in hosts.items()}


def _makespan(durations: t.Sequence[float], forks: int) -> float:
    """When all have ended that are begun in order on so many lanes."""
    lanes = [0.0] * min(forks, len(durations))
    for duration in durations:
        heapq.heapreplace(lanes, lanes[0] + duration)
    return max(lanes)
