# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The graph of tasks: who may run beside whom, and the longest way through. The one door to networkx.

Rule: what every plan asks for is done here; networkx, whose import takes longer than planning a small playbook, comes in for the rest.
"""
from __future__ import annotations

import functools
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import CircularDependency, MissingPackage

__all__ = ['TaskGraph']


def _networkx() -> t.Any:
    try:
        import networkx  # type: ignore[import-untyped]
    except ImportError as ex:
        raise MissingPackage('networkx', needed_for='planning') from ex
    return networkx


class TaskGraph:
    """Tasks (ids) as a directed graph. ``order``: pairs of a task and one that comes after it (see Dependencies)."""

    def __init__(self, tasks: t.Iterable[str], order: t.Iterable[tuple[str, str]]) -> None:
        self._after: dict[str, dict[str, None]] = {task_id: {} for task_id in tasks}
        self._before: dict[str, dict[str, None]] = {task_id: {} for task_id in self._after}
        for before, after in order:
            self._after[before][after] = None
            self._before[after][before] = None

    @functools.cached_property
    def _graph(self) -> t.Any:
        graph = _networkx().DiGraph()
        graph.add_nodes_from(self._after)
        graph.add_edges_from((before, after) for before, found in self._after.items() for after in found)
        return graph

    def generations(self) -> list[list[str]]:
        """Tasks in layers: none of a layer depends on another of it, each on one of the layer before. Raises CircularDependency.

        Source: A. B. Kahn, Topological sorting of large networks, 1962.
        """
        waiting = {task_id: len(before) for task_id, before in self._before.items() if before}
        layer = [task_id for task_id in self._after if task_id not in waiting]
        found = []
        while layer:
            found.append(layer)
            behind = []
            for task_id in layer:
                for after in self._after[task_id]:
                    waiting[after] -= 1
                    if not waiting[after]:
                        del waiting[after]
                        behind.append(after)
            layer = behind
        if waiting:
            raise CircularDependency([edge[0] for edge in _networkx().find_cycle(self._graph)])
        return found

    def critical_path(self, seconds: t.Mapping[str, float]) -> tuple[str, ...]:
        """The longest way through by ``seconds`` of each task, 0 where they are not given."""
        best: dict[str, tuple[float, str | None]] = {}
        for layer in self.generations():
            for task_id in layer:
                before = max(((best[other][0], other) for other in self._before[task_id]), default=(0.0, None), key=lambda one: one[0])
                best[task_id] = (before[0] + seconds.get(task_id, 0.0), before[1])
        if not best:
            return ()
        way: list[str] = []
        step: str | None = max(best, key=lambda task_id: best[task_id][0])
        while step is not None:
            way.append(step)
            step = best[step][1]
        return tuple(reversed(way))

    def way(self, task_id: str, befores: t.Iterable[str]) -> tuple[str, ...]:
        """The shortest way to the task from one of these, both ends included; empty where there is none."""
        others = [other for other in befores if other != task_id]
        return tuple(_networkx().multi_source_dijkstra_path(self._graph, others).get(task_id, ())) if others else ()

    def independent(self, one: str, other: str) -> bool:
        """Whether neither task comes after the other."""
        return one != other and not self.comes_after(one, other) and not self.comes_after(other, one)

    def comes_after(self, task_id: str, before: str) -> bool:
        """Whether there is a way from ``before`` to the task."""
        return bool(_networkx().has_path(self._graph, before, task_id))
