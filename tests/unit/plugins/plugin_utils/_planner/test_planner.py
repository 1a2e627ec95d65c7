# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans as wholes: what holds for every one of them, and when there is none."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import (
    BelowBinaryThreshold,
    CircularDependency,
    ConflictingStrategies,
    IncompatibleModule,
    PlanError,
    PlanningTimeout,
    UnknownTask,
    UnsupportedTarget,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._model.estimate import Estimate
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan, ExecutionStrategy, TaskPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass, PlaySource
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Scope
from ansible_collections.rustle.engine.plugins.plugin_utils._planner import planner
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.facts import is_fact
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import conflicts
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.validation import validate
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench.plan_scale import MIXES, edges_of, plan_of, play_of

from .builders import flush, options_at_random, plan, play, plays_at_random, task, touching


@settings(max_examples=60)
@given(plays_at_random(), plays_at_random("play-1", most=6), options_at_random())
def test_every_plan_keeps_every_invariant(one: PlaySource, other: PlaySource, options: dict[str, Any]) -> None:
    made = plan(one, other, **options)
    assert validate(made).findings == ()
    assert sum(len(p.batches[0].tasks) if p.batches else 0 for p in made.plays) == made.total_tasks


@settings(max_examples=60)
@given(plays_at_random(), options_at_random())
def test_no_two_tasks_of_a_group_interfere(one: PlaySource, options: dict[str, Any]) -> None:
    for batch in plan(one, **options).plays[0].batches:
        tasks = {task.task_id: task for task in batch.tasks}
        for group in batch.parallel_groups:
            for first, second in itertools.combinations((tasks[task_id] for task_id in group.tasks), 2):
                assert not conflicts(first.writes, (*second.writes, *second.reads))
                assert not conflicts(second.writes, first.reads)
                assert first.can_run_parallel
                assert first.barrier in (None, Reason.WORLDLY)


def replay(source: PlaySource, tasks: tuple[TaskPlan, ...]) -> list[str]:
    """A host goes through a batch as the run does: a bundle is sent as a whole, and results are back once it is over. What was read too early."""
    sources = {one.task_id: one for one in source.tasks}
    early: list[str] = []
    bundle: str | None = None
    in_flight: set[str] = set()
    facts = False
    for planned in tasks:
        one = sources[planned.task_id]
        if planned.bundle_id != bundle or planned.bundle_id is None:
            # outside of bundles nothing is under way, unless the controller's own tasks stand between those of one
            bundle, in_flight, facts = planned.bundle_id, set(), False
        early += [f"{one.task_id} reads {name}" for name in one.reads if name in in_flight or (facts and is_fact(name))]
        early += [f"{one.task_id} reads anything"] if one.reads_any and (in_flight or facts) else []
        if planned.path == "agent":
            in_flight |= set(one.sets)
            facts = facts or one.sets_facts
    return early


@given(
    plays_at_random() | plays_at_random(among=("debug", "stat", "setup", "package_facts", "set_fact")),
    st.sampled_from(["causal", "host", "host"]), st.sampled_from([3, 200]))
def test_no_bundle_reads_a_name_that_is_in_flight(one: PlaySource, ordering: str, lookahead: int) -> None:
    for batch in plan(one, ordering=ordering, lookahead=lookahead).plays[0].batches:
        assert replay(one, batch.tasks) == []


@settings(max_examples=20)
@given(plays_at_random(), options_at_random())
def test_equal_sources_make_equal_plans(one: PlaySource, options: dict[str, Any]) -> None:
    assert plan(one, **options) == plan(one, **options)


# --- what a plan says


def test_a_plan_in_numbers() -> None:
    made = plan(play(touching("0"), touching("1"), task("2"), hosts=3, batch=2))
    first, second = made.plays[0].batches
    assert (first.batch_id, first.hosts, first.dependencies) == ("play-0-batch-0", ("h0", "h1"), ())
    assert (second.batch_id, second.hosts, second.dependencies) == ("play-0-batch-1", ("h2",), ("play-0-batch-0",))
    assert [one.bundle_id for one in second.tasks] == ["play-0-bundle-0"] * 3
    assert second.bundles[0].hosts == ("h2",)
    assert (made.total_tasks, made.parallelism_score, made.hosts) == (3, 1.0, ("h0", "h1", "h2"))
    assert made.network_efficiency_score == 1 - 2 / 12
    assert made.estimated_duration is None


