"""Records together: in order, and read from a store."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import History, read
from ansible_collections.rustle.engine.plugins.plugin_utils._store.memory import MemoryStore

from .simulation import execution, joined, result, runs, task


def test_runs_and_results_come_oldest_first_whatever_order_they_are_given_in() -> None:
    history = runs(1.0, 2.0, 3.0)
    mixed = History(executions=history.executions[::-1], tasks=history.tasks[::-1], results=history.results[::-1])
    assert mixed == history
    assert [one.duration for one in mixed.by_task["task0"]] == [1.0, 2.0, 3.0]
    assert mixed.latest.execution == "run2"


def test_results_of_unknown_runs_are_left_out() -> None:
    assert History(executions=(execution(0),), results=(result("run0"), result("run7"))).results == (result("run0"),)


def test_parts_of_a_history() -> None:
    history = runs(1.0, 2.0, 3.0)
    parts = [history.before("run1"), history.until("run1")]
    assert [list(part.by_run) for part in parts] == [["run0"], ["run0", "run1"]]
    assert all(len(part.tasks) == len(part.executions) for part in parts)


def test_a_part_that_is_the_whole_is_the_history_itself_with_what_was_found_in_it() -> None:
    history = runs(1.0, 2.0, 3.0)
    asked: list[int] = []

    def count(of: History) -> int:
        asked.append(len(of.results))
        return len(of.results)

    assert history.until("run2").like("run2").once(count) == history.once(count) == 3
    assert history.until("run1").once(count) == 2
    assert asked == [3, 2]


def test_runs_are_alike_by_playbook_limit_tags_and_mode() -> None:
    executions = (execution(0), execution(1, limit="web1"), execution(2, check=True), execution(3, tags="a"), execution(4, identity="b"), execution(5))
    assert [one.execution for one in History(executions=executions).like("run5").executions] == ["run0", "run5"]


def test_check_mode_is_not_measured() -> None:
    history = runs(1.0, 2.0)
    history = replace(history, executions=(replace(history.executions[0], check=True), history.executions[1]))
    assert [one.duration for one in history.measured] == [2.0]


def test_a_task_is_called_by_the_name_it_has_now() -> None:
    history = runs(1.0, 2.0)
    renamed = replace(history, tasks=(task(run="run0", name="Old"), task(run="run1", name="New")))
    assert (renamed.name("task0"), renamed.name("unknown")) == ("New", "unknown")
    assert replace(history, tasks=(task(name=""),)).name("task0") == "ansible.builtin.command"


def test_a_history_is_read_from_a_store() -> None:
    store = MemoryStore()
    history = joined(runs(1.0, 2.0, 3.0), runs(4.0, 5.0, 6.0, identity="task1"))
    store.put([*history.executions, *history.tasks, *history.results])
    found = read(store)
    assert (found.executions, set(found.tasks), set(found.results)) == (history.executions, set(history.tasks), set(history.results))
    assert [one.execution for one in found.results] == [one.execution for one in history.results]
    assert list(read(store, limit=2).by_run) == ["run1", "run2"]
    assert list(read(store, results=3).by_run) == ["run1", "run2"]
    assert read(store, identity="another") == History()
