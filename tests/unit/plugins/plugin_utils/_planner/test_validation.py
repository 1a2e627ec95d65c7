# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each invariant of a plan finds the breach that it is for, and no other one does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import (
    BinaryDeployment,
    Dependency,
    DependencyKind,
    ExecutionBatch,
    ExecutionMode,
    ExecutionPlan,
    ParallelGroup,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.validation import INVARIANTS, validate

from .builders import plan, play, task, touching


def a_plan() -> ExecutionPlan:
    """Two plays; in the first, four tasks in one bundle (0 and 2 in a group), a message alone, a stock task, a bundle of one."""
    first = play(
        touching("0", ["file:/a"]), touching("1", ["file:/a"]), touching("2", ["file:/b"], sets=("r",)), touching("3", ["file:/c"]),
        touching("4", ["*"], stock=Reason.RAW), task("5", "fail"), touching("6"), hosts=4)  # fmt: skip
    return plan(first, play(task("7"), hosts=2, play_id="play-1"))


def change(plan: ExecutionPlan, *, tasks: dict[str, dict[str, Any]] | None = None, batch: dict[str, Any] | None = None, **of_play: Any) -> ExecutionPlan:
    first = plan.plays[0]
    one: ExecutionBatch = first.batches[0]
    changed = tuple(dataclasses.replace(task, **(tasks or {}).get(task.task_id, {})) for task in one.tasks)
    one = dataclasses.replace(one, tasks=changed, **(batch or {}))
    return dataclasses.replace(plan, plays=(dataclasses.replace(first, **{"batches": (one,), **of_play}), *plan.plays[1:]))


def after(task_id: str) -> tuple[Dependency, ...]:
    return (Dependency(task_id, DependencyKind.FILE, "so it is"),)


def deployment(*tasks: str) -> BinaryDeployment:
    return BinaryDeployment(
        deployment_id="d", target_hosts=(), binary_name="", tasks=tasks, modules=(), execution_mode=ExecutionMode.CONTROLLER, requirements={})


def bundles(plan: ExecutionPlan, **of_first: Any) -> dict[str, Any]:
    first, *others = plan.plays[0].batches[0].bundles
    return {"bundles": (dataclasses.replace(first, **of_first), *others)}


def group(*tasks: str) -> dict[str, Any]:
    return {"parallel_groups": (ParallelGroup(group_id="g", tasks=tasks),)}


