# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import effects_of
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.risk import risk_of

from .builders import task


@pytest.mark.parametrize(
    ("action", "args", "level"),
    [
        ("debug", {}, "Low"),
        ("stat", {"path": "/a"}, "Low"),
        ("set_fact", {"a": 1}, "Low"),
        ("setup", {}, "Low"),
        ("command", {"_raw_params": "id"}, "Low"),
        ("copy", {"content": "x", "dest": "/a"}, "Medium"),
        ("user", {"name": "a"}, "Medium"),
        ("service", {"name": "a"}, "High"),
        ("package", {"name": "a"}, "High"),
        ("command", {"_raw_params": "rm -rf /"}, "Critical"),
        ("shell", {"_raw_params": "x"}, "Critical"),
        ("reboot", {}, "Critical"),
        ("community.general.terraform", {"project_path": "/a"}, "Critical"),
        ("community.docker.docker_container_exec", {"container": "a", "command": "x"}, "Critical"),
        ("acme.tools.thing", {}, "Critical"),
    ],
)
def test_the_risk_of_a_task_is_by_what_it_touches(action: str, args: dict[str, Any], level: str) -> None:
    one = task("1", action, args)
    assert risk_of(one, effects_of(one.node)).value == level
