# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a host is, in what its agent says."""

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent import vitals
from ansible_collections.rustle.engine.plugins.module_utils._agent.messages import HEALTH, check, message


def test_a_reading_has_the_shape_of_the_protocol_and_is_small(tmp_path):
    found = vitals.read(str(tmp_path))
    check(found, HEALTH, "health")
    assert set(found) <= set(HEALTH)
    assert {"home_free", "home_size", "root_free", "root_size", "load", "cpus"} <= set(found)
    assert 0 < found["home_free"] <= found["home_size"]
    assert len(json.dumps(found)) < 300


@pytest.mark.skipif(not os.path.exists("/proc/meminfo"), reason="there is no /proc/meminfo")
def test_memory_is_that_of_the_system():
    found = vitals.read("/")
    assert found["memory_size"] == pytest.approx(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), rel=0.2)
    assert 0 < found["memory_free"] <= found["memory_size"]


def test_what_cannot_be_read_is_absent():
    found = vitals.read("/there/is/no/such/folder")
    assert "home_size" not in found
    assert "root_size" in found


def test_there_are_so_many_seconds_between_two_readings(tmp_path):
    watched = vitals.Vitals(5, str(tmp_path))
    assert [bool(watched.due(now)) for now in (100, 104.9, 105, 109, 110)] == [True, False, True, False, True]


def test_an_agent_tells_its_health_only_when_it_was_asked(agent):
    assert agent.run({"k": "exec", "argv": ["true"]}).health is None


def test_an_agent_that_was_asked_tells_its_health_once_in_a_while(launch, python):
    agent = launch(python, hello=False)
    agent.send(message("hello", v=1, cache_limit=1 << 30, health=3600))
    first, second = (agent.run({"k": "exec", "argv": ["true"]}).health for _time in range(2))
    assert first["root_size"] > 0
    assert second is None
