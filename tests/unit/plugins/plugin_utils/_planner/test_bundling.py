# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tasks go to a host in one piece, and why a piece ends."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.bundling import Bundled, bundle, calls_of, stock_trips

from .builders import flush, task, touching


def bundled(*tasks: SourceTask, barriers: dict[str, Reason] | None = None, notifying: tuple[str, ...] = (), **given: Any) -> Bundled:
    return bundle(tasks, barriers=barriers or {}, notifying=notifying, **given)


def pieces(one: Bundled) -> list[tuple[str, ...]]:
    return [piece.tasks for piece in one.bundles]


def test_tasks_that_need_nothing_of_each_other_go_together() -> None:
    one = bundled(touching("1"), touching("2"), task("3"))
    assert pieces(one) == [("1", "2", "3")]
    assert (one.bundles[0].ended_by, one.bundles[0].ended_at) == (Reason.END, "")
    assert one.placed["3"].path == "controller"
    assert (one.round_trips, one.stock_round_trips) == (1, 6)


@pytest.mark.parametrize(
    ("one", "other", "reason", "detail"),
    [
        (touching("1", sets=("r",)), touching("2", reads=("r",)), Reason.REGISTER, "r"),
        (touching("1", sets=("r", "q")), task("2", reads=("r", "q")), Reason.REGISTER, "q"),
        (touching("1", sets_facts=True), touching("2", reads=("ansible_distribution",)), Reason.FACTS, "ansible_distribution"),
        (task("1", "package_facts", sets_facts=True), task("2", reads=("packages",)), Reason.FACTS, "packages"),
        (touching("1"), touching("2", reads_any=True), Reason.VARS, ""),
        (touching("1"), touching("2", become="sudo:root"), Reason.BECOME_CHANGE, "sudo:root"),
        (touching("1", become="sudo:root"), touching("2"), Reason.BECOME_CHANGE, "the login user"),
        (touching("1"), touching("2", cut=Reason.LOOKUP_CUT), Reason.LOOKUP_CUT, ""),
        (touching("1"), touching("2", cut=Reason.CLOCK), Reason.CLOCK, ""),
        (touching("1"), touching("2", cut=Reason.CONTROLLER_FILES), Reason.CONTROLLER_FILES, ""),
        (touching("1"), task("2", "include_tasks", cut=Reason.INCLUDE), Reason.INCLUDE, ""),
        (touching("1", ends=Reason.UNTIL), touching("2"), Reason.UNTIL, ""),
        (touching("1", ends=Reason.JUDGE_CHANGED_WHEN), touching("2"), Reason.JUDGE_CHANGED_WHEN, ""),
        (touching("1", ends=Reason.NOTIFY), touching("2"), Reason.NOTIFY, ""),
    ],
)  # fmt: skip
def test_a_bundle_ends_where_the_run_must_see_a_result_first(one: SourceTask, other: SourceTask, reason: Reason, detail: str) -> None:
    found = bundled(one, other)
    assert (found.bundles[0].tasks, found.bundles[0].ended_by, found.bundles[0].ended_at, found.bundles[0].detail) == (("1",), reason, "2", detail)
    assert (found.placed["2"].cut, found.placed["2"].cut_detail) == (reason, detail)


def test_a_fresh_login_and_the_longest_bundle_end_one_too() -> None:
    assert bundled(touching("1"), touching("2"), renewing=("1",)).bundles[0].ended_by is Reason.RESTART_AGENT
    one = bundled(*(touching(str(n)) for n in range(5)), lookahead=2)
    assert pieces(one) == [("0", "1"), ("2", "3"), ("4",)]
    assert one.placed["2"].cut is Reason.LOOKAHEAD_LIMIT


def test_a_bundle_ends_at_a_flush_with_notifications_and_at_no_other() -> None:
    tasks = (touching("1"), flush(), touching("2"))
    assert pieces(bundled(*tasks)) == [("1", "2")]
    one = bundled(*tasks, notifying=("flush",))
    assert pieces(one) == [("1",), ("2",)]
    assert (one.bundles[0].ended_by, one.placed["2"].cut, one.placed["flush"].path) == (Reason.FLUSH, Reason.FLUSH, "controller")


def test_a_task_with_a_barrier_is_alone() -> None:
    one = bundled(*(touching(str(n)) for n in range(5)), barriers={"2": Reason.WORLDLY})
    assert pieces(one) == [("0", "1"), ("2",), ("3", "4")]
    assert [one.placed[n].cut for n in "23"] == [Reason.WORLDLY, Reason.WORLDLY]


def test_a_stock_task_is_in_no_bundle_and_what_it_registers_is_back_at_once() -> None:
    one = bundled(touching("1"), touching("2", stock=Reason.ASYNC, stock_detail="x", sets=("r",)), touching("3", reads=("r",)))
    assert pieces(one) == [("1",), ("3",)]
    assert (one.bundles[0].ended_by, one.bundles[0].detail) == (Reason.STOCK, "async")
    assert (one.placed["2"].path, one.placed["2"].reason, one.placed["2"].detail, one.placed["3"].cut) == ("stock", Reason.ASYNC, "x", None)
    assert one.round_trips == 2 + 3


def test_where_all_is_refused_the_controllers_own_tasks_are_still_its_own() -> None:
    one = bundled(touching("1"), task("2"), stock=(Reason.MODE_SSH, "--force-ssh"))
    assert [(one.placed[n].path, one.placed[n].reason) for n in "12"] == [("stock", Reason.MODE_SSH), ("controller", None)]
    assert one.bundles == ()
    assert one.round_trips == one.stock_round_trips == 3


def test_what_the_controller_does_by_itself_is_done_at_once_and_is_never_in_flight() -> None:
    one = bundled(task("1", sets=("r",)), task("2", reads=("r",)), touching("3", reads=("r",)))
    assert pieces(one) == [("3",)]
    assert [one.placed[n].cut for n in "123"] == [None, None, None]


def test_a_bundle_that_has_ended_keeps_nothing_in_flight() -> None:
    one = bundled(touching("1", sets=("r",), become="sudo:root", sets_facts=True), touching("2", cut=Reason.CLOCK), touching("3", reads=("r", "ansible_x")))
    assert pieces(one) == [("1",), ("2", "3")]


def test_a_batch_has_the_bundles_with_hosts_of_its_own() -> None:
    one = bundled(touching("1"), task("2"), touching("3", stock=Reason.RAW), prefix="play-7-")
    assert one.at(("a", "b")) == (dataclasses.replace(one.bundles[0], hosts=("a", "b")),)
    assert [one.placed[n].bundle_id for n in "123"] == ["play-7-bundle-0", "play-7-bundle-0", None]


@pytest.mark.parametrize(
    ("one", "calls", "trips"),
    [
        (task("1"), 0, 0),
        (touching("1"), 1, 3),
        (touching("1", loop_items=4), 4, 12),
        (touching("1", loop_items=0), 0, 0),
        (task("1", "ansible.builtin.template", on_target=True), 1, 24),
        (task("1", "copy", on_target=True, loop_items=2), 2, 48),
        (task("1", "acme.tools.copy", on_target=True), 1, 3),
    ],
)
def test_what_a_task_costs_on_the_stock_path(one: SourceTask, calls: int, trips: int) -> None:
    assert (calls_of(one), stock_trips(one)) == (calls, trips)
