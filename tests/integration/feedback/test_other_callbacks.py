# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The callbacks that people have already record of a run under ours what they record of it under linear, beside our own callback."""

from __future__ import annotations

import importlib.util
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.lab.fleet import Fleet
from tests.lab.play import LINEAR, OURS, Contestant, Outcome, play

PLAYBOOK = Path(__file__).parent / "everything.yml"
FLEET = pytest.mark.parametrize("fleet", [{"hosts": 2}], indirect=True)


def run(fleet: Fleet, strategy: str, callbacks: str, env: dict[str, str]) -> Outcome:
    env = {"ANSIBLE_CALLBACKS_ENABLED": f"{callbacks},rustle.engine.feedback", "RUSTLE_FEEDBACK_DB": str(fleet.root / "feedback.db"), **env}
    outcome = play(fleet, PLAYBOOK, Contestant(strategy, strategy, env=env), arguments=["-e", "vaulted_word=word"])
    assert outcome.rc == 0, outcome.stdout
    return outcome


def junit(fleet: Fleet, strategy: str, folder: Path) -> set[tuple[str, str, str]]:
    run(fleet, strategy, "junit", {"JUNIT_OUTPUT_DIR": str(folder), "JUNIT_TASK_CLASS": "true"})
    (file,) = folder.glob("*.xml")
    cases = ET.fromstring(file.read_text()).iter("testcase")
    return {(str(case.get("classname")), str(case.get("name")), ",".join(sorted(child.tag for child in case))) for case in cases}


@FLEET
def test_junit_has_the_same_cases(fleet: Fleet, tmp_path: Path) -> None:
    expected = junit(fleet, LINEAR.strategy, tmp_path / "linear")
    assert len(expected) > 10
    assert junit(fleet, OURS, tmp_path / "ours") == expected


def ara(fleet: Fleet, strategy: str, folder: Path) -> set[tuple[str, str, str, bool]]:
    """(host, task, status, changed) of each result."""
    plugins = subprocess.run([sys.executable, "-m", "ara.setup.callback_plugins"], capture_output=True, text=True, check=True).stdout.strip()
    folder.mkdir()
    env = {"ARA_BASE_DIR": str(folder), "ARA_API_CLIENT": "offline", "ARA_SETTINGS": str(folder / "settings.yaml")}
    run(fleet, strategy, "ara_default", {**env, "ANSIBLE_CALLBACK_PLUGINS": plugins})
    with sqlite3.connect(folder / "ansible.sqlite") as database:
        rows = database.execute(
            "select hosts.name, tasks.name, results.status, results.changed from results"
            " join hosts on hosts.id = results.host_id join tasks on tasks.id = results.task_id")
        return {(host, task, status, bool(changed)) for host, task, status, changed in rows}


@pytest.mark.skipif(importlib.util.find_spec("ara") is None, reason="ara is not installed in this environment")
@FLEET
def test_ara_has_the_same_results(fleet: Fleet, tmp_path: Path) -> None:
    expected = ara(fleet, LINEAR.strategy, tmp_path / "linear")
    assert len(expected) > 20
    assert ara(fleet, OURS, tmp_path / "ours") == expected


@FLEET
def test_others_go_on_beside_ours(fleet: Fleet, tmp_path: Path) -> None:
    outcome = run(
        fleet, OURS, "ansible.posix.profile_tasks,ansible.builtin.tree",
        {"ANSIBLE_CALLBACK_TREE_DIR": str(tmp_path), "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal"})
    assert "failed for plugin" not in outcome.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"h001", "h002"}