BREACHES: list[tuple[str, Callable[[ExecutionPlan], ExecutionPlan], str, str]] = [
    ("ids_are_unique", lambda p: dataclasses.replace(p, plays=(p.plays[0], dataclasses.replace(p.plays[1], play_id="play-0"))), "play-0",
     "2 plays have this id"),
    ("ids_are_unique", lambda p: change(p, tasks={"5": {"task_id": "4", "dependencies": ()}, "6": {"dependencies": ()}}, batch={"parallel_groups": ()}),
     "play-0-batch-0", "4 stands there 2 times"),
    ("order_respects_edges", lambda p: change(p, tasks={"0": {"dependencies": after("2")}}, batch={"parallel_groups": ()}), "0",
     "2 has to come first and comes later"),
    ("order_is_ascending", lambda p: change(p, tasks={"3": {"execution_order": 2}}), "3", "it stands behind 2 and has no higher number"),
    ("dependencies_exist", lambda p: change(p, tasks={"0": {"dependencies": after("nowhere")}}), "0", "it depends on nowhere, which is not in the plan"),
    ("batches_cover_hosts_once", lambda p: change(p, hosts=(*p.plays[0].hosts, "lost"), host_classes=()), "play-0", "lost is in 0 batches"),
    ("batches_cover_hosts_once", lambda p: change(p, hosts=p.plays[0].hosts[1:], host_classes=()), "play-0", "h0 is no host of the play"),
    ("classes_cover_hosts_once", lambda p: change(p, host_classes=p.plays[0].host_classes * 2), "play-0", "the classes are no partition of its hosts"),
    ("tasks_run_on_their_batch", lambda p: change(p, tasks={"0": {"hosts": ("elsewhere",)}}), "0", "it has hosts that are not in its batch"),
    ("tasks_run_on_their_batch", lambda p: change(p, batch=bundles(p, hosts=("elsewhere",))), "play-0-bundle-0",
     "it has hosts that are not in its batch"),
    ("bundles_hold_their_tasks_once", lambda p: change(p, batch=bundles(p, tasks=("0", "1", "2"))), "play-0-batch-0", "tasks and bundles disagree about 3"),
    ("bundles_hold_their_tasks_once", lambda p: change(p, batch=bundles(p, tasks=("0", "1", "2", "3", "3"))), "play-0-batch-0",
     "tasks and bundles disagree about a task"),
    ("no_bundle_crosses_a_barrier", lambda p: change(p, tasks={"1": {"barrier": Reason.WORLDLY}}), "play-0-bundle-0",
     "1 has a barrier (worldly) and is not alone"),
    ("no_bundle_holds_stock_tasks", lambda p: change(p, tasks={"1": {"path": "stock", "path_reason": Reason.RAW}}), "play-0-bundle-0",
     "1 takes the stock path"),
    ("no_bundle_reads_what_is_under_way", lambda p: change(p, tasks={"3": {"reads": ("var:r",)}}, batch={"parallel_groups": ()}), "play-0-bundle-0",
     "3 reads var:r, which 2 sets"),
    ("bundles_are_contiguous", lambda p: change(p, tasks={"1": {"bundle_id": None}}, batch=bundles(p, tasks=("0", "2", "3"))), "play-0-bundle-0",
     "1 stands between its tasks"),
    ("bundles_are_contiguous", lambda p: change(
        p, tasks={"1": {"bundle_id": "other"}}, batch={"bundles": (*bundles(p, tasks=("0", "2", "3"))["bundles"], dataclasses.replace(
            p.plays[0].batches[0].bundles[0], bundle_id="other", tasks=("1",)))}), "play-0-bundle-0", "2 is parted from its other tasks"),
    ("stock_has_a_reason", lambda p: change(p, tasks={"4": {"path_reason": None}}), "4", "it takes the stock path and nothing says why"),
    ("stock_has_a_reason", lambda p: change(p, tasks={"4": {"path_reason": Reason.WORLDLY}}), "4", "it takes the stock path and nothing says why"),
    ("stock_has_a_reason", lambda p: change(p, tasks={"4": {"barrier": "because"}}), "4", "its barrier 'because' is no reason code"),
    ("groups_are_free_of_edges", lambda p: change(p, tasks={"3": {"dependencies": after("2")}}, batch=group("2", "3")), "g",
     "3 depends on another task of the group"),
    ("groups_touch_different_things", lambda p: change(p, tasks={"1": {"dependencies": ()}}, batch=group("0", "1")), "g", "0 and 1 both touch file:/a"),
    ("deployments_know_their_tasks", lambda p: dataclasses.replace(p, binary_deployments=(deployment("0", "nowhere"),)), "d", "nowhere is not in the plan"),
    ("scores_are_shares", lambda p: dataclasses.replace(p, parallelism_score=1.5), "parallelism_score", "1.5 is not between 0 and 1"),
    ("scores_are_shares", lambda p: dataclasses.replace(p, network_efficiency_score=-0.1), "network_efficiency_score", "-0.1 is not between 0 and 1"),
]  # fmt: skip


def test_the_plan_that_is_broken_below_is_whole() -> None:
    one = a_plan()
    assert validate(one).valid
    assert validate(one).checked == tuple(INVARIANTS)
    assert [bundle.tasks for bundle in one.plays[0].batches[0].bundles] == [("0", "1", "2", "3"), ("6",)]


@pytest.mark.parametrize(("invariant", "breach", "where", "found"), BREACHES)
def test_an_invariant_finds_its_breach_alone(invariant: str, breach: Callable[[ExecutionPlan], ExecutionPlan], where: str, found: str) -> None:
    report = validate(breach(a_plan()))
    assert [(one.invariant, one.where, one.found) for one in report.findings] == [(invariant, where, found)]
    assert not report.valid


def test_every_invariant_is_broken_above() -> None:
    assert {breach[0] for breach in BREACHES} == set(INVARIANTS)
