# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parallel groups: tasks of one host whose order nobody could notice.

Rule 1: two tasks of a group neither touch a common thing (one of them writing) nor does one come after the other in any other way.
Rule 2: the agent runs a host's tasks one after another; a group says what would be possible.
Rule 3: what the playbook declares to be a group is one, or an error that says why not.
"""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import ResourceContention
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import Dependency, ParallelGroup
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.graph import TaskGraph

__all__ = ['alone_of', 'declared', 'group', 'reason_for']


def alone_of(tasks: t.Iterable[SourceTask], barriers: t.Mapping[str, Reason]) -> dict[str, str]:
    """Tasks that are never in a group, and why. A worldly task has effects like others, and is kept apart by them."""
    found = {}
    for task in tasks:
        barrier = barriers.get(task.task_id)
        if barrier is not None and barrier is not Reason.WORLDLY:
            found[task.task_id] = barrier.text
        elif task.flush or short_name(task.node.action) == 'meta':
            found[task.task_id] = Reason.META.text
        elif Reason.INCLUDE in (task.cut, task.ends):
            found[task.task_id] = Reason.INCLUDE.text
    return found


def group(graph: TaskGraph, reads: t.Mapping[str, t.Iterable[str]], *, prefix: str, alone: t.Container[str]) -> tuple[ParallelGroup, ...]:
    """Groups of two or more tasks. ``reads``: what each reads; ``alone``: tasks that are never in one."""
    groups: list[ParallelGroup] = []
    for layer in graph.generations():
        tasks = [task_id for task_id in layer if task_id not in alone]
        if len(tasks) > 1:
            shared = _shared(tasks, reads)
            groups.append(ParallelGroup(group_id=f'{prefix}group-{len(groups)}', tasks=tuple(tasks), shared_resources=shared, max_parallelism=len(tasks)))
    return tuple(groups)


def declared(
    tasks: t.Iterable[SourceTask], graph: TaskGraph, reads: t.Mapping[str, t.Iterable[str]], edges: t.Mapping[str, t.Sequence[Dependency]], *, prefix: str,
    alone: t.Mapping[str, str],
) -> tuple[ParallelGroup, ...]:
    """Groups of tasks that have the same ``rustle_parallel``. ResourceContention for one that cannot be. ``alone``: see alone_of."""
    named: dict[str, dict[str, SourceTask]] = {}
    names = {}
    for task in tasks:
        names[task.task_id] = task.name
        if task.parallel:
            named.setdefault(task.parallel, {})[task.task_id] = task
    groups: list[ParallelGroup] = []
    for name, members in named.items():
        if len(members) < 2:
            continue
        for task_id in members:
            if task_id in alone:
                raise ResourceContention(name, [names[task_id]], why=alone[task_id])
            way = graph.way(task_id, members.keys())
            if way:
                raise ResourceContention(name, [names[way[0]], names[task_id]], why=_between(way, names, edges))
        groups.append(ParallelGroup(
            group_id=f'{prefix}declared-{len(groups)}', tasks=tuple(members), shared_resources=_shared(members, reads), max_parallelism=len(members),
            declared=name))
    return tuple(groups)


def _between(way: t.Sequence[str], names: t.Mapping[str, str], edges: t.Mapping[str, t.Sequence[Dependency]]) -> str:
    """Why the second task on a way comes after the first."""
    why = next((edge.reason for edge in edges[way[1]] if edge.task_id == way[0]), 'handlers may run between them')
    return why if len(way) == 2 else f'{names[way[1]]!r} comes between them ({why})'


def _shared(tasks: t.Iterable[str], reads: t.Mapping[str, t.Iterable[str]]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    for task_id in tasks:
        for resource in dict.fromkeys(reads.get(task_id, ())):
            seen[resource] = seen.get(resource, 0) + 1
    return tuple(sorted(resource for resource, count in seen.items() if count > 1))


def reason_for(task_id: str, in_group: ParallelGroup | None, edges: t.Sequence[Dependency], alone: t.Mapping[str, str]) -> str:
    """Why a task can, or cannot, run beside others."""
    if in_group is not None:
        return f'its effects and those of {len(in_group.tasks) - 1} others of {in_group.group_id} are disjoint'
    if task_id in alone:
        return alone[task_id]
    if edges:
        return f'{edges[0].task_id} comes first: {edges[0].reason}'
    return 'no other task is free of dependencies at the same time'
