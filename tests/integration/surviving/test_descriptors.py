# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs of a controller that may open only a few files. Its hosts are this machine, each with an interpreter, and so an agent, of its own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.fleet import Fleet
from tests.lab.play import COLLECTIONS, OURS, Contestant, play

COUNTING = """
import os
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, 'aggregate', 'counting'

    def _count(self, what):
        with open(os.environ['COUNTED'], 'a') as file:
            print(what, len(os.listdir('/proc/self/fd')) - 2, file=file)  # without this file and the folder that is listed

    def v2_runner_on_ok(self, result):
        self._count(result.task.name)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._count(result.task.name)
"""
TWO = """
- hosts: all
  gather_facts: false
  strategy: rustle.engine.rustle_binary_hybrid
  tasks:
    - {name: one, ansible.builtin.command: "true", changed_when: false}
    - {name: two, ansible.builtin.command: "true", changed_when: false}
"""
ONE_BY_ONE = """
- hosts: all
  gather_facts: false
  tasks:
    - {name: one, ansible.builtin.command: "true", changed_when: false}
    - {name: wait for all, ansible.builtin.command: "true", changed_when: false, run_once: true}
    - {name: two, ansible.builtin.command: "true", changed_when: false}
"""
STOCK = """
- hosts: all
  gather_facts: false
  strategy: rustle.engine.rustle_binary_hybrid
  tasks:
    - {name: one, ansible.builtin.command: "true", changed_when: false}
    - {name: stock, ansible.builtin.command: "true", changed_when: false, throttle: 8}
"""
FAILING = """
- hosts: all
  gather_facts: false
  strategy: rustle.engine.rustle_binary_hybrid
  tasks:
    - {name: one, ansible.builtin.command: "true", changed_when: false}
    - {name: fails, ansible.builtin.command: "false", when: inventory_hostname != 'h1'}
- hosts: all
  gather_facts: false
  strategy: rustle.engine.rustle_binary_hybrid
  tasks:
    - {name: two, ansible.builtin.command: sleep 1, changed_when: false}
    - {name: three, ansible.builtin.command: "true", changed_when: false}
"""


class Ran:
    def __init__(self, done: subprocess.CompletedProcess[str], counted: str) -> None:
        self.status, self.out = done.returncode, done.stdout + done.stderr
        self.open = [(name, int(count)) for name, count in (line.split() for line in counted.splitlines())]


def played(folder: Path, playbook: str, *, limit: int, hosts: int = 8) -> Ran:
    """``limit``: of descriptors; the agents, which are processes of this machine too, have more."""
    (folder / "play.yml").write_text(playbook)
    (folder / "counting.py").write_text(COUNTING)
    (folder / "counted").touch()
    for number in range(1, hosts + 1):
        interpreter = folder / f"h{number}"
        interpreter.write_text(f'#!/bin/sh\nulimit -Sn 1024\nexec {sys.executable} "$@"\n')
        interpreter.chmod(0o755)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RUSTLE_"))} | {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_CALLBACK_PLUGINS": str(folder), "ANSIBLE_CALLBACKS_ENABLED": "counting",
        "COUNTED": str(folder / "counted"),
    }  # fmt: skip
    names = ",".join(f"h{number}" for number in range(1, hosts + 1))
    command = [
        sys.executable, "-m", "ansible", "playbook", "-vvv", "-f", str(hosts), "-i", f"{names},", "-c", "local",
        "-e", f"ansible_python_interpreter={folder}/{{{{ inventory_hostname }}}}", "play.yml",
    ]  # fmt: skip

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    done = subprocess.run(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False, preexec_fn=few)
    return Ran(done, (folder / "counted").read_text())


def test_without_need_no_agent_is_let_go(tmp_path: Path) -> None:
    ran = played(tmp_path, TWO, limit=1024)
    assert (ran.status, ran.out.count("starting an agent")) == (0, 8) and "descriptors are in use" not in ran.out
    assert max(count for _name, count in ran.open) >= 24, "three for each agent"


@pytest.mark.parametrize(("playbook", "limit"), [(TWO, 40), (STOCK, 60)], ids=["agents", "stock"])
def test_where_descriptors_are_few_hosts_wait_for_each_other_and_the_run_goes_well(tmp_path: Path, playbook: str, limit: int) -> None:
    ran = played(tmp_path, playbook, limit=limit, hosts=14)  # whose agents take more than there is
    assert ran.status == 0 and ran.out.count("ok=2 ") == 14, ran.out[-3000:]
    assert "agent-unavailable" not in ran.out and max(count for _name, count in ran.open) < limit
    assert ran.out.count("starting an agent") >= 14 and ran.out.replace("\n", " ").count(f"of {limit} descriptors are in use") == 1


def test_where_a_worker_of_the_stock_path_has_no_room_the_run_says_what_to_do(tmp_path: Path) -> None:
    ran = played(tmp_path, STOCK, limit=42)
    assert ran.status != 0 and {name for name, _count in ran.open} <= {"one", "stock"}
    assert "a worker cannot be started: too many files are open" in ran.out and "hint: raise the limit" in ran.out
    assert "Traceback" not in ran.out


def test_where_not_one_agent_has_room_the_run_says_what_to_do(tmp_path: Path) -> None:
    ran = played(tmp_path, TWO, limit=20)
    assert ran.status != 0 and ran.open == []
    assert "an agent cannot be started: too many files are open" in ran.out and "hint: raise the limit (ulimit -n), or lower forks" in ran.out
    assert "Traceback" not in ran.out


def test_hosts_that_have_failed_give_their_descriptors_back_after_the_play(tmp_path: Path) -> None:
    ran = played(tmp_path, FAILING, limit=1024)
    before, after = (max(count for name, count in ran.open if name == wanted) for wanted in ("fails", "three"))
    assert before - after >= 3 * 7, ran.open


@pytest.mark.parametrize("fleet", [{"hosts": 12}], indirect=True)
def test_agents_that_are_let_go_end_on_their_hosts_and_those_of_waiting_hosts_take_their_place(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(ONE_BY_ONE)
    few = tmp_path / "ansible-playbook"
    few.write_text(f'#!/bin/sh\nulimit -Sn 40\nexec {Path(sys.executable).parent}/ansible-playbook "$@"\n')
    few.chmod(0o755)
    contestant = Contestant("rustle", OURS, env={"ANSIBLE_FORKS": "12"})
    outcome = play(fleet, tmp_path / "play.yml", contestant, arguments=["-vvv"], bin_dir=tmp_path)
    assert outcome.rc == 0 and all("ok=2 " in recap or "ok=3 " in recap for recap in outcome.recap.values()), outcome.stdout[-3000:]
    assert len(outcome.recap) == 12 and "agent-unavailable" not in outcome.stdout and outcome.stdout.count("starting an agent") > 12
    assert fleet.wait_idle(), "no agent is left"
