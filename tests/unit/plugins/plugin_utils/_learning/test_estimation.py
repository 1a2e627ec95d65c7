"""Estimates: what they are made from, how far off they are, and how they scale."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.estimation import Estimator, cross_validate
from hypothesis import given
from hypothesis import strategies as st

from .simulation import World, result, runs, scaled, simulated

TIMES = st.lists(st.floats(0, 1e4), min_size=1, max_size=30)
MODULE = "ansible.builtin.command"


def known(history, identity="task0", host_class="ssh/linux", changed=None, **fields):
    return Estimator(history.measured).known(identity, MODULE, host_class, changed, **fields)


def test_without_history_nothing_is_known() -> None:
    assert Estimator([]).estimate("task0", MODULE) is None
    assert Estimator([]).prospects("task0") is None
    assert cross_validate(runs(1.0)) is None


@pytest.mark.parametrize("seed", range(10))
def test_after_five_runs_a_steady_playbook_is_estimated_to_15_percent(seed: int) -> None:
    validation = cross_validate(simulated(seed, 6, World(noise=0.1, outliers=0.03, shared=0.03)), runs=1)
    assert validation is not None and validation.count == 60
    assert validation.error < 0.15


def test_the_error_of_estimates_becomes_a_metric_of_the_run() -> None:
    validation = cross_validate(runs(2.0, 2.0, 4.0), runs=1)
    assert validation is not None
    metric = validation.record("run2", time=5.0)
    assert (metric.execution, metric.name, metric.value, metric.unit, metric.time) == ("run2", "estimate_error", 0.5, "ratio", 5.0)


def test_only_what_went_well_counts() -> None:
    history = runs(1.0, 1.0, 1.0)
    spoilt = [*history.results, *(result("run2", duration=500.0, status=status) for status in ("failed", "ignored", "unreachable", "running"))]
    assert Estimator(spoilt).known("task0", MODULE, "ssh/linux") == known(history)


def test_the_time_of_the_attempt_that_went_well_counts() -> None:
    tried = [result(duration=30.0, status="failed", final=False), result(duration=2.0, attempt=2)]
    assert Estimator(tried).estimate("task0", MODULE, "ssh/linux").median == 2.0


def test_one_outlier_hardly_moves_the_mean() -> None:
    calm, odd = known(runs(1.0, 1.1, 0.9, 1.0, 1.05, 0.95)), known(runs(1.0, 1.1, 0.9, 1.0, 1.05, 60.0))
    assert odd.mean == pytest.approx(calm.mean, rel=0.1)
    assert odd.median == pytest.approx(calm.median, rel=0.1)


def test_newer_runs_weigh_more() -> None:
    assert known(runs(*[1.0] * 10, *[2.0] * 6)).median > known(runs(*[2.0] * 6, *[1.0] * 10)).median


def test_changed_and_unchanged_are_estimated_apart_and_mixed_by_their_shares() -> None:
    quiet, busy = [result(f"run{at}", duration=1.0) for at in range(8)], [result(f"run{at}", host="web2", duration=10.0, status="changed") for at in range(8)]
    subject = Estimator([*quiet, *busy])
    assert subject.estimate("task0", MODULE, "ssh/linux", False).median == 1.0
    assert subject.estimate("task0", MODULE, "ssh/linux", True).median == 10.0
    mixed = subject.known("task0", MODULE, "ssh/linux")
    assert (mixed.mean, mixed.changes, mixed.count) == (pytest.approx(5.5), pytest.approx(0.5), 16)
    assert subject.prospects("task0") == pytest.approx(0.5)


def test_each_step_away_from_the_task_is_named_and_widens_the_spread() -> None:
    subject = Estimator([result(f"run{at}", duration=value, host_class="ssh/linux/x86_64") for at, value in enumerate((1.0, 1.2, 0.8, 1.1, 0.9))])
    asked = [("task0", "ssh/linux/x86_64"), ("task0", "ssh/linux/arm"), ("new", "ssh/linux/x86_64"), ("new", "ssh/linux/arm")]
    found = [subject.known(identity, MODULE, host_class) for identity, host_class in asked]
    assert [one.level for one in found] == ["task on its class", "task", "module on its class", "module"]
    spreads = [one.spread for one in found]
    assert spreads == sorted(set(spreads))
    assert subject.known("new", "ansible.builtin.apt") is None


def test_one_run_is_wider_than_many() -> None:
    assert known(runs(2.0)).spread > known(runs(*[2.0] * 10)).spread > 0


def test_a_path_that_was_taken_before_is_estimated_by_itself() -> None:
    subject = Estimator([result(f"run{at}", duration=seconds, path=path) for at in range(5) for path, seconds in (("agent", 1.0), ("stock", 4.0))])
    assert [subject.known("task0", MODULE, "ssh/linux", path=path).median for path in ("agent", "stock")] == [1.0, 4.0]
    assert subject.known("task0", MODULE, "ssh/linux", path="controller") == subject.known("task0", MODULE, "ssh/linux")


def test_runs_by_turns_on_both_paths_are_validated_path_by_path() -> None:
    turns = [result(f"run{at}", duration=10.0 if at % 2 else 1.0, path="stock" if at % 2 else "agent") for at in range(8)]
    assert cross_validate(replace(runs(*[1.0] * 8), results=tuple(turns))).error == 0


def test_skipped_results_say_how_often_a_task_runs() -> None:
    skipped = [result(f"run{at}", host="web2", duration=0.0, status="skipped") for at in range(4)]
    found = Estimator([*runs(3.0, 3.0, 3.0, 3.0).results, *skipped]).known("task0", MODULE, "ssh/linux")
    assert (found.runs, found.mean, found.count) == (pytest.approx(0.5), pytest.approx(3.0), 4)
    assert Estimator(skipped).known("task0", MODULE) is None


def test_runs_in_check_mode_do_not_count() -> None:
    history = runs(1.0, 1.0, 9.0)
    history = replace(history, executions=tuple(replace(one, check=one.execution == "run2") for one in history.executions))
    assert known(history).median == 1.0


@given(TIMES, st.floats(0.01, 100))
def test_times_k_times_as_long_give_estimates_k_times_as_long(values: list[float], factor: float) -> None:
    history = runs(*values)
    once, more = known(history), known(scaled(history, factor))
    for name in ("mean", "median", "low", "high"):
        assert getattr(more, name) == pytest.approx(getattr(once, name) * factor, rel=1e-6, abs=1e-6)


@given(TIMES)
def test_an_estimate_lies_among_the_times_and_in_its_range(values: list[float]) -> None:
    found = known(runs(*values))
    tiny = 1e-9 * max(values)
    assert min(values) - tiny <= found.median <= max(values) + tiny
    assert 0 <= found.low <= found.median <= found.high

