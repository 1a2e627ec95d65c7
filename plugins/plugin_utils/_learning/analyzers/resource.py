# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs use up: memory of tasks that grows, hosts that run out of something, hosts that are slow."""
from __future__ import annotations

import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ResultRecord

from ..finding import Finding, Scene, plural, seconds
from ..significance import mann_kendall, rejected
from ..slow_hosts import slow_hosts

__all__ = ['analyze']

EXHAUSTED: t.Final = {'no-space': 'disk space', 'resource-unavailable': 'memory, processes or descriptors'}
TIMES: t.Final = 2
RUNS: t.Final = 6
MIB: t.Final = 1024  # in KiB
GROWTH: t.Final = 64 * MIB
GAIN: t.Final = 1.0


def analyze(scene: Scene) -> t.Iterator[Finding]:
    yield from _exhausted(scene)
    yield from _growing(scene)
    for slow in slow_hosts(scene.history):
        if slow.extra >= GAIN:
            yield Finding(
                code='slow-host', subject=slow.host, severity='warning', title=f'{slow.host} takes {slow.pace:.1f} times as long as other hosts of its class',
                evidence=f'for the same tasks, in {plural(slow.runs, "run")} (p = {slow.p:.2g}); it works {seconds(slow.extra)} a run longer than they would')


def _exhausted(scene: Scene) -> t.Iterator[Finding]:
    found: dict[tuple[str, str], list[ResultRecord]] = {}
    for one in scene.history.measured:
        if one.error_class in EXHAUSTED and one.status in ('failed', 'ignored'):
            found.setdefault((one.error_class, one.host), []).append(one)
    for (error_class, host), results in found.items():
        runs = {one.execution for one in results}
        if len(runs) >= TIMES and results[-1].execution in scene.runs[-RUNS:]:
            yield Finding(
                code=error_class, subject=host, severity='critical' if error_class == 'no-space' else 'warning',
                title=f'{host} runs out of {EXHAUSTED[error_class]}',
                evidence=f'{plural(len(results), "result")} failed of it in {len(runs)} of {plural(len(scene.runs), "run")}, '
                         f'the last one of "{scene.name(results[-1].identity)}"')


def _growing(scene: Scene) -> t.Iterator[Finding]:
    series: dict[str, list[float]] = {}
    for task in scene.tasks:
        by_run: dict[str, float] = {}
        for one in scene.good(task.identity):
            if one.maxrss is not None:
                by_run[one.execution] = max(by_run.get(one.execution, 0.0), float(one.maxrss))
        if len(by_run) >= RUNS:
            series[task.identity] = list(by_run.values())
    tests = [mann_kendall(values) for values in series.values()]
    for (identity, values), (score, _p), sure in zip(series.items(), tests, rejected([p for _score, p in tests]), strict=True):
        half = len(values) // 2
        before, after = statistics.median(values[:half]), statistics.median(values[half:])
        if sure and score > 0 and after - before >= GROWTH and after >= 1.5 * before:
            yield Finding(
                code='memory-growth', subject=identity, severity='warning', title=f'"{scene.name(identity)}" needs more and more memory',
                evidence=f'{before / MIB:.0f} MiB, and now {after / MIB:.0f} MiB (medians of the first and the last half of {plural(len(values), "run")})')
