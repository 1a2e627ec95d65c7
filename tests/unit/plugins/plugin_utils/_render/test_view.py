# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import Dependency, DependencyKind, ExecutionBatch, ExecutionPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._render import view
from hypothesis import given
from hypothesis import strategies as st

from .conftest import a_bundle, a_handler, a_plan, a_play, a_task, long_plan


@pytest.mark.parametrize(
    ("hosts", "text"),
    [
        ([f"web{n:02}" for n in range(1, 21)], "web01…web20 (20)"),
        (["a1", "a2"], "a1, a2"),
        (["a1", "a3", "a5", "a4"], "a1, a3, a5, a4"),
        (["a1", "a2", "a3", "b", "a4"], "a1…a3 (3), b, a4"),
        (["n9", "n10", "n11"], "n9…n11 (3)"),
        (["n09", "n010", "n011"], "n09, n010, n011"),
        (["r1.example.com", "r2.example.com", "r3.example.com"], "r1.example.com…r3.example.com (3)"),
        ([], ""),
    ],
)
def test_hosts_in_a_row_are_a_range(hosts: list[str], text: str) -> None:
    assert view.hosts_in_short(hosts) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0404, "40 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (1.24, "1.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 05 min"),
        (0.0, "0 ms"),
    ],
)
def test_seconds_are_readable(value: float, text: str) -> None:
    assert view.seconds(value) == text


def test_batches_that_differ_in_hosts_only_are_alike(rich: ExecutionPlan) -> None:
    play = rich.plays[1]
    assert [(group.first, len(group.batches)) for group in view.alike(play)] == [(1, 2)]
    other = dataclasses.replace(play.batches[1], round_trips=9)
    assert [(group.first, len(group.batches)) for group in view.alike(dataclasses.replace(play, batches=(play.batches[0], other)))] == [(1, 1), (2, 1)]


def test_what_the_controller_does_inside_a_bundle_stays_inside() -> None:
    tasks = [a_task(0, bundle_id="b-bundle-0"), a_task(1, path="controller", flush=True), a_task(2, bundle_id="b-bundle-0"), a_task(3, path="controller")]
    batch = ExecutionBatch(batch_id="b", hosts=("h",), tasks=tuple(tasks), bundles=(a_bundle("b", 0, 0, 2),))
    assert [(piece.number, [task.task_id for task in piece.tasks]) for piece in view.pieces(batch)] == [(1, ["task_0", "task_1", "task_2"]), (0, ["task_3"])]


def test_round_trips_are_those_of_a_host_and_not_of_every_batch(rich: ExecutionPlan) -> None:
    assert view.round_trips(rich) == (11, 49)


def test_edges_that_follow_from_others_are_not_drawn(rich: ExecutionPlan) -> None:
    graph = view.graph_of(rich)
    all_edges = {(edge.before, edge.after) for edge in graph.edges}
    drawn = {(edge.before, edge.after) for edge in graph.drawn}
    assert ("task_0", "task_2") in all_edges - drawn
    assert drawn == {("task_0", "task_1"), ("task_1", "task_2"), ("task_2", "task_3"), ("task_4", "task_6"), ("task_1", "handler_0")}


def _reach(edges: set[tuple[int, int]], start: int) -> set[int]:
    nearest = {b for a, b in edges if a == start}
    return nearest.union(*(_reach(edges, node) for node in nearest))


@given(st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] < pair[1])))
def test_the_reduction_keeps_what_comes_after_what_and_nothing_more(edges: set[tuple[int, int]]) -> None:
    tasks = [a_task(n, after=[(f"task_{a}", DependencyKind.FILE, "x") for a, b in sorted(edges) if b == n]) for n in range(12)]
    drawn = {(int(edge.before[5:]), int(edge.after[5:])) for edge in view.graph_of(a_plan(a_play(0, *tasks))).drawn}
    assert all(_reach(edges, n) == _reach(drawn, n) for n in range(12))
    assert all(_reach(drawn - {edge}, edge[0]) != _reach(drawn, edge[0]) for edge in drawn)


def test_a_handler_stands_behind_its_last_notifier_and_circles_are_cut() -> None:
    tasks = [
        a_task(0),
        a_task(1, after=[("handler_0", DependencyKind.OPAQUE, "x"), ("task_2", DependencyKind.FILE, "backwards"), ("nowhere", DependencyKind.FILE, "x")]),
        a_task(2),
        a_task(3, after=[Dependency("handler_0", DependencyKind.OPAQUE, "x")]),
    ]
    handlers = (a_handler(0, "one", "task_0", "handler_1"), a_handler(1, "two", "task_2", "handler_0"), a_handler(2, "never"))
    graph = view.graph_of(a_plan(a_play(0, *tasks, handlers=handlers)))
    assert graph.nodes == ("task_0", "task_1", "task_2", "handler_0", "handler_1", "task_3", "handler_2")
    assert {(edge.before, edge.after) for edge in graph.drawn} == {
        ("task_0", "handler_0"), ("handler_0", "task_3"), ("task_2", "handler_1"), ("handler_0", "handler_1")
    }  # fmt: skip


def test_a_long_play_is_drawn_with_few_edges() -> None:
    graph = view.graph_of(long_plan(1000))
    assert len(graph.nodes) == 1000
    assert 999 <= len(graph.drawn) < len(graph.edges)


def test_layers_are_the_longest_ways(rich: ExecutionPlan) -> None:
    assert view.graph_of(rich).layers() == {
        "task_0": 0, "task_1": 1, "handler_0": 2, "task_2": 2, "task_3": 3, "task_4": 0, "task_5": 0, "task_6": 1
    }  # fmt: skip
