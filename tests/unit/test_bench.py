# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of tests/bench that only reckon: which cells, when enough is known, who was right, and the fit of costs."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.suitability import COSTS, Work, agent_seconds, code_seconds, stock_seconds
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import grid, mixes
from tests.bench.fit import Run, fit, least_squares


def test_every_cell_has_its_place_in_one_order() -> None:
    cells = grid.cells()
    assert cells == grid.cells()
    assert {*cells} >= {grid.Cell(*one) for one in itertools.product({*mixes.MIXES} - {"2 users"}, grid.HOSTS, grid.DELAYS)}
    sample = cells[:32]  # what ten minutes are enough for
    assert len({one.mix for one in sample}) > 10 and {one.hosts for one in sample} == set(grid.HOSTS) and {one.delay_ms for one in sample} == set(grid.DELAYS)


@pytest.mark.parametrize(
    ("stock", "cold", "warm", "enough"),
    [
        ([], [1.0], [1.0], False),
        ([2.0], [1.0], [1.0], True),
        ([2.0], [1.5], [1.0], False),
        ([1.0], [2.0], [3.0], True),
        ([2.0] * 3, [1.9] * 3, [2.1] * 3, True),
        ([2.0] * 3, [1.9] * 3, [2.1] * 2, False),
    ],
)
def test_rounds_end_when_they_are_all_there_or_when_one_is_clear(stock: list[float], cold: list[float], warm: list[float], enough: bool) -> None:
    assert grid.settled({"stock": stock, "cold": cold, "warm": warm}, 3) is enough


def verdict(stock: float, agent: float, *, chosen: bool = True, eligible: int = 1) -> grid.Verdict:
    return grid.Verdict(grid.Cell("1 ping", 1, 0.0), "cold", stock, agent, eligible, chosen, (1.0, 0.5))


def test_the_faster_way_is_right_and_a_tie_is_right_either_way() -> None:
    assert verdict(2.0, 1.0).right(True) and not verdict(2.0, 1.0).right(False)
    assert verdict(1.0, 2.0).right(False) and not verdict(1.0, 2.0).right(True)
    assert verdict(1.0, 1.04).tie and verdict(1.0, 1.04).right(True) and verdict(1.0, 1.04).right(False)
    assert not verdict(1.0, 1.06).tie


def test_the_summary_counts_ties_apart_and_tries_thresholds() -> None:
    lines = list(grid.summary([verdict(2.0, 1.0), verdict(1.0, 2.0), verdict(1.0, 1.0, eligible=4), verdict(9.0, 1.0, eligible=4, chosen=False)]))
    assert lines[0] == "4 comparisons: the agent was faster in 2, stock in 1, and 1 were ties (within 5%)."
    assert lines[1] == "The plan chose right in 2 of 4 (50.0%); ties count as right."
    assert [line.split(": ")[1] for line in lines[2:6]] == ["3 of 4 (75.0%).", "3 of 4 (75.0%).", "3 of 4 (75.0%).", "2 of 4 (50.0%)."]
    assert lines[6] == "Stock was faster by 10 % or more in 1: 1 ping/1/0/cold"


def test_what_was_measured_is_read_back_by_cell_and_way(tmp_path: Path) -> None:
    row = {"mix": "1 long command", "hosts": 3, "delay_ms": 25.0, "way": "cold", "wall": 9.0, "controller_cpu": 1.0, "target_cpu": 0.75, "turns": 10}
    path = tmp_path / "r.jsonl"
    assert grid.read(path) == {}
    path.write_text("".join(json.dumps(row | {"wall": wall}) + "\n" for wall in (9.0, 2.0)))
    cell = grid.Cell("1 long command", 3, 25.0)
    assert grid.read(path) == {cell: {"cold": [9.0, 2.0]}}
    # 0.75 s alone, 1 s on two processors, ten round trips of 50 ms, and two seconds of sleep
    assert grid.read(path, quiet=True) == {cell: {"cold": [0.75 + 0.5 + 0.5 + 2.0, 2.0]}}


def test_the_plan_says_of_each_mix_what_it_is_made_of() -> None:
    said = grid.plans(25.0, 3)
    assert list(said) == list(mixes.MIXES)
    assert {one["bound_by"] for one in said.values()} == {"cost"}

    def of(mix: str) -> tuple[int, ...]:
        return tuple(said[mix][key] for key in ("tasks", "eligible", "calls", "agents", "bundles"))

    assert of("1 ping") == (1, 1, 1, 1, 1)
    assert of("loop of 20") == (1, 1, 20, 1, 1)
    assert of("1 of 4 not stock") == (4, 1, 1, 1, 1)
    assert of("2 users")[3] == 2
    assert of("3 commands")[4] == 3  # hosts wait for each other at each


# -- the fit


@given(st.lists(st.floats(0, 100), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_exact_values_are_found_again(wanted: list[float], chance: object) -> None:
    rows = [[1.0 if a == b else chance.random() for a in range(len(wanted))] for b in range(len(wanted))]  # type: ignore[attr-defined]
    rows += [[chance.random() for _value in wanted] for _number in range(6)]  # type: ignore[attr-defined]
    values = [sum(weight * value for weight, value in zip(row, wanted, strict=True)) for row in rows]
    found = least_squares(rows, values)
    again = [sum(weight * value for weight, value in zip(row, found, strict=True)) for row in rows]
    assert again == pytest.approx(values, rel=1e-4, abs=1e-4)


def test_nothing_costs_less_than_nothing() -> None:
    assert least_squares([[1.0, 0.0], [0.0, 1.0]], [2.0, -1.0]) == [2.0, 0.0]
    assert least_squares([[1.0], [1.0]], [-1.0, -2.0]) == [0.0]


def test_a_cost_that_no_run_tells_of_is_nothing() -> None:
    assert least_squares([[1.0, 0.0], [2.0, 0.0]], [3.0, 6.0]) == [3.0, 0.0]


def test_the_fit_finds_the_costs_that_made_the_runs() -> None:
    costs = dataclasses.replace(COSTS, stock_call=0.2, agent_start=0.15, code_start=0.1, agent_call=0.02, crowd=0.4,
                                stock_bytes=0, code_bytes=0)  # fmt: skip
    runs = []
    for calls, bundles, hosts, latency in itertools.product((1, 3, 20), (1, 3), (1, 3, 10), (0.0, 0.05, 0.2)):
        work = Work(calls=calls, stock_trips=3 * calls, bundles=bundles, hosts=hosts)
        both = 0.8 + 0.05 * (hosts - 1) + 7 * latency + 2.0
        seconds = {"stock": stock_seconds(work, latency=latency, costs=costs)}
        seconds["warm"] = agent_seconds(work, latency=latency, costs=costs)
        seconds["cold"] = seconds["warm"] + code_seconds(work, latency=latency, costs=costs)
        runs += [Run(way, both + value, latency, work, known=2.0) for way, value in seconds.items()]
    found = fit(runs)
    assert found.error < 1e-6
    assert found.common == pytest.approx({"common_start": 0.8, "common_host": 0.05}, rel=1e-3)
    for name in ("stock_call", "agent_start", "agent_call", "code_start", "crowd"):
        assert getattr(found.costs, name) == pytest.approx(getattr(costs, name), rel=1e-3)
    assert found.seconds(runs[0]) == pytest.approx(runs[0].seconds)
