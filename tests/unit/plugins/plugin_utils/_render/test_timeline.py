# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses

from ansible_collections.rustle.engine.plugins.plugin_utils._model.estimate import Estimate
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass
from ansible_collections.rustle.engine.plugins.plugin_utils._render.timeline import timeline
from ansible_collections.rustle.engine.plugins.plugin_utils._render.view import graph_of

from .conftest import HOSTS, a_plan, a_play, a_task


def places(plan: ExecutionPlan) -> dict[str, int]:
    return {key: number for number, key in enumerate(graph_of(plan).nodes)}


def test_without_estimates_each_task_is_a_unit_and_no_second() -> None:
    plan = a_plan(a_play(0, a_task(0), a_task(1)))
    found = timeline(plan, places(plan))
    assert (found["unit"], found["known"], found["of"], found["length"]) == ("task", 0, 2, 2.0)
    assert found["tracks"] == [[[0, 0.0, 1.0, False], [1, 1.0, 1.0, False]]]


def test_what_is_not_known_takes_the_median_and_is_marked() -> None:
    tasks = [a_task(n, estimated_duration=Estimate(float(n), 0, 1) if n else None) for n in range(4)]
    plan = a_plan(a_play(0, *tasks))
    found = timeline(plan, places(plan))
    assert (found["unit"], found["known"]) == ("s", 3)
    assert found["tracks"][0] == [[0, 0.0, 2.0, False], [1, 2.0, 1.0, True], [2, 3.0, 2.0, True], [3, 5.0, 3.0, True]]


def test_batches_come_one_after_another_along_one_track(rich: ExecutionPlan) -> None:
    found = timeline(rich, places(rich))
    assert [(lane["play"], lane["batch"], lane["track"]) for lane in found["lanes"]] == [(0, 1, 0), (1, 1, 1), (1, 2, 1)]
    starts = [lane["offset"] for lane in found["lanes"]]
    lengths = [track[-1][1] + track[-1][2] for track in found["tracks"]]
    assert starts == [0, lengths[0], lengths[0] + lengths[1]] and found["length"] == lengths[0] + 2 * lengths[1]


def test_a_lane_is_a_class_of_hosts() -> None:
    classes = (HostClass(class_id="a", hosts=HOSTS[:3]), HostClass(class_id="b", hosts=(HOSTS[3], "elsewhere"), stock=Reason.CONNECTION))
    plan = a_plan(a_play(0, a_task(0), host_classes=classes))
    lanes = timeline(plan, places(plan))["lanes"]
    assert [(lane["hosts"], lane["count"], lane["stock"]) for lane in lanes] == [("web01…web03 (3)", 3, False), ("web04", 1, True), ("web05", 1, False)]
    assert len(timeline(dataclasses.replace(plan, plays=()), {})["lanes"]) == 0
