# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which readings are told, and what connections and bundles say."""

from __future__ import annotations

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.config import EngineConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.gauges import FIRST, Connects, Gauges, Latency, Reading, of_host
from hypothesis import given
from hypothesis import strategies as st


def told(*parts: tuple[float, float], repeat: float = 10.0) -> list[float]:
    """Which of these (time, part of the limit) are told."""
    gauges = Gauges(repeat=repeat)
    return [part for now, part in parts if gauges.tells(Reading("", "memory", part * 200, 200), now)]


def test_what_is_low_is_not_told() -> None:
    assert told((0, 0.1), (5, 0.69), (10, 0.2)) == []


def test_the_way_up_and_the_return_are_told_and_no_more() -> None:
    assert told((0, 0.1), (5, 0.75), (10, 0.95), (15, 0.3), (20, 0.3)) == [0.75, 0.95, 0.3]


def test_pressure_that_lasts_is_told_again_after_a_while() -> None:
    assert len(told(*((now, 0.91) for now in range(0, 60, 5)), repeat=20)) == 3


def test_what_has_no_limit_is_never_told() -> None:
    assert not Gauges(repeat=1).tells(Reading("", "memory", 5, 0), 0)


def test_resources_and_hosts_do_not_know_of_each_other() -> None:
    gauges = Gauges(repeat=100)
    assert [gauges.tells(Reading(host, resource, 9, 10), 0) for host in "ab" for resource in ("memory", "load")] == [True] * 4


@given(st.lists(st.floats(0, 2), max_size=40))
def test_whoever_hears_only_what_is_told_knows_each_resource_that_is_high(parts: list[float]) -> None:
    gauges, known = Gauges(repeat=10), 0.0
    for now, part in enumerate(parts):
        if gauges.tells(Reading("", "load", part, 1.0), now):
            known = part
        assert (known >= FIRST) == (part >= FIRST)
        assert part < FIRST or abs(known - part) < 0.02


def test_a_disk_is_told_only_when_it_gets_fuller_than_it_was() -> None:
    gauges = Gauges(repeat=10)
    assert [gauges.tells(Reading("h", "disk", part, 100), now) for now, part in [(0, 92), (50, 92), (100, 95), (150, 95)]] == [False, False, True, True]


def test_the_first_threshold_lies_below_that_of_the_engine() -> None:
    assert EngineConfig().pressure * 0.8 > FIRST


def test_a_host_says_how_full_it_is() -> None:
    health = {
        "memory_free": 25, "memory_size": 100, "home_free": 50, "home_size": 100, "root_free": 5, "root_size": 100, "load": 6.0, "cpus": 2}
    assert of_host("h", health) == [Reading("h", "memory", 75, 100), Reading("h", "disk", 95, 100), Reading("h", "load", 3.0, 8.0)]


@pytest.mark.parametrize("health", [{}, {"memory_free": 1}, {"home_size": 0, "home_free": 0}, {"load": 1.0}, {"load": None, "cpus": 2}])
def test_a_host_that_says_half_says_nothing(health: dict[str, float]) -> None:
    assert of_host("h", health) == []


def test_errors_of_connecting_are_many_by_number_and_by_share() -> None:
    connects = Connects()
    for _agent in range(40):
        connects.begun(0.0)
    for now in range(4):
        connects.failed(now)
    assert connects.reading(4) == Reading("", "connects", 4, 10.0)
    assert Connects().reading(0).limit == 5


def test_old_errors_of_connecting_are_forgotten() -> None:
    connects = Connects()
    connects.failed(0.0)
    assert connects.reading(31.0).used == 0


def test_latency_is_unknown_until_there_is_a_usual_one() -> None:
    latency = Latency()
    for now in range(19):
        latency.add(now, 0.1)
    assert latency.reading(19) is None


def test_latency_is_the_median_of_late_against_the_usual_one() -> None:
    latency = Latency()
    for now in range(20):
        latency.add(now, 0.1)
    for now in range(100, 110):
        latency.add(now, 1.0)
    reading = latency.reading(110)
    assert reading is not None
    assert (reading.used, reading.limit) == (1.0, pytest.approx(0.4))
    assert latency.reading(500) == reading._replace(used=0.0)  # nothing was sent since


def test_latency_below_a_quarter_of_a_second_is_never_too_much() -> None:
    latency = Latency()
    for now in range(30):
        latency.add(now, 0.001)
    assert latency.reading(30).limit == 0.25  # type: ignore[union-attr]
