# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run with rustle_plan_file is the plan that was saved, or it does not begin and says what has changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.play import COLLECTIONS, OURS, ROOT

SITE = """
- name: Site
  hosts: all
  gather_facts: false
  connection: local
  vars: {number: 1}
  roles: [web]
"""
FILES = {
    "site.yml": SITE,
    "inventory": f"h1 word=a\nh2 word=a\n[all:vars]\nansible_python_interpreter={sys.executable}\n",
    "roles/web/tasks/main.yml": "- template: {src: t.j2, dest: \"{{ out }}/{{ inventory_hostname }}\"}\n",
    "roles/web/templates/t.j2": "{{ number }} {{ word }}\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "out").mkdir()
    done = command(tmp_path, sys.executable, str(ROOT / "plugins/plugin_utils/_cli/entry.py"), "site.yml", "--save", "site.rplan")
    assert done.returncode == 0, done.stderr
    return tmp_path


def command(folder: Path, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    given = {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_STRATEGY": OURS, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_DEPRECATION_WARNINGS": "0", "XDG_CACHE_HOME": str(folder / "cache"),
    }
    words = (*words, "-i", "inventory", "-e", f"out={folder}/out")
    return subprocess.run(words, cwd=folder, env=os.environ | given | (env or {}), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def run(folder: Path, *words: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    playbook = str(Path(sys.executable).parent / "ansible-playbook")
    done = command(folder, playbook, "site.yml", "-e", "rustle_plan_file=site.rplan", *words, env=env)
    return done.returncode, done.stdout + done.stderr


def ran(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "out").iterdir())


def test_the_run_that_was_planned_is_run(folder: Path) -> None:
    rc, said = run(folder)
    assert rc == 0 and ran(folder) == ["h1", "h2"], said


def _edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text((folder / name).read_text().replace(old, new)) and None


@pytest.mark.parametrize(
    ("change", "arguments", "named"),
    [
        (_edit("site.yml", "number: 1", "number: 2"), (), "site.yml: changed"),
        (_edit("roles/web/templates/t.j2", "number", "word"), (), "roles/web/templates/t.j2: changed"),
        (lambda folder: (folder / "roles/web/tasks/later.yml").write_text("[]"), (), "roles/web/tasks/later.yml: new"),
        (_edit("inventory", "word=a", "word=b"), (), "the hosts of play 'Site', or variables of theirs that its tasks read: changed"),
        (_edit("inventory", "h2 word=a\n", ""), (), "the hosts of play 'Site', or variables of theirs that its tasks read: changed"),
        (_edit("inventory", "", ""), ("--check",), "--check: it was planned with nothing, the run has it"),
        (_edit("inventory", "", ""), ("-l", "h1"), "--limit: it was planned with nothing, the run has 'h1'"),
    ],
)
def test_a_run_that_is_another_one_does_not_begin_and_says_why(folder: Path, change: Callable[[Path], object], arguments: tuple[str, ...], named: str) -> None:
    change(folder)
    rc, said = run(folder, *arguments)
    assert rc != 0 and named in said and not ran(folder), said
    assert "Traceback" not in said


def test_another_ordering_is_another_plan(folder: Path) -> None:
    rc, said = run(folder, env={"RUSTLE_ORDERING": "linear"})
    assert rc != 0 and "settings or effects: planning gives another plan now" in said and not ran(folder), said


def test_variables_that_no_task_reads_may_change(folder: Path) -> None:
    _edit("inventory", "h1 word=a", "h1 word=a unread=1")(folder)
    rc, said = run(folder)
    assert rc == 0 and ran(folder) == ["h1", "h2"], said


def test_what_is_no_plan_is_named(folder: Path) -> None:
    (folder / "site.rplan").write_text("nothing of the kind")
    rc, said = run(folder)
    assert rc != 0 and "site.rplan: the document: expected a plan that rustle-plan saved" in said and not ran(folder), said
    (folder / "site.rplan").unlink()
    rc, said = run(folder)
    assert rc != 0 and "site.rplan: expected a plan that rustle-plan --save wrote" in said and not ran(folder), said


def test_a_run_says_where_it_was_not_what_was_planned(folder: Path) -> None:
    rc, said = run(folder, "-v")
    assert rc == 0 and "rustle: all was as planned" in said
    (folder / "large").mkdir()
    (folder / "large" / "one").write_bytes(bytes(17 << 20))  # more than an agent takes; no plan looks into folders
    extra = "- {name: image, copy: {src: ../../../large, dest: \"{{ out }}/{{ inventory_hostname }}.image\"}}\n"
    (folder / "roles/web/tasks/main.yml").write_text(FILES["roles/web/tasks/main.yml"] + extra)
    assert command(folder, sys.executable, str(ROOT / "plugins/plugin_utils/_cli/entry.py"), "site.yml", "--save", "site.rplan").returncode == 0
    rc, said = run(folder, "-v")
    assert rc == 0 and "rustle: 1 difference from the plan" in said, said
    assert '"web : image" (roles/web/tasks/main.yml:2) on h1, h2: planned agent, run on the stock path: large-file' in said
