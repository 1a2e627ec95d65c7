# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import BinarySuitabilityAnalysis, PlanningOptions
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.suitability import Costs, analyse

CLASS = HostClass(class_id="c", hosts=("a",))


def of(
    eligible: int, *, one: HostClass = CLASS, bundles: int = 1, cached: bool = False, costs: Costs | None = None, **options: Any
) -> BinarySuitabilityAnalysis:
    given: dict[str, Any] = {} if costs is None else {"costs": costs}
    return analyse(one, tasks=max(eligible, 1), eligible=eligible, bundles=bundles, options=PlanningOptions(**options), cached=cached, **given)


@pytest.mark.parametrize(("eligible", "suitable"), [(4, False), (5, True), (6, True)])
def test_without_a_latency_the_threshold_decides(eligible: int, suitable: bool) -> None:
    one = of(eligible)
    assert (one.suitable, one.bound_by, one.saved_seconds) == (suitable, "threshold", None)
    compared = "at least" if suitable else "fewer than"
    assert one.explanation == f"{eligible} eligible tasks are {compared} the threshold of 5"
    assert one.round_trips_saved == (eligible * 7 - 1 - 4 if suitable else 0)


def test_with_a_latency_the_cost_model_decides_whatever_the_threshold() -> None:
    assert of(1, latency=0.2).bound_by == "cost"
    assert of(1, latency=0.2, binary_threshold=50).suitable  # 7 exchanges against 5, and a stock task is slow by itself
    assert not of(1, latency=0.0).suitable
    assert of(1, latency=0.0, cached=True).suitable is (0.12 > 0.15 + 0.012)


def test_the_cost_model_turns_where_both_ways_cost_the_same() -> None:
    costs = Costs(agent_start=1.0, agent_trips=1, agent_task=0.0, stock_task=0.0, stock_trips=1, first_bytes=0)
    # n * latency against 1 + (1 + 1) * latency: with a latency of 1 s it is 3 tasks on both ways
    assert [of(n, latency=1.0, costs=costs).suitable for n in (2, 3, 4)] == [False, False, True]
    one = of(4, latency=1.0, costs=costs)
    assert (one.saved_seconds, one.cost_seconds) == (4.0, 3.0)
    assert one.explanation == "4.00 s on the stock path against 3.00 s"
    assert of(4, latency=1.0, bundles=3, costs=costs).cost_seconds == 5.0


def test_the_first_bytes_cost_once_and_nothing_where_the_code_is_there() -> None:
    costs = Costs(first_bytes=1_000_000, bytes_per_second=500_000.0)
    new, there = of(3, latency=0.1, costs=costs), of(3, latency=0.1, costs=costs, cached=True)
    assert new.cost_seconds is not None
    assert new.cost_seconds - (there.cost_seconds or 0) == pytest.approx(2.0)


def test_options_overrule_both() -> None:
    assert (of(1, force_binary=True).suitable, of(1, force_binary=True).bound_by) == (True, "forced")
    assert (of(99, force_ssh=True).suitable, of(99, force_ssh=True).bound_by) == (False, "forced")
    assert (of(99, optimization_level=0).suitable, of(99, optimization_level=0).bound_by) == (False, "forced")


def test_a_refusal_stands_above_the_options() -> None:
    stock = HostClass(class_id="c", hosts=("a",), connection="winrm", stock=Reason.CONNECTION)
    one = of(99, one=stock, force_binary=True)
    assert (one.suitable, one.bound_by) == (False, "refused")
    assert one.explanation == f"{Reason.CONNECTION.text} (winrm)"
    assert of(0, force_binary=True).bound_by == "refused"
