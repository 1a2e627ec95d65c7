"""Trends are found where there are some, in the right direction, and seldom where there are none."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import History
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.slow_hosts import slow_hosts
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.trends import host_paces, trend, trends
from hypothesis import given
from hypothesis import strategies as st

from .simulation import World, execution, joined, runs, simulated

TIMES = st.lists(st.floats(0, 1e4), max_size=20)
OPPOSITE = {"improving": "degrading", "degrading": "improving", "stable": "stable"}


def test_longer_is_degrading_and_shorter_is_improving() -> None:
    rising = [1.0, 1.2, 1.1, 1.5, 1.7, 1.9]
    assert trend(rising).direction == "degrading"
    assert trend(rising[::-1]).direction == "improving"
    assert trend(rising).change > 0.5


def test_fewer_than_five_runs_are_no_trend() -> None:
    assert trend([1.0, 2.0, 3.0, 4.0]).direction == "stable"
    assert trend([]).direction == "stable"


def test_a_sure_change_that_is_too_small_is_stable() -> None:
    assert trend([10.0, 10.01, 10.02, 10.03, 10.04, 10.05, 10.06]).direction == "stable"
    assert trend([0.001, 0.002, 0.003, 0.004, 0.005, 0.006]).direction == "stable", "five milliseconds matter to nobody"


def test_times_of_zero_are_no_trouble() -> None:
    found = trend([0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert (found.direction, found.change) == ("stable", None)
    assert trend([0.0, 0.0, 0.0, 5.0, 6.0, 7.0, 8.0, 9.0]).direction == "degrading"


@given(TIMES)
def test_reversed_runs_have_the_opposite_trend(values: list[float]) -> None:
    assert trend(values[::-1]).direction == OPPOSITE[trend(values).direction]


def test_without_a_drift_fewer_than_1_in_100_things_has_a_trend() -> None:
    found = [one for seed in range(60) for one in trends(simulated(seed, 10, World(noise=0.2)))]
    assert len(found) == 60 * 24
    assert sum(one.direction != "stable" for one in found) / len(found) < 0.01


def test_a_drift_of_8_percent_a_run_is_found_in_most_tasks_and_never_taken_for_the_opposite() -> None:
    histories = [simulated(seed, 10, World(noise=0.1, drift=lambda run: 1.08**run)) for seed in range(5)]
    found = [one.direction for history in histories for one in trends(history) if one.kind != "host"]
    assert found.count("degrading") / len(found) > 0.8
    assert "improving" not in found


def test_a_host_is_compared_with_the_others_so_that_a_slower_playbook_is_nobodys_fault() -> None:
    found = [one for one in trends(simulated(1, 10, World(noise=0.1, drift=lambda run: 1.1**run))) if one.kind == "host"]
    assert [one.direction for one in found] == ["stable"] * 3


def test_a_host_that_gets_slower_than_the_others_is_named() -> None:
    steady = [runs(*[1.0 + 0.01 * at for at in range(8)], host=f"web{number}") for number in (1, 2, 3)]
    history = joined(*steady, runs(*[1.0 + 0.2 * at for at in range(8)], host="web4"))
    assert next((one.subject, one.direction) for one in trends(history) if one.kind == "host") == ("web4", "degrading")


@given(st.lists(st.floats(0.01, 1e3), min_size=2, max_size=12))
def test_a_pace_is_the_time_over_the_median_of_the_other_hosts(times: list[float]) -> None:
    paces = host_paces(joined(*(runs(value, host=f"web{at}") for at, value in enumerate(times))))
    for at, value in enumerate(times):
        assert paces[f"web{at}"]["run0"] == pytest.approx(value / statistics.median(times[:at] + times[at + 1 :]))


def test_a_playbook_is_compared_only_with_runs_of_its_kind_that_went_well() -> None:
    executions = [execution(at, ended=1000.0 * at + 10) for at in range(12)]
    executions += [execution(at, ended=1000.0 * at + 90 + at, limit="web1") for at in range(12, 20)]
    executions += [execution(20, ended=20_900.0, status="failed")]
    (found,) = [one for one in trends(History(executions=tuple(executions))) if one.kind == "playbook"]
    assert (found.runs, found.direction) == (8, "stable")


def test_a_slow_host_is_found_and_says_what_it_costs() -> None:
    history = joined(*(runs(*[2.0 + 0.01 * at + number * 0.001 for at in range(6)], host=f"web{number}") for number in (1, 2, 3)))
    slow = runs(*[4.0 + 0.01 * at for at in range(6)], host="web9")
    (found,) = slow_hosts(joined(history, slow))
    assert (found.host, found.runs) == ("web9", 6)
    assert found.pace == pytest.approx(2.0, rel=0.02)
    assert found.extra == pytest.approx(2.0, rel=0.02)


def test_a_host_of_another_class_is_not_slow() -> None:
    slow = runs(*[4.0] * 6, host="web9")
    slow = replace(slow, results=tuple(replace(one, host_class="ssh/linux/armv7") for one in slow.results))
    assert slow_hosts(joined(runs(*[2.0] * 6, host="web1"), runs(*[2.0] * 6, host="web2"), slow)) == ()


def test_seldom_is_an_equal_host_called_slow() -> None:
    assert [one for seed in range(40) for one in slow_hosts(simulated(seed, 10, World(noise=0.2)))] == []
