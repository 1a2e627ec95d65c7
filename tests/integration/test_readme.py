# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every example of the README, run as it stands there, on a home folder with the collection installed as the README says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore

from tests.lab.history import a_run
from tests.lab.play import ROOT

README = (ROOT / "README.md").read_text()
BIN = Path(sys.executable).parent
SITE = """
- hosts: web
  gather_facts: false
  tasks:
    - ansible.builtin.command: {cmd: echo said}
      changed_when: false
      register: said
    - ansible.builtin.assert: {that: said.stdout == "said"}
"""
Shell = Callable[[str], str]


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands(start: str) -> list[str]:
    """The indented command lines that begin with these words."""
    return re.findall(rf"^    ((?:[A-Z_]+=\S+ )?{start}.*?)(?:  +#.*)?$", README, re.MULTILINE)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home into which the README's `ansible-galaxy` lines have installed the collection."""
    home = tmp_path_factory.mktemp("home")
    build, install = commands("ansible-galaxy collection")
    run(home, f"{build} {ROOT}")
    run(home, install)
    (home / "inventory").write_text(f"[web]\nw1 ansible_connection=local ansible_python_interpreter={sys.executable}\n")
    (home / "site.yml").write_text(SITE)
    return home


def run(home: Path, line: str) -> str:
    """Run one line in the home as a new user's shell would; what it printed."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "PYTHON", "RUSTLE_"))}
    clean |= {"HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_INVENTORY": "inventory"}
    done = subprocess.run(["sh", "-c", line], cwd=home, env=clean, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def strategy_that_ran(output: str) -> str:
    """What -vv says of the path: ours ends a play with its counts."""
    return "rustle" if re.search(r"round trips \d", output) else "linear"


@pytest.mark.parametrize("config", blocks("ini"), ids=["qualified", "bare"])
def test_each_ansible_cfg_switches_it_on(home: Path, config: str) -> None:
    (home / "ansible.cfg").write_text(config)
    play = SITE if "strategy =" in config else SITE.replace("hosts: web", "hosts: web\n  strategy: rustle_binary_hybrid")
    (home / "configured.yml").write_text(play)
    assert strategy_that_ran(run(home, "ansible-playbook -vv configured.yml")) == "rustle"


def test_the_play_switches_it_on(home: Path) -> None:
    (home / "ansible.cfg").unlink(missing_ok=True)
    (play,) = blocks("yaml")
    (home / "roles" / "site" / "tasks").mkdir(parents=True)
    (home / "roles" / "site" / "tasks" / "main.yml").write_text("- ansible.builtin.ping:\n")
    (home / "play.yml").write_text(play)
    assert strategy_that_ran(run(home, "ansible-playbook -vv play.yml")) == "rustle"


def test_the_environment_switches_it_off(home: Path) -> None:
    (home / "ansible.cfg").write_text(blocks("ini")[0])
    (line,) = commands("ansible-playbook")
    assert "RUSTLE_ENABLED=0" in line
    assert strategy_that_ran(run(home, f"{line} -vv")) == "linear"


def test_the_plan_is_shown(home: Path) -> None:
    """The command as a wheel installs it is tested with the wheel; here it is that of the installed collection."""
    (line,) = commands("rustle-plan")
    entry = home / ".ansible" / "collections" / "ansible_collections" / "rustle" / "engine" / "plugins" / "plugin_utils" / "_cli" / "entry.py"
    shown = run(home, line.replace("rustle-plan", f"{sys.executable} {entry}", 1))
    assert shown.startswith("1 play, 2 tasks, 1 host")


def test_runs_are_shown(home: Path) -> None:
    store = SqliteStore(str(home / ".local" / "share" / "rustle" / "feedback.db"))
    store.put(a_run().records)
    store.close()
    entry = home / ".ansible" / "collections" / "ansible_collections" / "rustle" / "engine" / "plugins" / "plugin_utils" / "_cli" / "entry.py"
    show, report = (run(home, line.replace("rustle-feedback", f"{sys.executable} {entry} --feedback", 1)) for line in commands("rustle-feedback"))
    assert show.startswith("site.yml: failed") and report == ""
    assert (home / "run.html").read_text().startswith("<!DOCTYPE html>")


def test_every_make_target_of_the_readme_is_there() -> None:
    targets = {line.split()[1] for line in commands("make")}
    assert targets == {"demo", "test"}
    for target in targets:
        assert re.search(rf"^{target}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_every_link_leads_to_a_file() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    dead = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert not dead
