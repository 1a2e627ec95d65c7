# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is told of the controller and the hosts, and when nothing is looked at."""

from __future__ import annotations

import collections
import resource
from types import SimpleNamespace

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, ResourceConstraint
from ansible_collections.rustle.engine.plugins.plugin_utils._run import health as room
from ansible_collections.rustle.engine.plugins.plugin_utils._run.health import EVERY, Health
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel

FREE, FULL = ({"root_free": free, "root_size": 100} for free in (50, 1))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A run's health with a clock of ours, and what its channel was told. The controller itself has all it needs."""
    found = SimpleNamespace(now=1000.0, channel=Channel(), events=[], looks=collections.Counter())
    monkeypatch.setattr(room, "time", SimpleNamespace(monotonic=lambda: found.now))
    monkeypatch.setattr(room, "_memory", lambda: found.looks.update(["memory"]))
    monkeypatch.setattr(room, "_descriptors", lambda: found.looks.update(["descriptors"]))
    found.health = Health(found.channel)
    return found


def listen(told: SimpleNamespace) -> list[Event]:
    told.channel.listen(told.events.append)
    return told.events


def test_where_nobody_listens_nothing_is_looked_at(told: SimpleNamespace) -> None:
    told.health.look()
    told.health.host("h", FULL)
    assert not told.looks
    listen(told)
    told.health.look()
    assert told.looks == {"memory": 1, "descriptors": 1}


def test_there_are_some_seconds_between_two_looks(told: SimpleNamespace) -> None:
    listen(told)
    for _turn in range(21):
        told.health.look()
        told.now += EVERY / 10
    assert told.looks["memory"] == 3


def test_a_disk_that_fills_up_is_told_of_its_host(told: SimpleNamespace) -> None:
    heard = listen(told)
    told.health.host("h", FREE)
    told.health.host("h", FULL)
    (event,) = heard
    assert isinstance(event, ResourceConstraint)
    assert (event.host, event.resource, event.used, event.limit) == ("h", "disk", 99, 100)


def test_many_errors_of_connecting_are_told_at_once_and_their_end_later(told: SimpleNamespace) -> None:
    heard = listen(told)
    for _host in range(6):
        told.health.begins()
        told.health.unreached()
    assert [event.used for event in heard if isinstance(event, ResourceConstraint)] == [4, 5, 6]
    told.now += 60
    told.health.look()
    last = heard[-1]
    assert isinstance(last, ResourceConstraint)
    assert (last.resource, last.used) == ("connects", 0)


def test_bundles_that_begin_to_take_longer_are_told(told: SimpleNamespace) -> None:
    heard = listen(told)
    for seconds in [0.1] * 30 + [3.0] * 40:
        told.health.took(seconds)
        told.health.look()
        told.now += 1
    latency = [event for event in heard if isinstance(event, ResourceConstraint) and event.resource == "latency"]
    assert latency[0].used == 3.0 and latency[0].limit == pytest.approx(0.4)


def test_descriptors_are_those_of_this_process() -> None:
    before, limit = room._descriptors(), resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    with open("/dev/null"):
        after = room._descriptors()
    assert before is not None and after is not None
    assert (after.used - before.used, after.limit) == (1, limit)


def test_memory_is_a_part_of_its_limit() -> None:
    reading = room._memory()
    assert reading is not None
    assert 0 < reading.used < reading.limit
