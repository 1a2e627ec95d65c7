# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ssh's own retries come first: where they are set, they are made as under linear, and nothing of ours is added to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.fleet import Fleet
from tests.lab.play import LINEAR, OURS, Contestant, play

PLAYBOOK = """
- hosts: fleet
  gather_facts: false
  tasks:
    - ansible.builtin.file: {path: /nowhere, state: absent}
"""


@pytest.mark.parametrize("mode", ["auto", "ssh"])
@pytest.mark.parametrize("fleet", [{"hosts": 1}], indirect=True)
def test_a_host_that_cannot_be_reached_is_connected_to_as_often_as_under_linear(fleet: Fleet, tmp_path: Path, mode: str) -> None:
    (tmp_path / "site.yml").write_text(PLAYBOOK)
    ssh = tmp_path / "ssh"
    asked = {}
    for name, strategy in (("ours", OURS), ("linear", LINEAR.strategy)):
        log = tmp_path / name
        ssh.write_text(f"#!/bin/sh\necho connect >> {log}\necho 'ssh: connect to host h001 port 22: Connection timed out' >&2\nexit 255\n")
        ssh.chmod(0o755)
        env = {"ANSIBLE_SSH_EXECUTABLE": str(ssh), "ANSIBLE_SSH_RETRIES": "2", "RUSTLE_MODE": mode, "ANSIBLE_CALLBACKS_ENABLED": "rustle.engine.feedback"}
        outcome = play(fleet, tmp_path / "site.yml", Contestant(name, strategy, env=env))
        assert outcome.rc == 4, outcome.stdout
        assert "unreachable=1" in outcome.recap["h001"]
        asked[name] = len(log.read_text().split())
    assert asked["ours"] == asked["linear"] >= 3
