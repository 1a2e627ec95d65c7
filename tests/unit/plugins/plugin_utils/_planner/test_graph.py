# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import sys

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import CircularDependency, MissingPackage
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.graph import TaskGraph
from hypothesis import given
from hypothesis import strategies as st

DIAMOND = TaskGraph("abcd", [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d")])


def test_layers_are_free_of_each_other() -> None:
    assert [sorted(layer) for layer in DIAMOND.generations()] == [["a"], ["b", "c"], ["d"]]


def test_who_is_independent() -> None:
    assert DIAMOND.independent("b", "c")
    assert not DIAMOND.independent("a", "d")
    assert not DIAMOND.independent("d", "a")
    assert not DIAMOND.independent("b", "b")
    assert DIAMOND.comes_after("d", "a")
    assert not DIAMOND.comes_after("a", "d")


def test_the_critical_path_is_the_longest_by_its_seconds() -> None:
    assert DIAMOND.critical_path({"a": 1, "b": 1, "c": 3, "d": 1}) == ("a", "c", "d")
    assert TaskGraph("xy", []).critical_path({"y": 2.0}) == ("y",)
    assert TaskGraph((), []).critical_path({}) == ()


def test_a_way_is_the_shortest_one_from_any_of_these() -> None:
    assert DIAMOND.way("d", ["a"]) == ("a", "d")
    assert DIAMOND.way("d", ["d", "b"]) == ("b", "d")
    chain = TaskGraph("abcd", [("a", "b"), ("b", "c")])
    assert chain.way("c", ["a", "d", "c"]) == ("a", "b", "c")
    assert chain.way("a", ["a", "b", "c", "d"]) == ()
    assert chain.way("a", ["a"]) == ()


def test_a_circle_is_an_error_that_names_it() -> None:
    with pytest.raises(CircularDependency) as caught:
        TaskGraph("ab", [("a", "b"), ("b", "a")]).generations()
    assert set(caught.value.cycle) == {"a", "b"}


def test_a_missing_networkx_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(MissingPackage, match=r"pip install networkx"):
        TaskGraph("ab", []).comes_after("b", "a")


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda edge: edge[0] < edge[1])))
def test_layers_are_those_of_networkx(edges: set[tuple[int, int]]) -> None:
    import networkx

    tasks, order = [str(number) for number in range(10)], [(str(one), str(other)) for one, other in edges]
    graph = networkx.DiGraph()
    graph.add_nodes_from(tasks)
    graph.add_edges_from(order)
    assert TaskGraph(tasks, order).generations() == [list(layer) for layer in networkx.topological_generations(graph)]
