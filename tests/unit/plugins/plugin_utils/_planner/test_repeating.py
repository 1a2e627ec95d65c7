# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.repeating import is_repeatable


@pytest.mark.parametrize(
    ("action", "args"),
    [
        ("ansible.builtin.copy", {}), ("ansible.builtin.apt", {"name": "x"}), ("ansible.builtin.uri", {}), ("ansible.builtin.uri", {"method": "head"}),
        ("ansible.builtin.service", {"name": "x", "state": "started"}), ("ansible.builtin.systemd_service", {"name": "x", "enabled": True}),
        ("ansible.posix.sysctl", {"name": "x", "value": 1}),
    ],
)
def test_a_module_that_says_how_things_shall_be_may_run_twice(action: str, args: dict[str, Any]) -> None:
    assert is_repeatable(TaskNode(action=action, args=args))


@pytest.mark.parametrize(
    ("action", "args"),
    [
        ("ansible.builtin.command", {}), ("ansible.builtin.shell", {"creates": "/x"}), ("ansible.builtin.raw", {}), ("ansible.builtin.reboot", {}),
        ("ansible.builtin.tempfile", {}), ("ansible.builtin.uri", {"method": "POST"}), ("ansible.builtin.uri", {"method": "{{ method }}"}),
        ("ansible.builtin.service", {"name": "x", "state": "restarted"}), ("ansible.builtin.service", {"name": "x", "state": "{{ state }}"}),
        ("community.docker.docker_container", {}), ("my.own.module", {}),
    ],
)
def test_one_that_does_something_or_is_not_known_may_not(action: str, args: dict[str, Any]) -> None:
    assert not is_repeatable(TaskNode(action=action, args=args))


def test_a_module_of_the_users_is_not_known_whatever_it_is_called() -> None:
    assert not is_repeatable(TaskNode(action="copy", own_module=True))
