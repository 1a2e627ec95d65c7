# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What makes runs fail: tasks and hosts that fail now and then, time-outs; and batches that have protected from nothing for long."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.traits import RunTrait, TaskTrait

from ..finding import Finding, Scene, plural
from ..flakiness import Flaky, flaky_hosts, flaky_tasks

__all__ = ['analyze']

TIMEOUTS: t.Final = 2
CALM_RUNS: t.Final = 10
_NOT_REPEATABLE: t.Final = frozenset(('command', 'expect', 'raw', 'script', 'shell'))


def analyze(scene: Scene) -> t.Iterator[Finding]:
    yield from _tasks(scene)
    yield from _hosts(scene)
    yield from _timeouts(scene)
    yield from _serial(scene)


def _tasks(scene: Scene) -> t.Iterator[Finding]:
    here = {one.identity: one for one in scene.tasks}
    for flaky in flaky_tasks(scene.history):
        task = here.get(flaky.subject)
        if task is None or TaskTrait.UNTIL in task.traits:
            continue
        lines = 'register: outcome\nuntil: outcome is succeeded\nretries: 3\ndelay: 5'
        if task.module.rpartition('.')[2] in _NOT_REPEATABLE:
            lines += '\n# only if it may be run twice'
        yield Finding(
            code='flaky-task', subject=flaky.subject, severity='warning', title=f'"{scene.name(flaky.subject)}" fails now and then, {_often(flaky)}',
            evidence=_evidence(flaky), change=lines)


def _hosts(scene: Scene) -> t.Iterator[Finding]:
    for flaky in flaky_hosts(scene.history):
        connects = flaky.error_classes[:1] in (('unreachable',), ('network',))
        yield Finding(
            code='flaky-host', subject=flaky.subject, severity='warning', title=f'{flaky.subject} fails now and then, {_often(flaky)}',
            evidence=_evidence(flaky), change='[ssh_connection]\nretries = 3' if connects else '')


def _often(flaky: Flaky) -> str:
    return f'{flaky.failures} of {plural(flaky.results, "result")}'


def _evidence(flaky: Flaky) -> str:
    parts = []
    if flaky.retried:
        parts.append(f'{flaky.retried} went well when tried again')
    if flaky.returned:
        parts.append(f'{flaky.returned} went well in the next run')
    why = f'; most often: {flaky.error_classes[0]}' if flaky.error_classes else ''
    return f'{_often(flaky)} failed in {plural(flaky.runs, "run")}: {", ".join(parts)}{why}'


def _timeouts(scene: Scene) -> t.Iterator[Finding]:
    for task in scene.having(TaskTrait.TIMEOUT):
        late = [one for one in scene.history.by_task.get(task.identity, ()) if one.error_class == 'timeout' and one.status in ('failed', 'ignored')]
        took = [one.duration or 0.0 for one in scene.good(task.identity)]
        if len(late) >= TIMEOUTS and took:
            longest = max(*took, *(one.duration or 0.0 for one in late))
            yield Finding(
                code='timeout', subject=task.identity, severity='warning', title=f'"{scene.name(task.identity)}" runs into its time-out',
                evidence=f'{plural(len(late), "time-out")}; {plural(len(took), "result")} went well, in up to {max(took):.0f} s',
                change=f'timeout: {max(1, round(2 * longest))}')


def _serial(scene: Scene) -> t.Iterator[Finding]:
    """Batches make sure that a bad change does not reach all hosts. Batches that grow do, too."""
    runs = [one for one in scene.history.executions if not one.check][-CALM_RUNS:]
    calm = all(one.status == 'success' and not one.failed and not one.unreachable and one.hosts > 1 and RunTrait.SERIAL in one.traits for one in runs)
    if calm and len(runs) == CALM_RUNS:
        yield Finding(
            code='serial', subject='serial', title=f'equal batches have not been needed in {CALM_RUNS} runs: let them grow',
            evidence=f'no task failed on any of up to {max(one.hosts for one in runs)} hosts in the last {CALM_RUNS} runs',
            change='serial:\n  - 1\n  - 30%\n  - 100%')
