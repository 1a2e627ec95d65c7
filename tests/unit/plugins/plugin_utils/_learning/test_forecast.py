"""Forecasts: the range holds the truth in about 80 of 100 cases, whatever the runs are like."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.calibration import ENOUGH, Forecaster, calibrated, replayed, span
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.estimation import Estimator
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.forecast import HostWork, Load, Work, forecast, left_of, load, pace
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import History
from hypothesis import example, given
from hypothesis import strategies as st

from .simulation import World, execution, result, runs, simulated

WORLDS = {
    "steady": World(),
    "noisy": World(noise=0.3),
    "lognormal": World(noise=0.5, lognormal=True),
    "correlated slowness": World(noise=0.1, shared=0.25),
    "changed and unchanged": World(noise=0.1, changing=0.25, outliers=0.02),
    "hosts that do not wait": World(noise=0.2, shared=0.1, ordering="free"),
    "more hosts than forks": World(tasks=12, noise=0.2, hosts=8, forks=3, shared=0.1),
    "more hosts than forks that do not wait": World(tasks=12, noise=0.2, hosts=8, forks=3, shared=0.1, ordering="free"),
}
MOMENTS = (0.05, 0.2, 0.35, 0.5, 0.65, 0.8)
MODULE = "ansible.builtin.command"


def coverage(world: World, *, recorded: int, seeds: range) -> float:
    """The share of moments of runs to come in which their rest lay in the range."""
    inside = []
    for seed in seeds:
        history = simulated(seed, recorded + 4, world)
        ids = [one.execution for one in history.executions]
        subject = Forecaster(history.before(ids[recorded]), forks=world.forks, ordering=world.ordering)
        for run in ids[recorded:]:
            begin, end = span(history.by_run[run])
            for share in MOMENTS:
                now = begin + share * (end - begin)
                found = subject.forecast(replayed(history.by_run[run], now), elapsed=now - begin)
                inside.append(found.low <= end - now <= found.high)
    return sum(inside) / len(inside)


@pytest.mark.parametrize("name", WORLDS)
def test_the_range_holds_the_truth_in_70_to_90_percent(name: str) -> None:
    assert 0.7 <= coverage(WORLDS[name], recorded=9, seeds=range(7)) <= 0.9


def test_five_recorded_runs_are_enough() -> None:
    found = [coverage(world, recorded=ENOUGH, seeds=range(5)) for world in WORLDS.values()]
    assert 0.7 <= sum(found) / len(found) <= 0.9


def works(*names: str) -> tuple[Work, ...]:
    return tuple(Work(name, MODULE, order) for order, name in enumerate(names))


def estimator(**seconds: float) -> Estimator:
    return Estimator(result(f"run{run}", name, duration=value) for name, value in seconds.items() for run in range(50))


def test_without_history_there_is_no_range() -> None:
    assert forecast([HostWork("web1", left=works("a"))], Estimator([]), forks=5) is None


def test_a_run_that_is_done_takes_no_time() -> None:
    found = forecast([HostWork("web1", "ssh/linux", done=works("a"))], estimator(a=3.0), forks=5, elapsed=3.0)
    assert (found.low, found.high, found.expected) == (0.0, 0.0, 0.0)


def test_with_barriers_each_task_takes_as_long_as_its_slowest_host() -> None:
    known = estimator(slow=10.0, quick=1.0)
    crossed = [HostWork("web1", "ssh/linux", left=works("slow", "quick")), HostWork("web2", "ssh/linux", left=works("quick", "slow"))]
    assert load(crossed, known, forks=5, ordering="linear").mean == pytest.approx(20.0, rel=0.02)
    assert load(crossed, known, forks=5, ordering="free").mean == pytest.approx(11.0, rel=0.02)


def test_hosts_beyond_forks_take_turns() -> None:
    known = estimator(a=10.0)
    hosts = [HostWork(f"web{at}", "ssh/linux", left=works("a")) for at in range(10)]
    assert load(hosts, known, forks=10, ordering="linear").mean == pytest.approx(10.0, rel=0.05)
    assert load(hosts, known, forks=5, ordering="linear").mean == pytest.approx(20.0, rel=0.05)


def test_a_task_that_is_usually_skipped_counts_as_often_as_it_runs() -> None:
    records = [result(f"run{at}", duration=8.0, status="ok" if at % 4 == 0 else "skipped") for at in range(40)]
    assert load([HostWork("web1", "ssh/linux", left=works("task0"))], Estimator(records), forks=5, ordering="linear").mean == pytest.approx(2.0, rel=0.3)


def test_tasks_without_an_estimate_count_like_the_others_and_are_told() -> None:
    left = (*works("a"), Work("new", "some.other.module", 1))
    found = forecast([HostWork("web1", "ssh/linux", left=left)], estimator(a=5.0), forks=5)
    assert found.expected == pytest.approx(10.0)
    assert found.known == 0.5


def test_a_run_that_is_slow_so_far_is_expected_to_stay_slow() -> None:
    hosts, known = [HostWork("web1", "ssh/linux", done=works("a", "b"), left=(Work("c", MODULE, 2),))], estimator(a=5.0, b=5.0, c=5.0)
    slow, usual, quick = (forecast(hosts, known, forks=5, elapsed=seconds).expected for seconds in (20.0, 10.0, 5.0))
    assert slow > 8.0 > usual > 4.0 > quick
    assert pace(Load(), 0.0, calibrated(History(), forks=5, ordering="linear")) == (1.0, 0.15)


@given(st.floats(0, 100), st.floats(0, 50), st.floats(0, 1000))
@example(1.0, 5e-324, 0.0)
def test_what_is_left_of_a_running_task_is_never_below_zero(mean: float, deviation: float, since: float) -> None:
    left, variance = left_of(mean, deviation, since)
    assert left >= max(mean - since, 0.0) - 1e-6 * max(mean, deviation)
    assert 0 <= variance <= deviation**2 * 1.000001 + 1e-9


def test_only_runs_that_went_well_calibrate() -> None:
    history = simulated(1, 6, World(tasks=4))
    assert calibrated(history, forks=5, ordering="linear").runs == 6
    spoilt = replace(history, executions=tuple(replace(one, status="failed") for one in history.executions))
    assert calibrated(spoilt, forks=5, ordering="linear").runs == 0
    assert calibrated(runs(1.0, 2.0), forks=5, ordering="linear").runs == 0, "when its tasks began is not known"


def test_runs_under_another_strategy_do_not_calibrate() -> None:
    history = simulated(1, 6, World(tasks=4))
    mixed = replace(history, executions=tuple(replace(one, strategy="free" if at > 3 else "linear") for at, one in enumerate(history.executions)))
    assert [calibrated(mixed, forks=5, ordering="linear", strategy=one).runs for one in ("linear", "free", "debug", None)] == [4, 2, 0, 6]


def test_a_recorded_run_is_replayed_as_it_stood() -> None:
    times = [("a", 0.0, 2.0), ("b", 2.0, 6.0), ("c", 6.0, 7.0)]
    history = History(executions=(execution(),), results=tuple(result("run0", name, began=began, ended=ended) for name, began, ended in times))
    (host,) = replayed(history.results, 3.0)
    assert ([one.identity for one in host.done], host.running.identity, host.since, [one.identity for one in host.left]) == (["a"], "b", 1.0, ["c"])
