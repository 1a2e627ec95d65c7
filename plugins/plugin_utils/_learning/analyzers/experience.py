# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people do and say: runs that they interrupt, make again, or rate badly, and tasks whose "changed" says nothing."""
from __future__ import annotations

import itertools
import statistics
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.traits import TaskTrait

from ..finding import Finding, Scene, plural, seconds
from ..history import GOOD

__all__ = ['analyze']

RUNS: t.Final = 10
INTERRUPTED: t.Final = 3
AGAIN: t.Final = 3
SOON: t.Final = 900.0
RATINGS: t.Final = 3
BAD: t.Final = 2.5
ALWAYS: t.Final = 5
_COMMANDS: t.Final = frozenset(('command', 'raw', 'script', 'shell'))


def analyze(scene: Scene) -> t.Iterator[Finding]:
    yield from _interrupted(scene)
    yield from _again(scene)
    yield from _ratings(scene)
    yield from _always_changed(scene)


def _interrupted(scene: Scene) -> t.Iterator[Finding]:
    runs = scene.history.executions[-RUNS:]
    stopped = [one for one in runs if one.status == 'interrupted']
    if len(stopped) < INTERRUPTED:
        return
    within = [one.identity for run in stopped for one in scene.history.by_run.get(run.execution, ()) if one.status == 'running']
    usual = statistics.mode(within) if within else ''
    lasted = statistics.median(max((one.ended or one.seen or one.started) - one.started, 0.0) for one in stopped)
    longest = max((one.duration or 0.0 for one in scene.good(usual)), default=0.0)
    yield Finding(
        code='interrupted', subject=usual or scene.run.identity, severity='warning',
        title=f'{len(stopped)} of the last {plural(len(runs), "run")} were interrupted',
        evidence=f'after {seconds(lasted)} (median)' + (f', most often within "{scene.name(usual)}"' if usual else ''),
        change=f'timeout: {max(1, round(3 * longest))}  # three times the longest that it took' if longest else '')


def _again(scene: Scene) -> t.Iterator[Finding]:
    """A run fails on some hosts, and soon after it is made once more for all."""
    runs = scene.history.executions[-2 * RUNS:]
    pairs = [
        (first, second) for first, second in itertools.pairwise(runs)
        if first.status in ('failed', 'unreachable') and 0 <= second.started - (first.ended or first.started) < SOON]
    if len(pairs) < AGAIN:
        return
    healthy = statistics.median(second.hosts - first.failed - first.unreachable for first, second in pairs)
    if healthy >= 1:
        yield Finding(
            code='run-again', subject=scene.run.identity, title=f'{plural(len(pairs), "failed run")} were soon made again for all hosts',
            evidence=f'of the last {plural(len(runs), "run")}, within {SOON / 60:.0f} minutes, and for {healthy:.0f} hosts that had not failed (median)',
            change='[defaults]\nretry_files_enabled = True  # and then: ansible-playbook --limit @PLAYBOOK.retry PLAYBOOK.yml')


def _ratings(scene: Scene) -> t.Iterator[Finding]:
    rated = [one for one in scene.history.executions if one.rating is not None][-RUNS:]
    if len(rated) < RATINGS:
        return
    mean = statistics.fmean(one.rating or 0 for one in rated)
    if mean <= BAD:
        said = next((f'; the last note: {one.note}' for one in reversed(rated) if one.note), '')
        yield Finding(
            code='ratings', subject=scene.run.identity, severity='warning', title='people rate the runs badly',
            evidence=f'{mean:.1f} of 5 over {plural(len(rated), "rating")}{said}')


def _always_changed(scene: Scene) -> t.Iterator[Finding]:
    for task in scene.tasks:
        if task.module.rpartition('.')[2] not in _COMMANDS or TaskTrait.CHANGED_WHEN in task.traits:
            continue
        good = [one for one in scene.history.by_task.get(task.identity, ()) if one.status in GOOD]
        runs = {one.execution for one in good}
        if len(runs) >= ALWAYS and all(one.status == 'changed' for one in good):
            yield Finding(
                code='always-changed', subject=task.identity, title=f'"{scene.name(task.identity)}" always reports changed',
                evidence=f'all {len(good)} results of {plural(len(runs), "run")}; what it really changes cannot be seen in a recap',
                change='changed_when: false  # if it only reads; else creates:, removes:, or an expression over its output')
