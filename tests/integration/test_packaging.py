# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Both ways to install the collection: a wheel into site-packages, and Galaxy's archive onto a collections path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore

from tests.lab.history import a_run
from tests.lab.play import ROOT

STRATEGY = "rustle.engine.rustle_binary_hybrid"
BIN = Path(sys.executable).parent
VERSION = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
SMOKE = """
- hosts: localhost
  connection: local
  gather_facts: false
  strategy: rustle.engine.rustle_binary_hybrid
  tasks:
    - ansible.builtin.command: {cmd: echo installed}
      changed_when: false
      register: said
    - ansible.builtin.assert: {that: said.stdout == "installed"}
"""


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command with no collections path but the given one; its output."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "PYTHON", "RUSTLE_"))}
    clean |= {"HOME": str(cwd), "ANSIBLE_COLLECTIONS_PATH": str(cwd / "none"), "ANSIBLE_NOCOLOR": "1", **(env or {})}
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr if command[0] == BIN / "ansible-playbook" else done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    run(BIN / "ansible-galaxy", "collection", "build", ROOT, "--output-path", folder, cwd=folder)
    return folder / f"rustle-engine-{VERSION}.tar.gz"


@pytest.fixture(scope="module")
def wheel_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that sees this one's packages, with the project's wheel in it; its bin folder."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    bin_dir = folder / "venv" / "bin"
    site = Path(run(bin_dir / "python", "-c", "import site; print(site.getsitepackages()[0])", cwd=folder).strip())
    (site / "dependencies.pth").write_text(run(sys.executable, "-c", "import site; print(site.getsitepackages()[0])", cwd=folder))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", bin_dir / "python"]
    run(*pip, "install", "-q", ROOT, cwd=folder, env={"HOME": str(Path.home())})
    return bin_dir


def test_the_wheel_puts_the_collection_where_ansible_looks(wheel_venv: Path, tmp_path: Path) -> None:
    listed = json.loads(run(wheel_venv / "python", "-m", "ansible", "galaxy", "collection", "list", "--format", "json", cwd=tmp_path))
    found = {path: c["rustle.engine"]["version"] for path, c in listed.items() if "rustle.engine" in c}
    assert list(found.values()) == [VERSION]
    assert "site-packages" in next(iter(found))


def test_the_wheels_strategy_is_documented_and_runs(wheel_venv: Path, tmp_path: Path) -> None:
    assert STRATEGY in run(wheel_venv / "python", "-m", "ansible", "doc", "-t", "strategy", STRATEGY, cwd=tmp_path)
    (tmp_path / "smoke.yml").write_text(SMOKE)
    assert "failed=0" in run(wheel_venv / "python", "-m", "ansible", "playbook", "smoke.yml", cwd=tmp_path)


def test_the_wheels_command_plans(wheel_venv: Path, tmp_path: Path) -> None:
    assert f"rustle-plan {VERSION} (ansible-core " in run(wheel_venv / "rustle-plan", "-V", cwd=tmp_path)
    (tmp_path / "smoke.yml").write_text(SMOKE)
    assert "1 play, 2 tasks, 1 host" in run(wheel_venv / "rustle-plan", "smoke.yml", cwd=tmp_path)
    module = "ansible_collections.rustle.engine.plugins.plugin_utils._cli"
    assert "1 play, 2 tasks, 1 host" in run(wheel_venv / "python", "-m", module, "smoke.yml", "--dry-run", cwd=tmp_path)


def test_the_wheels_command_shows_runs(wheel_venv: Path, tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "feedback.db"))
    store.put(a_run().records)
    store.close()
    assert run(wheel_venv / "rustle-feedback", "--version", cwd=tmp_path).startswith(f"rustle-feedback {VERSION} (Python ")
    module = "ansible_collections.rustle.engine.plugins.plugin_utils._cli.feedback"
    for command in ([wheel_venv / "rustle-feedback"], [wheel_venv / "python", "-m", module]):
        assert "site.yml" in run(*command, "runs", "--db", "feedback.db", cwd=tmp_path)
    assert "<canvas" in run(wheel_venv / "rustle-feedback", "report", "--db", "feedback.db", cwd=tmp_path)


def test_the_command_of_galaxys_archive_plans(built: Path, tmp_path: Path) -> None:
    run(BIN / "ansible-galaxy", "collection", "install", built, "-p", tmp_path / "c", cwd=tmp_path)
    (tmp_path / "smoke.yml").write_text(SMOKE)
    entry = tmp_path / "c" / "ansible_collections" / "rustle" / "engine" / "plugins" / "plugin_utils" / "_cli" / "entry.py"
    assert "1 play, 2 tasks, 1 host" in run(sys.executable, entry, "smoke.yml", cwd=tmp_path, env={"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "c")})


def test_galaxys_archive_installs_is_documented_and_runs(built: Path, tmp_path: Path) -> None:
    run(BIN / "ansible-galaxy", "collection", "install", built, "-p", tmp_path / "c", cwd=tmp_path)
    env = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "c")}
    listed = json.loads(run(BIN / "ansible-galaxy", "collection", "list", "--format", "json", cwd=tmp_path, env=env))
    assert listed[str(tmp_path / "c" / "ansible_collections")]["rustle.engine"]["version"] == VERSION
    assert STRATEGY in run(BIN / "ansible-doc", "-t", "strategy", STRATEGY, cwd=tmp_path, env=env)
    (tmp_path / "smoke.yml").write_text(SMOKE)
    assert "failed=0" in run(BIN / "ansible-playbook", "smoke.yml", cwd=tmp_path, env=env)


def test_without_its_packages_it_runs_as_linear_and_names_them(built: Path, tmp_path: Path) -> None:
    run(BIN / "ansible-galaxy", "collection", "install", built, "-p", tmp_path / "c", cwd=tmp_path)
    (tmp_path / "bare" / "greenlet").mkdir(parents=True)
    (tmp_path / "bare" / "greenlet" / "__init__.py").write_text("raise ModuleNotFoundError('no greenlet', name='greenlet')")
    (tmp_path / "smoke.yml").write_text(SMOKE)
    env = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "c"), "PYTHONPATH": str(tmp_path / "bare")}
    done = run(BIN / "ansible-playbook", "smoke.yml", cwd=tmp_path, env=env)
    assert "failed=0" in done
    assert done.count("pip install greenlet") == 1


def test_the_archive_holds_what_users_need_and_nothing_else(built: Path) -> None:
    with tarfile.open(built) as archive:
        names = archive.getnames()
    top = {name.split("/")[0] for name in names}
    tables = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("plugins/plugin_utils/_planner/effects_tables/*.yml")}
    assert tables and tables <= set(names)
    assert {"LICENSE", "MANIFEST.json", "README.md", "meta", "playbooks", "plugins", "requirements.txt", "roles"} <= top
    assert not top & {".ci", ".git", ".work", "Makefile", "dist", "pyproject.toml", "tests"}


def test_the_execution_environment_asks_for_what_the_wheel_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert lines == [d for d in project["dependencies"] if not d.startswith("ansible-core")]