def test_estimates_are_added_where_all_are_known_and_unknown_where_one_is_not() -> None:
    known = {"0": Estimate(1.0, 3.0, 7), "1": Estimate(2.0, 4.0, 5)}
    made = plan(play(touching("0"), touching("1"), task("2")), history=lambda one: known.get(one.task_id))
    assert made.estimated_duration == Estimate(3.0, 5.0, 5)
    assert plan(play(touching("0"), touching("3")), history=lambda one: known.get(one.task_id)).estimated_duration is None


def test_the_critical_path_follows_history_and_names_only_tasks_of_the_plan() -> None:
    tasks = (touching("0", ["file:/a"]), touching("1", [], ["file:/a"]), touching("2"), flush(where=""))
    assert plan(play(*tasks)).plays[0].batches[0].critical_path == ("0", "1")
    slow = plan(play(*tasks), history=lambda one: Estimate(9.0 if one.task_id == "2" else 1.0))
    assert slow.plays[0].batches[0].critical_path == ("2",)


def test_a_flush_that_nobody_wrote_orders_and_is_not_shown() -> None:
    made = plan(play(touching("0", notify=("h",)), flush(where=""), touching("1", [], ["file:/h"]), handlers=(touching("h", ["file:/h"]),)))
    assert [one.task_id for one in made.tasks()] == ["0", "1"]
    assert made.plays[0].batches[0].parallel_groups == ()
    assert [bundle.tasks for bundle in made.plays[0].batches[0].bundles] == [("0",), ("1",)]


def test_hosts_of_a_class_that_is_refused_are_in_no_bundle() -> None:
    classes = (HostClass(class_id="a", hosts=("h0",)), HostClass(class_id="b", hosts=("h1",), connection="winrm", stock=Reason.CONNECTION))
    made = plan(play(touching("0"), hosts=2, classes=classes))
    assert made.plays[0].batches[0].bundles[0].hosts == ("h0",)
    refused = plan(play(touching("0"), hosts=2, classes=(HostClass(class_id="b", hosts=("h0", "h1"), connection="winrm", stock=Reason.CONNECTION),)))
    assert [(one.path, one.path_reason, one.path_detail) for one in refused.tasks()] == [("stock", Reason.CONNECTION, "winrm")]


@pytest.mark.parametrize(
    ("options", "reason", "detail"),
    [
        ({"force_ssh": True}, Reason.MODE_SSH, "--force-ssh"),
        ({"optimization_level": 0}, Reason.DISABLED, "the optimization level is 0"),
        ({"strategy": ExecutionStrategy.LINEAR}, Reason.DISABLED, "the strategy is Linear"),
    ],
)
def test_options_may_refuse_the_agent(options: dict[str, Any], reason: Reason, detail: str) -> None:
    made = plan(play(touching("0"), handlers=(touching("h"),)), **options)
    assert [(one.path, one.path_reason, one.path_detail) for one in made.tasks()] == [("stock", reason, detail)]
    assert [(one.path, one.path_reason) for one in made.plays[0].handlers] == [("stock", reason)]
    assert made.binary_deployments == ()


def test_barriers_are_where_hosts_would_wait() -> None:
    tasks = (touching("0"), touching("1", ["*"], rescope=Scope.WORLDLY), touching("2", run_once=True))
    assert [one.barrier for one in plan(play(*tasks, hosts=2)).tasks()] == [None, Reason.WORLDLY, Reason.RUN_ONCE]
    assert [one.barrier for one in plan(play(*tasks, hosts=1)).tasks()] == [None, None, None]
    assert [one.barrier for one in plan(play(*tasks, hosts=2), strategy=ExecutionStrategy.FREE).tasks()] == [None, None, None]


# --- when there is no plan


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"force_binary": True, "force_ssh": True}, ConflictingStrategies, "--force-binary and --force-ssh exclude each other"),
        ({"force_ssh": True, "strategy": ExecutionStrategy.BINARY_ONLY}, ConflictingStrategies, "--force-ssh and --strategy BinaryOnly"),
        ({"force_binary": True, "strategy": ExecutionStrategy.LINEAR}, ConflictingStrategies, "--force-binary and --strategy Linear"),
        ({"strategy": ExecutionStrategy.ROLLING}, ConflictingStrategies, "hint: give the size of a batch with --serial"),
        ({"target_os": "windows"}, UnsupportedTarget, "--target-os: no agent runs on windows"),
        ({"strategy": ExecutionStrategy.BINARY_ONLY}, BelowBinaryThreshold, "2 tasks can go into a binary deployment, the threshold is 5"),
    ],
)
def test_options_that_no_plan_can_follow(options: dict[str, Any], error: type[PlanError], words: str) -> None:
    with pytest.raises(error) as caught:
        plan(play(touching("0"), touching("1")), **options)
    assert words in str(caught.value)
    assert "hint: " in str(caught.value)


