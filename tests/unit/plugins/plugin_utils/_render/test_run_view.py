# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import BundleRecord, ExecutionRecord, ResultRecord, TaskRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import Past, Run, clock_words, duration_of, spans, worst
from hypothesis import given
from hypothesis import strategies as st

BEGAN = 1_000_000.0


def a_result(task: int = 0, host: str = "h1", **fields: Any) -> ResultRecord:
    return ResultRecord(**{"execution": "e", "task_id": f"t{task}", "identity": f"i{task}", "module": "ansible.builtin.ping", "host": host} | fields)


def a_run(*results: ResultRecord, tasks: int = 3) -> Run:
    made = tuple(TaskRecord(execution="e", task_id=f"t{n}", identity=f"i{n}", name=f"task {n}", order=n) for n in range(tasks))
    return Run(ExecutionRecord(execution="e", started=BEGAN), tasks=made, results=results)


def test_the_last_attempt_is_how_a_task_ended() -> None:
    run = a_run(a_result(status="ok", attempt=2), a_result(status="failed", final=False, attempt=1))
    line = run.task_lines[0]
    assert line.counts == {"ok": 1} and [one.attempt for one in line.attempts] == [1]
    assert not run.failures and run.counts == {"ok": 1}


def test_a_task_is_as_long_as_its_hosts_were_and_those_that_skipped_it_do_not_count() -> None:
    ran = [a_result(host=host, duration=duration) for host, duration in (("a", 1.0), ("b", 9.0), ("c", 2.0))]
    run = a_run(*ran, a_result(host="d", duration=0.0, status="skipped"))
    line = run.task_lines[0]
    assert (line.median, line.longest, line.slowest_host) == (2.0, 9.0, "b")
    assert run.task_lines[1].median is None and [one.task.task_id for one in run.slowest] == ["t0"]


def test_what_is_not_known_is_not_added_up() -> None:
    (line,) = a_run(a_result(0, duration=1.5, cpu=None), a_result(1, duration=None)).host_lines
    assert (line.busy, line.cpu, line.maxrss) == (1.5, None, None)


def test_a_result_without_its_task_is_still_shown() -> None:
    assert [line.task.name for line in a_run(a_result(7), tasks=1).task_lines] == ["task 0", "i7"]


def test_a_bundle_that_was_never_sent_is_no_bundle_of_a_host() -> None:
    bundles = (BundleRecord(execution="e", bundle=1, host="h1", sent=BEGAN), BundleRecord(execution="e", bundle=2, host="h1", cut="worldly"))
    run = dataclasses.replace(a_run(a_result()), bundles=bundles)
    assert run.sent == bundles[:1] == run.host_lines[0].bundles


def test_the_worst_comes_first() -> None:
    assert worst(["ok", "changed", "ignored"]) == "ignored" and worst([]) == ""
    assert list(a_run(a_result(0, status="ok"), a_result(1, status="unreachable"), a_result(2, status="failed")).counts) == ["failed", "unreachable", "ok"]


def test_the_agents_times_come_before_the_controllers() -> None:
    measured = a_result(0, start=BEGAN + 1, end=BEGAN + 2, began=BEGAN + 5, ended=BEGAN + 6, duration=1.0)
    stock = a_result(1, began=BEGAN + 6, ended=BEGAN + 9, duration=2.0)
    found = spans(a_run(measured, stock))["h1"]
    assert [(one.start, one.end) for one in found] == [(1.0, 2.0), (7.0, 9.0)]


@pytest.mark.parametrize("skew", [3600.0, -3600.0, 0.0])
def test_a_clock_that_is_wrong_is_moved_into_the_run(skew: float) -> None:
    results = [a_result(n, start=BEGAN + n + skew, end=BEGAN + n + 0.5 + skew, ended=BEGAN + n + 0.6) for n in range(3)]
    found = spans(a_run(*results))["h1"]
    assert [one.end - one.start for one in found] == pytest.approx([0.5] * 3)
    assert found[0].start == pytest.approx(0.1 if skew > 0 else 0.0) and found[-1].end <= 2.61


def test_a_host_that_ran_ahead_keeps_its_times_though_its_results_were_taken_late() -> None:
    results = [a_result(n, start=BEGAN + n, end=BEGAN + n + 0.5, ended=BEGAN + 60 + n) for n in range(3)]
    assert [one.start for one in spans(a_run(*results))["h1"]] == [0.0, 1.0, 2.0]


@given(st.lists(st.tuples(st.floats(-1e7, 1e7), st.floats(0, 1e5), st.floats(0, 1e5) | st.none()), min_size=1, max_size=6))
def test_no_span_is_before_the_run_or_ends_before_it_begins(times: list[tuple[float, float, float | None]]) -> None:
    results = [
        a_result(n, start=BEGAN + at, end=BEGAN + at + length, ended=None if taken is None else BEGAN + taken)
        for n, (at, length, taken) in enumerate(times)
    ]
    for one in spans(a_run(*results, tasks=len(results)))["h1"]:
        assert 0 <= one.start <= one.end


def test_a_run_lasts_until_it_was_last_heard_of() -> None:
    run = ExecutionRecord(execution="e", started=BEGAN)
    assert duration_of(run) is None
    assert duration_of(dataclasses.replace(run, seen=BEGAN + 4)) == 4
    assert duration_of(dataclasses.replace(run, seen=BEGAN + 4, ended=BEGAN + 3)) == 3


def test_what_is_usual_is_the_median_and_only_of_runs_that_went_well() -> None:
    runs = tuple(ExecutionRecord(execution=str(n), started=0.0, ended=float(n), status="failed" if n == 100 else "success") for n in (1, 3, 5, 100))
    past = Past(runs, {"i0": (1.0, 2.0, 9.0)})
    assert past.usual_run == 3.0 and past.usual("i0") == 2.0 and past.usual("other") is None and Past().usual_run is None


@pytest.mark.parametrize("time", [None, float("inf"), 1e300, float("nan")])
def test_a_time_that_is_none_is_no_words(time: float | None) -> None:
    assert clock_words(time) == ""
