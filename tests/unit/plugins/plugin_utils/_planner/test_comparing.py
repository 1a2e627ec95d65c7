# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a run was not what its plan said."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.followed import BundleEnded, Difference, TaskRan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass, PlaySource
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.comparing import differences
from hypothesis import given
from hypothesis import strategies as st

from .builders import flush, plan, play, plays_at_random, task, touching


def ran(where: str, stock: Reason | None = None, host: str = "h0") -> TaskRan:
    return TaskRan(where=where, name=f"task at {where}", host=host, stock=stock)


def ended(where: str, reason: Reason, detail: str = "", before: str = "", needs: str = "", host: str = "h0") -> BundleEnded:
    return BundleEnded(where=where, name=f"task at {where}", host=host, reason=reason, detail=detail, before=before, needs=needs)


def at(*tasks: Any, **given: Any) -> ExecutionPlan:
    return plan(play(*tasks, **given))


AGENT, OTHER = touching("1", ["file:/a"], where="s:1"), touching("2", ["file:/b"], where="s:2")
STOCK = task("3", "raw", stock=Reason.RAW, where="s:3")
THREE = at(AGENT, OTHER, STOCK)


def test_a_run_as_planned_differs_in_nothing() -> None:
    assert differences(THREE, [ran("s:1"), ended("s:2", Reason.STOCK), ran("s:2"), ran("s:3", Reason.RAW)]) == ()


def test_a_task_that_takes_another_path_is_told_with_the_reason_of_the_run() -> None:
    away, back = differences(THREE, [ran("s:1", Reason.LARGE_FILE), ran("s:3")])
    assert away == Difference(kind="path", where="s:1", name="task at s:1", hosts=("h0",), planned="agent", reason=Reason.LARGE_FILE)
    assert (back.kind, back.where, back.planned, back.reason) == ("path", "s:3", "stock", None)


def test_hosts_of_which_none_goes_through_the_agent_were_planned_so() -> None:
    classes = (HostClass(class_id="a", hosts=("h0",)), HostClass(class_id="b", hosts=("h1",), stock=Reason.CONNECTION))
    planned = at(AGENT, hosts=2, classes=classes)
    found = differences(planned, [ran("s:1"), ran("s:1", Reason.CONNECTION, "h1")])
    assert found == ()
    assert [one.planned for one in differences(planned, [ran("s:1", None, "h1")])] == ["stock"]


def test_a_bundle_that_ends_early_is_told_and_one_that_ends_as_planned_is_not() -> None:
    (early,) = differences(THREE, [ended("s:1", Reason.MULTI_STEP)])
    assert (early.kind, early.where, early.reason) == ("cut", "s:1", Reason.MULTI_STEP)
    assert differences(THREE, [ended("s:2", Reason.MULTI_STEP)]) == ()


@pytest.mark.parametrize("reason", [Reason.END, Reason.FAILED, Reason.STOCK])
def test_ends_that_no_plan_foretells_are_not_told(reason: Reason) -> None:
    assert differences(THREE, [ended("s:1", reason)]) == ()


def test_a_dependency_that_the_plan_has_or_leads_to_is_known_and_any_other_is_told() -> None:
    setter, reader = task("1", "stat", sets=("r",), where="s:1"), task("3", "stat", reads=("s",), where="s:3")
    between = task("2", "set_fact", {"s": "{{ r }}"}, reads=("r",), sets=("s",), where="s:2")
    met = ended("s:2", Reason.REGISTER, "r", before="s:3", needs="s:1")
    assert [one.kind for one in differences(at(setter, between, reader), [met])] == []
    (missed,) = (one for one in differences(at(setter, task("3", where="s:3")), [met]) if one.kind == "dependency")
    assert (missed.where, missed.detail) == ("s:3", "r")


def test_a_task_that_is_not_in_the_plan_is_told_once_for_all_its_hosts() -> None:
    (only,) = differences(at(AGENT, hosts=2), [ran("x:9"), ran("x:9", host="h1"), ran("x:9")])
    assert (only.kind, only.hosts) == ("unplanned", ("h0", "h1"))


def test_a_handler_is_known_by_its_place() -> None:
    planned = at(touching("1", where="s:1", notify=("go",)), flush(), handlers=(touching("h", where="s:9", name="go"),))
    assert differences(planned, [ran("s:9")]) == ()
    assert [one.kind for one in differences(planned, [ran("s:9", Reason.LARGE_FILE)])] == ["path"]


def test_a_difference_is_a_line_for_people() -> None:
    away, other = differences(THREE, [ran("s:1", Reason.LARGE_FILE), ran("x:1")])
    assert away.text == f'"task at s:1" (s:1) on h0: planned agent, run on the stock path: large-file ({Reason.LARGE_FILE.text})'
    assert other.text == '"task at x:1" (x:1) on h0: it is not in the plan'


@given(plays_at_random())
def test_a_run_that_does_what_its_plan_says_differs_in_nothing(source: PlaySource) -> None:
    tasks = tuple(dataclasses.replace(one, where=one.where and one.task_id) for one in source.tasks)
    planned = plan(dataclasses.replace(source, tasks=tasks))
    refused = {host: one.stock for one in source.classes for host in one.hosts}
    steps: list[Any] = []
    for batch in planned.plays[0].batches:
        where = {one.task_id: one.where for one in batch.tasks}
        for host in batch.hosts:
            for one in batch.tasks:
                steps.append(ran(one.where or one.name, {"stock": one.path_reason, "agent": refused[host]}.get(one.path), host))
            steps += [ended(where[bundle.tasks[-1]], bundle.ended_by, host=host) for bundle in batch.bundles]
    assert differences(planned, steps) == ()


@given(st.lists(st.sampled_from([ran("s:1", Reason.RAW), ran("s:2"), ended("s:1", Reason.CLOCK), ran("q:1"), ended("q:1", Reason.CLOCK)])))
def test_steps_that_come_again_add_nothing(steps: list[Any]) -> None:
    assert differences(THREE, steps) == differences(THREE, [*steps, *steps])