def test_a_module_that_cannot_be_bundled_is_an_error_where_all_is_to_be_bundled() -> None:
    with pytest.raises(IncompatibleModule, match="task 'ask': the module raw cannot go into a bundle: raw runs without Python on the target"):
        plan(play(task("0", "raw", name="ask", stock=Reason.RAW)), strategy=ExecutionStrategy.BINARY_ONLY)


def test_binary_only_goes_with_force_with_enough_tasks_and_not_where_no_host_has_an_agent() -> None:
    only = ExecutionStrategy.BINARY_ONLY
    assert plan(play(touching("0")), strategy=only, force_binary=True).binary_deployments != ()
    assert plan(play(*(touching(str(n)) for n in range(5))), strategy=only).binary_deployments != ()
    refused = (HostClass(class_id="c", hosts=("h0",), stock=Reason.CONNECTION),)
    assert plan(play(touching("0"), classes=refused), strategy=only).binary_deployments == ()


def test_rolling_goes_batch_by_batch() -> None:
    made = plan(play(touching("0"), hosts=4, batch=2, serial=("2",)), strategy=ExecutionStrategy.ROLLING)
    assert len(made.plays[0].batches) == 2


def test_what_rustle_after_says_wrong_ends_the_plan() -> None:
    with pytest.raises(UnknownTask):
        plan(play(touching("0", after=("nobody",))))
    with pytest.raises(CircularDependency):
        plan(play(touching("0", after=("1",)), touching("1")))


def test_planning_can_be_stopped_between_its_stages() -> None:
    seen: list[str] = []

    def checkpoint(stage: str) -> None:
        seen.append(stage)
        if stage.startswith("bundling"):
            raise PlanningTimeout(1.0, stage=stage)

    with pytest.raises(PlanningTimeout, match="it was stopped while bundling play 'play-0'"):
        plan(play(touching("0")), checkpoint=checkpoint)
    assert seen == ["looking for dependencies in play 'play-0'", "building the graph of play 'play-0'", "bundling play 'play-0'"]


def test_a_plan_that_breaks_an_invariant_never_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "risk_of", lambda *_: None)
    monkeypatch.setattr(planner, "alone_of", lambda *_: {})
    monkeypatch.setattr(planner.TaskGraph, "generations", lambda self: [["0", "1"]])
    with pytest.raises(PlanError, match="the plan breaks its own rule groups_are_free_of_edges"):
        plan(play(touching("0", ["file:/a"]), touching("1", ["file:/a"])))


# --- scale, counted and not timed (times are in tests/bench/plan_scale.py)


def calls(source: PlaySource) -> tuple[int, ExecutionPlan]:
    count = 0

    def counting(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    plan_of(source)  # what is remembered is remembered
    sys.setprofile(counting)
    try:
        made = plan_of(source)
    finally:
        sys.setprofile(None)
    return count, made


@pytest.mark.parametrize("mix", MIXES)
def test_the_work_grows_as_the_tasks_do(mix: str) -> None:
    (half, small), (whole, large) = calls(play_of(150, 100, mix)), calls(play_of(300, 100, mix))
    assert whole <= 2.4 * half
    assert edges_of(large) <= 2.6 * edges_of(small)
    assert edges_of(large) <= 60 * 300


def test_the_number_of_hosts_costs_next_to_nothing() -> None:
    (few, _one), (many, _other) = calls(play_of(200, 10, "mixed")), calls(play_of(200, 1000, "mixed"))
    assert many <= 1.25 * few


def test_a_batch_of_serial_costs_its_own_tasks_only() -> None:
    (one, _one), (two, _two), (four, _four) = (calls(play_of(200, 100, "mixed", batch=size)) for size in (100, 50, 25))
    assert four - one <= 3.3 * (two - one)


def test_tasks_are_planned_once_for_all_hosts_and_batches() -> None:
    batches = plan_of(play_of(50, 100, "mixed", batch=10)).plays[0].batches
    assert len(batches) == 10 and {id(one.tasks) for one in batches} == {id(batches[0].tasks)}
    assert {one.hosts for one in batches[0].tasks} == {None}


@given(st.sampled_from(sorted(MIXES)), st.integers(1, 60))
def test_the_plays_of_the_benchmark_make_valid_plans(mix: str, tasks: int) -> None:
    assert validate(plan_of(play_of(tasks, 7, mix, batch=3))).valid
