# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord, ResultRecord, TaskRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._render.history_view import compared, host_histories, past_of, task_histories
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import Run


def a_run(number: int, *results: tuple[str, str, float | None, str]) -> Run:
    """(task, host, seconds, status) each."""
    ids = {task: f"{number}-{task}" for task, *_rest in results}
    tasks = tuple(
        TaskRecord(execution=str(number), task_id=ids[task], identity=task, name=task.upper(), module="m", order=place) for place, task in enumerate(ids)
    )
    made = tuple(
        ResultRecord(execution=str(number), task_id=ids[task], identity=task, module="m", host=host, duration=seconds, status=status)  # type: ignore[arg-type]
        for task, host, seconds, status in results
    )
    return Run(ExecutionRecord(execution=str(number), playbook="/x/site.yml", started=float(number)), tasks=tasks, results=made)


RUNS = [
    a_run(1, ("a", "h1", 1.0, "ok"), ("a", "h2", 3.0, "ok"), ("b", "h1", 5.0, "changed")),
    a_run(2, ("a", "h1", 2.0, "ok"), ("a", "h2", 6.0, "failed"), ("b", "h1", 7.0, "skipped")),
]


def test_a_task_is_told_run_by_run_by_what_went_well() -> None:
    first, second = task_histories(RUNS)
    assert (first.identity, first.medians, first.durations, first.runs) == ("a", (2.0, 2.0), (3.0, 1.0, 2.0), 2)
    assert first.counts == {"ok": 3, "failed": 1} and first.median == 2.0 and first.high is None
    assert (second.identity, second.medians, second.median) == ("b", (5.0,), 5.0)


def test_nine_of_ten_are_told_when_there_are_ten() -> None:
    every = [a_run(n, ("a", "h", float(n), "ok")) for n in range(1, 11)]
    assert task_histories(every[:9])[0].high is None and 9 < (task_histories(every)[0].high or 0) <= 10


def test_the_pace_of_a_host_is_against_the_others_of_the_run() -> None:
    slow, fast = host_histories([a_run(1, ("a", "h1", 1.0, "ok"), ("a", "h2", 3.0, "ok"), ("b", "h1", 90.0, "ok"))])
    assert (slow.host, slow.pace, slow.busy) == ("h2", 1.5, 3.0)
    assert (fast.host, fast.pace, fast.busy) == ("h1", 0.5, 91.0)


def test_a_host_alone_has_no_pace() -> None:
    (only,) = host_histories([a_run(1, ("a", "h1", 1.0, "ok"))])
    assert only.pace is None and only.runs == 1


def test_the_past_of_a_run_holds_medians_and_runs() -> None:
    past = past_of(RUNS)
    assert past.durations == {"a": (2.0, 2.0), "b": (5.0,)} and [one.execution for one in past.runs] == ["1", "2"]


def test_two_runs_are_compared_over_the_hosts_that_both_have() -> None:
    before = a_run(1, ("a", "h1", 1.0, "ok"), ("a", "h2", 50.0, "ok"), ("gone", "h1", 1.0, "ok"))
    after = a_run(2, ("a", "h1", 4.0, "changed"), ("a", "h3", 9.0, "ok"), ("new", "h1", 2.0, "ok"))
    found = {one.identity: one for one in compared(before, after)}
    assert (found["a"].before, found["a"].after, found["a"].hosts, found["a"].significant) == (1.0, 4.0, 1, None)
    assert (found["a"].status_before, found["a"].status_after) == ("ok", "changed")
    assert (found["gone"].after, found["gone"].status_after, found["gone"].significant) == (None, "", None)
    assert (found["new"].before, found["new"].difference) == (None, None)
    assert next(iter(found)) == "a"


def test_enough_hosts_tell_whether_a_change_is_more_than_chance() -> None:
    hosts = [f"h{number}" for number in range(8)]
    before = a_run(1, *(("slower", host, 1.0 + place / 10, "ok") for place, host in enumerate(hosts)), *(("noise", host, 1.0, "ok") for host in hosts))
    after = a_run(
        2, *(("slower", host, 1.5 + place / 5, "ok") for place, host in enumerate(hosts)),
        *(("noise", host, 1.0 + 0.1 * (-1) ** place * (1 + place), "ok") for place, host in enumerate(hosts)),
    )  # fmt: skip
    found = {one.identity: one.significant for one in compared(before, after)}
    assert found == {"slower": True, "noise": False}
    assert {one.significant for one in compared(before, a_run(3, *(("slower", host, 9.0, "ok") for host in hosts[:5])))} == {None}


@pytest.mark.parametrize("runs", [[], [a_run(1)]])
def test_nothing_is_made_of_nothing(runs: list[Run]) -> None:
    assert task_histories(runs) == [] and host_histories(runs) == [] and past_of(runs).durations == {}
