# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The graph of tasks: who may run beside whom, and the longest way through. The one door to networkx."""
from __future__ import annotations

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
        self._networkx = _networkx()
        self._graph = self._networkx.DiGraph()
        self._graph.add_nodes_from(tasks)
        self._graph.add_edges_from(order)

    def generations(self) -> list[list[str]]:
        """Tasks in layers: none of a layer depends on another of it, each on one of the layer before. Raises CircularDependency."""
        try:
            return [list(layer) for layer in self._networkx.topological_generations(self._graph)]
        except self._networkx.NetworkXUnfeasible:
            cycle = [edge[0] for edge in self._networkx.find_cycle(self._graph)]
            raise CircularDependency(cycle) from None

    def critical_path(self, seconds: t.Mapping[str, float]) -> tuple[str, ...]:
        """The longest way through by ``seconds`` of each task, 0 where they are not given."""
        graph = self._graph
        best: dict[str, tuple[float, str | None]] = {}
        for task_id in self._networkx.topological_sort(graph):
            before = max(((best[other][0], other) for other in graph.predecessors(task_id)), default=(0.0, None), key=lambda one: one[0])
            best[task_id] = (before[0] + seconds.get(task_id, 0.0), before[1])
        if not best:
            return ()
        way: list[str] = []
        step: str | None = max(best, key=lambda task_id: best[task_id][0])
        while step is not None:
            way.append(step)
            step = best[step][1]
        return tuple(reversed(way))

    def independent(self, one: str, other: str) -> bool:
        """Whether neither task comes after the other."""
        return one != other and not self.comes_after(one, other) and not self.comes_after(other, one)

    def comes_after(self, task_id: str, before: str) -> bool:
        """Whether there is a way from ``before`` to the task."""
        return bool(self._networkx.has_path(self._graph, before, task_id))

    def reduced(self) -> list[tuple[str, str]]:
        """Edges without those that follow from others: what is drawn."""
        return list(self._networkx.transitive_reduction(self._graph).edges)
