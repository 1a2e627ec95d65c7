# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The laboratory tells the truth: what the measurements rest on."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab.fleet import PORT, Fleet
from tests.lab.play import LINEAR, MEASURE, differences, play


def ssh(fleet: Fleet, name: str, command: str) -> subprocess.CompletedProcess[str]:
    host = next(h for h in fleet.hosts if h.name == name)
    options = ["-F", "/dev/null", "-o", f"UserKnownHostsFile={fleet.root}/etc/known_hosts", "-i", f"{fleet.root}/etc/user"]
    return subprocess.run(
        ["ssh", *options, "-p", str(PORT), f"{fleet.user}@{host.address}", command], capture_output=True, text=True, check=False
    )


def test_each_host_has_a_home_of_its_own(fleet: Fleet) -> None:
    said = {host.name: ssh(fleet, host.name, "echo $HOME; echo ~").stdout.split() for host in fleet.hosts}
    assert said == {host.name: [str(host.home)] * 2 for host in fleet.hosts}


def test_traffic_is_counted_by_host(fleet: Fleet) -> None:
    ssh(fleet, "h002", "head -c 100000 /dev/zero")
    seen = fleet.traffic(reset=True)
    assert seen["h002"].connections == 1
    assert seen["h002"].down > 100_000 > seen["h002"].up > 0
    assert 5 <= seen["h002"].turns <= 15  # the handshake
    assert seen["h001"].connections == seen["h003"].connections == 0
    assert fleet.traffic()["h002"].down == 0


@pytest.mark.parametrize("fleet", [{"hosts": 1, "delay_ms": 40}], indirect=True)
def test_a_round_trip_takes_two_delays_at_least(fleet: Fleet) -> None:
    start = time.monotonic()
    with socket.create_connection((fleet.hosts[0].address, PORT)) as client:
        client.recv(100)  # the server speaks first: handshake 3 delays, its banner a fourth
        assert time.monotonic() - start >= 4 * 0.040


def test_a_cut_ends_the_connection_and_a_closed_host_refuses(fleet: Fleet) -> None:
    with socket.create_connection((fleet.hosts[0].address, PORT)) as client:
        client.recv(100)
        fleet.cut("h001")
        with pytest.raises(ConnectionResetError):
            while client.recv(100):
                pass
            raise ConnectionResetError
    fleet.close("h001")
    assert ssh(fleet, "h001", "true").returncode == 255
    assert ssh(fleet, "h002", "true").returncode == 0
    fleet.open()
    assert ssh(fleet, "h001", "true").returncode == 0


def test_what_detached_itself_on_a_host_is_found_and_ended(fleet: Fleet) -> None:
    said = ssh(fleet, "h001", "setsid sleep 300 >/dev/null 2>&1 </dev/null & echo $!")
    assert Path(f"/proc/{int(said.stdout)}").exists()
    assert not fleet.wait_idle(0.1)
    assert fleet.end_sessions() >= 1
    assert fleet.wait_idle()


DAEMON = """
import os, time
done, tell = os.pipe()
if os.fork() == 0:
    os.setsid()
    while time.process_time() < 0.3:
        pass
    os.write(tell, b"x")
    time.sleep(300)
os.read(done, 1)
"""


def test_the_cpu_time_of_daemons_counts_and_they_are_ended(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    subprocess.run([sys.executable, MEASURE, result, sys.executable, "-c", DAEMON], check=True)
    cost = json.loads(result.read_text())
    assert cost["rc"] == 0
    assert cost["cpu"] >= 0.3
    assert cost["wall"] < 200


def test_two_runs_of_linear_are_equal_and_a_changed_file_shows(fleet: Fleet, tmp_path: Path) -> None:
    playbook = tmp_path / "small.yml"
    playbook.write_text(
        """
- hosts: fleet
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {content: "{{ what | default(inventory_hostname) }}", dest: "{{ workdir }}/x", mode: "0600"}
"""
    )
    one, two = play(fleet, playbook, LINEAR), play(fleet, playbook, LINEAR)
    assert one.rc == 0, one.stdout
    assert differences(one, two) == []
    assert one.traffic["h001"].turns > 10
    other = play(fleet, playbook, LINEAR, arguments=["-e", "what=another"])
    assert [line.split(":")[0] for line in differences(one, other)] == [f"files {h.name} x" for h in fleet.hosts]


def test_nothing_is_left_after_a_fleet(fleet: Fleet) -> None:
    with Fleet(1, connection="ssh") as other:
        daemons = [d.pid for d in other._daemons]
        ssh(other, "h001", "setsid sleep 300 >/dev/null 2>&1 </dev/null &")
    assert not other.root.exists()
    assert not any(Path(f"/proc/{pid}").exists() for pid in daemons)
    assert fleet.alive()
