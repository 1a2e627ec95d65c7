# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a run was not what its plan said.

Rule 1: what only a run can know is no difference: failures, tasks that were skipped or never came to their turn, the end of a host's tasks.
Rule 2: one place in a file may be several tasks of a plan (loops of includes, roles used twice): what holds for one of them was planned.
"""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.followed import BundleEnded, Difference, Step, TaskRan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionBatch, ExecutionPlan, HandlerPlan, PlayPlan, TaskPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason

__all__ = ['differences']

#: ends of bundles that no plan foretells, or that are told as another difference
_NOT_PLANNED = frozenset({Reason.END, Reason.FAILED, Reason.STOCK, Reason.UNREACHED})


def differences(plan: ExecutionPlan, steps: t.Iterable[Step]) -> tuple[Difference, ...]:
    """In the order in which they were first met; hosts of the same difference are together."""
    planned = _Planned(plan)
    found: dict[tuple[t.Any, ...], list[str]] = {}
    for step in steps:
        for kind, where, expected, reason, detail in planned.ran(step) if isinstance(step, TaskRan) else planned.ended(step):
            hosts = found.setdefault((kind, where, step.name, expected, reason, detail), [])
            if step.host not in hosts:
                hosts.append(step.host)
    return tuple(
        Difference(kind=kind, where=where, name=name, hosts=tuple(hosts), planned=expected, reason=reason, detail=detail)
        for (kind, where, name, expected, reason, detail), hosts in found.items())


_Found = tuple[t.Literal['path', 'cut', 'dependency', 'unplanned'], str, str, Reason | None, str]


class _Planned:
    """A plan by the places of its tasks."""

    def __init__(self, plan: ExecutionPlan) -> None:
        self._tasks: dict[str, list[tuple[PlayPlan, ExecutionBatch, TaskPlan]]] = {}
        self._handlers: dict[str, list[tuple[PlayPlan, HandlerPlan]]] = {}
        self._before: dict[str, set[str]] = {}
        self._last: set[str] = set()  # tasks at which a bundle ends
        for play in plan.plays:
            for batch in play.batches:
                self._last.update(bundle.tasks[-1] for bundle in batch.bundles)
                for task in batch.tasks:
                    self._tasks.setdefault(task.where or task.name, []).append((play, batch, task))
                    self._before.setdefault(task.task_id, set()).update(edge.task_id for edge in task.dependencies)
            for handler in play.handlers:
                self._handlers.setdefault(handler.where or handler.name, []).append((play, handler))
                self._before.setdefault(handler.handler_id, set()).update((edge.task_id for edge in handler.dependencies), handler.notified_by)

    def _at(self, where: str, host: str) -> list[tuple[PlayPlan, TaskPlan]]:
        return [(play, task) for play, batch, task in self._tasks.get(where, ()) if host in batch.hosts]

    def ran(self, step: TaskRan) -> t.Iterator[_Found]:
        paths = {_path(play, task, step.host) for play, task in self._at(step.where, step.host)}
        paths |= {_path(play, handler, step.host) for play, handler in self._handlers.get(step.where, ()) if step.host in play.hosts}
        if not paths:
            yield 'unplanned', step.where, '', step.stock, ''
        elif step.stock is not None and 'stock' not in paths:
            yield 'path', step.where, min(paths), step.stock, ''
        elif step.stock is None and paths == {'stock'}:
            yield 'path', step.where, 'stock', None, ''

    def ended(self, step: BundleEnded) -> t.Iterator[_Found]:
        tasks = [task for _play, task in self._at(step.where, step.host)]
        inside = tasks and all(task.bundle_id is not None and task.task_id not in self._last for task in tasks)
        if inside and step.reason not in _NOT_PLANNED:
            yield 'cut', step.where, '', step.reason, step.detail
        if step.reason is Reason.REGISTER and step.needs and step.before:
            readers, setters = self._ids(step.before), self._ids(step.needs)
            if readers and setters and not any(self._leads(reader, setters) for reader in readers):
                yield 'dependency', step.before, '', None, step.detail

    def _ids(self, where: str) -> set[str]:
        return {task.task_id for _play, _batch, task in self._tasks.get(where, ())} | {one.handler_id for _play, one in self._handlers.get(where, ())}

    def _leads(self, task_id: str, targets: set[str]) -> bool:
        """Whether the plan has a way from a task back to one of the others."""
        seen, pending = {task_id}, [task_id]
        while pending:
            before = self._before.get(pending.pop(), set()) - seen
            if before & targets:
                return True
            seen |= before
            pending += before
        return False


def _path(play: PlayPlan, task: TaskPlan | HandlerPlan, host: str) -> str:
    refused = task.path == 'agent' and any(host in one.hosts for one in play.host_classes if one.stock is not None)
    return 'stock' if refused else task.path
