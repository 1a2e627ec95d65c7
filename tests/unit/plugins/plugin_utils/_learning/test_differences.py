"""Anomalies, regressions, flaky tasks and hosts, agent against stock: found where they are, and not where they are not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.anomalies import anomalies
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.effectiveness import Choice, Chooser, effects
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.flakiness import flaky_hosts, flaky_tasks
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import History
from ansible_collections.rustle.engine.plugins.plugin_utils._learning.regressions import differs, regressions

from .simulation import World, execution, joined, result, runs, scaled, simulated

MODULE = "ansible.builtin.command"


def test_a_result_far_off_its_history_is_odd() -> None:
    (found,) = anomalies(runs(1.0, 1.1, 0.9, 1.0, 1.2, 0.8, 1.1, 1.0, 6.0), "run8")
    assert (found.identity, found.host, found.duration, found.usual, found.share, found.count) == ("task0", "web1", 6.0, 1.0, 1.0, 8)
    assert found.extra == 5.0


def test_a_shorter_result_and_one_with_little_history_are_not_odd() -> None:
    assert anomalies(runs(*[10.0] * 9, 1.0), "run9") == ()
    assert anomalies(runs(1.0, 1.0, 60.0), "run2") == ()
    assert anomalies(runs(*[0.0] * 9, 0.2), "run9") == (), "a fifth of a second is not worth a word"


def test_fewer_than_1_in_200_usual_results_is_odd() -> None:
    odd = sum(len(anomalies(simulated(seed, 10, World(noise=0.2)), "run9")) for seed in range(40))
    assert odd / (40 * 60) < 0.005


def test_a_task_that_became_slower_than_in_the_baseline_is_named() -> None:
    hosts = [runs(2.0 + at / 100, 3.0 + at / 50, host=f"web{at}") for at in range(8)]
    (found,) = regressions(joined(*hosts), "run1", baseline="run0")
    assert (found.identity, found.hosts) == ("task0", 8)
    assert found.extra == pytest.approx(1.035)
    assert regressions(joined(*hosts[:3]), "run1", baseline="run0") == (), "three hosts are too few to tell"


def test_the_last_three_runs_are_held_against_those_before_them() -> None:
    (found,) = regressions(runs(*[2.0 + at / 100 for at in range(10)], 3.0, 3.1, 3.2), "run12")
    assert (found.before, found.now) == (pytest.approx(2.045), pytest.approx(3.1))
    assert regressions(runs(*[2.0 + at / 100 for at in range(10)], 1.0, 1.1, 1.2), "run12") == (), "faster is no regression"


def test_another_host_in_the_run_is_no_regression() -> None:
    usual = runs(*[1.0 + at / 100 for at in range(13)])
    slow = runs(*[9.0 + at / 100 for at in range(13)], host="web2")
    some = replace(slow, results=tuple(one for one in slow.results if int(one.execution[3:]) in (1, 5, 10, 11, 12)))
    assert regressions(joined(usual, some), "run12") == ()


def test_fewer_than_1_in_100_tasks_that_did_not_change_is_a_regression() -> None:
    found = [one for seed in range(60) for one in regressions(simulated(seed, 13, World(noise=0.2)), "run12")]
    assert len(found) / (60 * 20) < 0.01


def test_whether_two_runs_differ_is_told_of_six_pairs_and_more() -> None:
    assert differs([1.0] * 5, [2.0] * 5) is None
    assert differs([1.0, 1.1, 1.2, 1.3, 1.4, 1.5], [2.0, 2.2, 2.4, 2.6, 2.8, 3.0]) is True
    assert differs([1.0, 2.0, 1.0, 2.0, 1.0, 2.0], [2.0, 1.0, 2.1, 0.9, 1.8, 1.2]) is False


def failing(*statuses: str, host: str = "web1", identity: str = "task0", **fields) -> History:
    return History(
        executions=tuple(execution(at) for at in range(len(statuses))),
        results=tuple(result(f"run{at}", identity, host, status=status, **fields) for at, status in enumerate(statuses)),
    )


def test_a_task_that_fails_and_passes_by_turns_is_flaky() -> None:
    (found,) = flaky_tasks(failing("ok", "failed", "ok", "failed", "ok", error_class="network"))
    assert (found.subject, found.retried, found.returned, found.results, found.error_classes) == ("task0", 0, 2, 5, ("network",))


def test_a_failure_that_was_repaired_once_is_not_flaky() -> None:
    assert flaky_tasks(failing("ok", "failed", "failed", "failed", "ok", "ok")) == ()
    assert flaky_tasks(failing("ok", "ok", "failed")) == ()


def test_where_errors_are_ignored_a_failure_is_an_answer() -> None:
    assert flaky_tasks(failing("ok", "ignored", "ok", "ignored", "ok")) == ()


def test_attempts_that_helped_are_flaky() -> None:
    history = runs(1.0, 1.0)
    tries = tuple(result(run, status="failed", final=False, attempt=1) for run in ("run0", "run1"))
    ends = tuple(replace(one, attempt=2) for one in history.results)
    (found,) = flaky_tasks(replace(history, results=tries + ends))
    assert (found.retried, found.returned) == (2, 0)


def test_hosts_that_fail_together_once_are_one_event() -> None:
    assert flaky_tasks(joined(*(failing("ok", "failed", "ok", host=f"web{at}") for at in range(9)))) == ()


def test_a_host_is_flaky_when_different_tasks_fail_on_it() -> None:
    one, other = failing("failed", "ok", "failed", "ok", host="web1"), failing("ok", "failed", "ok", "ok", host="web1", identity="task1")
    assert [found.subject for found in flaky_hosts(joined(one, other, failing("ok", "ok", "ok", "ok", host="web2")))] == ["web1"]
    assert flaky_hosts(one) == (), "it may be the task"
    assert [found.subject for found in flaky_hosts(failing("unreachable", "ok", "unreachable", "ok"))] == ["web1"]


def paths(*, agent: float, stock: float, bad_agent: int = 0, count: int = 12) -> History:
    sides = [runs(*[seconds + at / 1000 for at in range(count)], host=host, path=host) for host, seconds in (("agent", agent), ("stock", stock))]
    history = joined(*sides)
    results = [replace(one, status="failed") if one.host == "agent" and int(one.execution[3:]) < bad_agent else one for one in history.results]
    return replace(history, results=tuple(results))


@pytest.mark.parametrize(
    ("history", "path"),
    [
        (paths(agent=1.0, stock=2.0), "agent"),
        (paths(agent=2.0, stock=1.0), "stock"),
        (paths(agent=1.1, stock=1.0), "agent"),
        (paths(agent=2.0, stock=1.0, count=3), "agent"),
        (paths(agent=0.02, stock=0.01), "agent"),
        (paths(agent=0.5, stock=1.0, bad_agent=9), "stock"),
        (History(), "agent"),
    ],
    ids=["faster", "slower", "hardly slower", "too few", "milliseconds", "fails", "nothing known"],
)
def test_stock_is_chosen_only_on_evidence(history: History, path: str) -> None:
    chosen = Chooser(history).choose(MODULE, "ssh/linux")
    assert chosen.path == path
    assert not chosen.explored
    if path == "stock":
        assert "through the agent" in chosen.evidence and "stock path" in chosen.evidence


def test_effects_say_both_sides() -> None:
    (found,) = effects(paths(agent=2.0, stock=1.0))
    assert (found.agent, found.stock, found.better) == (12, 12, "stock")
    assert found.ratio == pytest.approx(2.0, rel=0.01)
    (same,) = effects(scaled(paths(agent=2.0, stock=1.0), 10))
    assert same.ratio == pytest.approx(found.ratio)


def test_nothing_is_explored_unless_asked_for_and_then_within_bounds() -> None:
    asked = [(f"module{at}", "ssh") for at in range(100)]
    assert not any(Chooser(History()).choose(*one).explored for one in asked)
    eager, again, other = (Chooser(History(), exploration=0.2, seed=seed, limit=10) for seed in ("a", "a", "b"))
    first, second, third = ([subject.choose(*one) for one in asked] for subject in (eager, again, other))
    assert first == second != third
    assert first.count(Choice("stock", explored=True)) == 10
    assert [eager.choose(*one) for one in asked] == first, "asked again, it says the same"
