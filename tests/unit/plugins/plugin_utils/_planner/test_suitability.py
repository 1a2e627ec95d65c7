# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import BinarySuitabilityAnalysis, PlanningOptions
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.suitability import (
    COSTS,
    Costs,
    Work,
    agent_seconds,
    analyse,
    code_seconds,
    stock_seconds,
)
from hypothesis import given
from hypothesis import strategies as st

CLASS = HostClass(class_id="c", hosts=("a",))


FREE = Costs(stock_call=0.0, stock_bytes=0, agent_start=0.0, agent_trips=0, agent_call=0.0, code_start=0.0, code_bytes=0, crowd=0.0)


def work(calls: int, **given: int) -> Work:
    return Work(**{"calls": calls, "stock_trips": 3 * calls, **given})


def of(eligible: int, *, one: HostClass = CLASS, costs: Costs | None = None, asked: Work | None = None, **options: Any) -> BinarySuitabilityAnalysis:
    given: dict[str, Any] = {} if costs is None else {"costs": costs}
    return analyse(one, tasks=max(eligible, 1), eligible=eligible, work=asked or work(eligible), options=PlanningOptions(**options), **given)


@pytest.mark.parametrize(("eligible", "suitable"), [(4, False), (5, True), (6, True)])
def test_without_a_latency_the_threshold_decides(eligible: int, suitable: bool) -> None:
    one = of(eligible)
    assert (one.suitable, one.bound_by, one.saved_seconds) == (suitable, "threshold", None)
    compared = "at least" if suitable else "fewer than"
    assert one.explanation == f"{eligible} eligible tasks are {compared} the threshold of 5"
    assert one.round_trips_saved == (eligible * 3 - 1 - COSTS.agent_trips if suitable else 0)


def test_with_a_latency_the_cost_model_decides_whatever_the_threshold() -> None:
    assert of(2, latency=0.2).bound_by == "cost"
    assert of(2, latency=0.2, binary_threshold=50).suitable


def test_a_latency_that_earlier_runs_have_measured_decides_unless_one_is_told() -> None:
    def asked(**options: Any) -> BinarySuitabilityAnalysis:
        return analyse(CLASS, tasks=1, eligible=1, work=work(1), latency=0.05, options=PlanningOptions(**options))

    one = asked()
    assert (one.bound_by, one.suitable) == ("cost", True)
    assert one.explanation.endswith("; a round trip takes 50 ms in earlier runs")
    told = asked(latency=1.0)
    assert (told.bound_by, told.suitable) == ("cost", False)
    assert "earlier runs" not in told.explanation
    assert asked(force_ssh=True).bound_by == "forced"


def test_as_measured_agents_pay_from_two_calls_on_and_for_one_unless_hosts_are_far() -> None:
    assert of(1, latency=0.05).suitable
    assert not of(1, latency=1.0).suitable
    for calls, latency, hosts in itertools.product((2, 3, 50), (0.0, 0.05, 1.0), (1, 500)):
        assert of(calls, latency=latency, asked=work(calls, hosts=hosts)).suitable


def test_the_cost_model_turns_where_both_ways_cost_the_same() -> None:
    costs = dataclasses.replace(FREE, agent_start=1.0, agent_trips=2)
    # 3n * latency against 1 + (2 + 1) * latency: with a latency of a third of a second it is 2 tasks on both ways
    assert [of(n, latency=1 / 3, costs=costs).suitable for n in (1, 2, 3)] == [False, False, True]
    one = of(4, latency=1.0, costs=costs, asked=work(4, bundles=3, agents=2))
    assert (one.saved_seconds, one.cost_seconds) == (12.0, 2 + 4 + 3)
    assert one.explanation == "12.00 s on the stock path against 9.00 s, and 1.00 s once where the code is not there yet"
    assert (one.calls, one.bundles, one.agents, one.stock_round_trips, one.round_trips_saved) == (4, 3, 2, 12, 5)


def test_code_that_is_not_there_costs_its_bytes_a_round_trip_and_its_start() -> None:
    costs = dataclasses.replace(FREE, code_bytes=1_000_000, bytes_per_second=500_000.0, code_start=0.25)
    assert code_seconds(work(3), latency=0.1, costs=costs) == pytest.approx(2.0 + 0.25 + 0.1)


def test_further_hosts_crowd_the_controller_and_no_round_trip() -> None:
    costs = dataclasses.replace(FREE, stock_call=1.0, agent_call=0.1, crowd=0.5)
    one, three = work(2), work(2, hosts=3)
    assert stock_seconds(three, latency=1.0, costs=costs) - stock_seconds(one, latency=1.0, costs=costs) == 2.0
    assert agent_seconds(three, latency=1.0, costs=costs) - agent_seconds(one, latency=1.0, costs=costs) == pytest.approx(0.2)


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


@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 50), st.floats(0, 2), st.integers(1, 1000))
def test_what_pays_pays_with_more_calls_too(calls: int, more: int, bundles: int, latency: float, hosts: int) -> None:
    few, many = (of(1, latency=latency, asked=work(number, bundles=bundles, hosts=hosts)) for number in (calls, calls + more))
    assert many.suitable >= few.suitable


def test_the_costs_are_those_that_the_documentation_tells() -> None:
    text = (Path(__file__).parents[5] / "docs" / "planning.md").read_text().split("## Bundle or stock")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[2:5]] for line in text.splitlines() if line.startswith("| ")][1:]
    told = [(COSTS.stock_call, None, COSTS.stock_bytes), (COSTS.agent_start, COSTS.agent_trips, None), (None, 1, None), (COSTS.agent_call, None, None),
            (COSTS.code_start, 1, COSTS.code_bytes)]  # fmt: skip
    assert rows[0][1] == "3; 24 where a file is sent (`copy`, `template`, ...)"
    rows[0][1] = ""
    assert [[float(cell.replace(",", "")) if cell else None for cell in row] for row in rows] == [list(row) for row in told]
    assert f"adds {COSTS.crowd:.0%}".replace("%", " %") in text and f"{COSTS.bytes_per_second / 1e6:.0f} MB/s" in text
