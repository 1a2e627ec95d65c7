# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import Dependency, DependencyKind
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.graph import TaskGraph
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.groups import alone_of, group, reason_for

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
