# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lookup rustle.engine.plan and the playbook of the same name, as users call them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.play import COLLECTIONS

SITE = """
- hosts: all
  gather_facts: false
  tasks:
    - name: First
      file: {path: /srv/x, state: directory}
    - name: Second
      copy: {content: "", dest: /srv/x/y}
"""
ASK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - debug:
        msg: "{{ (lookup('rustle.engine.plan', 'site.yml', limit='h1')) | to_json }}"
    - debug: {msg: "{{ lookup('rustle.engine.plan', 'missing.yml') }}"}
      ignore_errors: true
    - debug: {msg: "the run goes on with {{ ansible_limit | default('no limit') }}, check mode {{ ansible_check_mode }}"}
"""


def ansible_playbook(folder: Path, *words: str, strategy: str = "linear") -> str:
    env = os.environ | {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_STRATEGY": strategy, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_DEPRECATION_WARNINGS": "0", "ANSIBLE_LOCALHOST_WARNING": "0",
    }
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "h1,h2", *words]
    done = subprocess.run(command, cwd=folder, env=env | {"PWD": str(folder)}, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.yml").write_text(SITE)
    (tmp_path / "ask.yml").write_text(ASK)
    return tmp_path


@pytest.mark.parametrize("strategy", ["linear", "rustle.engine.rustle_binary_hybrid"])
def test_the_lookup_gives_the_plan_and_leaves_the_run_as_it_is(folder: Path, strategy: str) -> None:
    said = ansible_playbook(folder, "ask.yml", strategy=strategy)
    line = next(line for line in said.splitlines() if '"msg": "{' in line)
    plan = json.loads(json.loads("{" + line.strip() + "}")["msg"])
    assert [task["name"] for task in plan["plays"][0]["batches"][0]["tasks"]] == ["First", "Second"]
    assert plan["hosts"] == ["h1"] and plan["total_tasks"] == 2
    assert "missing.yml: expected a playbook, found nothing there" in said
    assert "the run goes on with no limit, check mode False" in said


def test_the_playbook_prints_the_plan(folder: Path) -> None:
    said = ansible_playbook(folder, "rustle.engine.plan", "-e", "playbook=site.yml", "-e", "plan_limit=h2")
    assert "1 play, 2 tasks, 1 host" in said and "Second" in said
