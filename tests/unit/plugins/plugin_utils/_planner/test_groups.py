# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import ResourceContention
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import Dependency, DependencyKind
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.graph import TaskGraph
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.groups import alone_of, declared, group, reason_for

from .builders import flush, task, touching


def test_a_group_holds_tasks_of_one_layer_and_says_what_they_read_together() -> None:
    graph = TaskGraph("abcd", [("a", "d")])
    reads = {"a": ("file:/x", "user:u"), "b": ("user:u",), "c": ("file:/y",), "d": ()}
    (one,) = group(graph, reads, prefix="p-", alone=())
    assert (one.group_id, one.tasks, one.shared_resources, one.max_parallelism, one.status) == (
        "p-group-0", ("a", "b", "c"), ("user:u",), 3, "possible, not used")  # fmt: skip


def test_one_task_is_no_group_and_tasks_that_stand_alone_are_in_none() -> None:
    graph = TaskGraph("abc", [("a", "c")])
    assert group(graph, {}, prefix="", alone=("b",)) == ()
    assert [one.tasks for one in group(TaskGraph("abc", []), {}, prefix="", alone=("b",))] == [("a", "c")]


def test_who_stands_alone_and_why() -> None:
    tasks = (flush(), task("m", "meta", {"_raw_params": "noop"}), touching("b"), touching("w"), task("i", "include_tasks", cut=Reason.INCLUDE), touching("x"))
    assert alone_of(tasks, {"b": Reason.RUN_ONCE, "w": Reason.WORLDLY}) == {
        "flush": Reason.META.text, "m": Reason.META.text, "b": Reason.RUN_ONCE.text, "i": Reason.INCLUDE.text}  # fmt: skip


def test_each_task_says_with_whom_or_why_not() -> None:
    (one,) = group(TaskGraph("abc", []), {}, prefix="p-", alone=())
    edge = Dependency("z", DependencyKind.FILE, "file:/x is written there and read here")
    assert reason_for("a", one, (), {}) == "its effects and those of 2 others of p-group-0 are disjoint"
    assert reason_for("a", None, (edge,), {"a": "because"}) == "because"
    assert reason_for("a", None, (edge,), {}) == "z comes first: file:/x is written there and read here"
    assert reason_for("a", None, (), {}) == "no other task is free of dependencies at the same time"


# --- rustle_parallel

READ = Dependency("a", DependencyKind.FILE, "file:/x is written there and read here")


def tasks_of(names: str) -> list[SourceTask]:
    """Tasks a, b, c, ... with what they declare: ``x`` or ``-`` for nothing."""
    return [dataclasses.replace(touching(task_id), name=f"task {task_id}", parallel=name.strip("-")) for task_id, name in zip("abcd", names, strict=False)]


def test_tasks_that_say_the_same_name_are_a_group_with_it() -> None:
    graph = TaskGraph("abcd", [("a", "b")])
    edges = {"a": (), "b": (READ,), "c": (), "d": ()}
    found = declared(tasks_of("x-xy"), graph, {"a": ("user:u",), "c": ("user:u",)}, edges, prefix="p-", alone={})
    assert [(one.group_id, one.tasks, one.shared_resources, one.max_parallelism, one.declared, one.status) for one in found] == [
        ("p-declared-0", ("a", "c"), ("user:u",), 2, "x", "possible, not used")]  # fmt: skip


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ([("a", "b")], "'task a' and 'task b' cannot run side by side: file:/x is written there and read here"),
        ([("a", "c"), ("c", "b")], "'task a' and 'task b' cannot run side by side: 'task c' comes between them (file:/x is written there and read here)"),
        ([("a", "d"), ("d", "b")], "'task a' and 'task b' cannot run side by side: 'task d' comes between them (handlers may run between them)"),
    ],
)
def test_tasks_that_come_after_each_other_are_none_and_the_evidence_is_named(order: list[tuple[str, str]], why: str) -> None:
    edges = {"a": (), "b": (READ,), "c": (READ,), "d": ()}
    with pytest.raises(ResourceContention) as caught:
        declared(tasks_of("xx--"), TaskGraph("abcd", order), {}, edges, prefix="", alone={})
    assert str(caught.value).startswith(f"rustle_parallel 'x': {why}\nhint: ")


def test_a_task_that_is_never_in_a_group_cannot_be_declared_to_be() -> None:
    with pytest.raises(ResourceContention) as caught:
        declared(tasks_of("xx"), TaskGraph("ab", []), {}, {}, prefix="", alone={"b": Reason.RUN_ONCE.text})
    assert str(caught.value).startswith(f"rustle_parallel 'x': 'task b' cannot run side by side: {Reason.RUN_ONCE.text}\n")
