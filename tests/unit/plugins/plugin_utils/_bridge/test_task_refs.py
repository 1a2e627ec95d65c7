# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""By what a history knows a task again in the next run, and what it never learns of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.vars.manager import VariableManager
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.identities import (
    gathers,
    identity_of,
    identity_of_gathering,
    playbook_identity,
    shown_name,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.task_refs import TaskRefs

SITE = """
- hosts: all
  roles: [web]
  tasks:
    - name: write it
      ansible.builtin.copy: {content: one, dest: /x}
    - {ping: }
    - {ping: }
  handlers:
    - {name: restart, ping: }
"""


def plays(folder: Path, text: str = SITE, *, name: str = "site.yml") -> tuple[str, list[Any]]:
    """(the playbook's path, its plays), with a role beside it."""
    role = folder / "roles" / "web" / "tasks" / "main.yml"
    role.parent.mkdir(parents=True, exist_ok=True)
    role.write_text("- {name: install, command: x}\n")
    path = folder / name
    path.write_text(text)
    loader = DataLoader()
    loader.set_basedir(str(folder))
    inventory = InventoryManager(loader=loader, sources=["h1,"])
    return str(path), Playbook.load(str(path), variable_manager=VariableManager(loader=loader, inventory=inventory), loader=loader).get_plays()


def tasks(play: Any) -> list[Any]:
    return [task for block in play.compile() for task in block.block if not task.implicit]


def identities(folder: Path, text: str = SITE) -> list[str]:
    path, (play,) = plays(folder, text)
    return [identity_of(task, playbook=path) for task in tasks(play)]


def checkout(tmp_path: Path, place: str) -> Path:
    folder = tmp_path / place / "deploy"
    folder.mkdir(parents=True)
    return folder


def test_two_checkouts_of_a_playbook_share_one_history(tmp_path: Path) -> None:
    one, other = checkout(tmp_path, "alice"), checkout(tmp_path, "bob")
    assert identities(one) == identities(other)
    assert playbook_identity(str(one / "site.yml")) == playbook_identity(str(other / "site.yml")) == "deploy/site.yml"


def test_a_link_to_a_playbook_is_the_playbook(tmp_path: Path) -> None:
    folder = checkout(tmp_path, "real")
    identities(folder)
    (tmp_path / "link").symlink_to(folder)
    linked = tmp_path / "link"
    assert playbook_identity(str(linked / "site.yml")) == "deploy/site.yml"
    assert identities(linked) == identities(folder)


@pytest.mark.parametrize("change", [("content: one", "content: another"), ("- hosts: all", "- hosts: all\n  vars: {a: b}")])
def test_a_named_task_is_known_again_with_other_arguments_and_on_another_line(tmp_path: Path, change: tuple[str, str]) -> None:
    folder = checkout(tmp_path, "x")
    before = identities(folder)[1]
    assert identities(folder, SITE.replace(*change))[1] == before


@pytest.mark.parametrize("change", [("write it", "write another"), ("ansible.builtin.copy: {content: one", "ansible.builtin.template: {src: one")])
def test_another_name_or_another_module_is_another_task(tmp_path: Path, change: tuple[str, str]) -> None:
    folder = checkout(tmp_path, "x")
    before = identities(folder)
    after = identities(folder, SITE.replace(*change))
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True, True]


def test_a_module_is_the_same_by_its_short_and_its_full_name(tmp_path: Path) -> None:
    folder = checkout(tmp_path, "x")
    assert identities(folder) == identities(folder, SITE.replace("ansible.builtin.copy", "copy"))


def test_tasks_without_a_name_are_told_apart_by_their_lines(tmp_path: Path) -> None:
    assert len(set(identities(checkout(tmp_path, "x")))) == 4


def test_a_role_is_known_from_whichever_playbook_uses_it(tmp_path: Path) -> None:
    folder = checkout(tmp_path, "x")
    site, (play,) = plays(folder)
    other, (another,) = plays(folder, "- hosts: all\n  roles: [web]\n", name="other.yml")
    assert identity_of(tasks(play)[0], playbook=site) == identity_of(tasks(another)[0], playbook=other)
    assert shown_name(tasks(play)[0]) == "web : install"


def test_what_is_expected_of_gathering_facts_is_what_its_task_will_be_known_by(tmp_path: Path) -> None:
    from ansible.executor.play_iterator import PlayIterator
    from ansible.playbook.play_context import PlayContext

    path, (play,) = plays(checkout(tmp_path, "x"), "- hosts: all\n  gather_facts: true\n  tasks: [{ping: }]\n")
    manager = play.get_variable_manager()
    iterator = PlayIterator(inventory=manager._inventory, play=play, play_context=PlayContext(), variable_manager=manager, all_vars={})
    (host,) = manager._inventory.get_hosts()
    met = [iterator.get_next_task_for_host(host)[1] for _ in range(3)]
    gathering = next(task for task in met if task.action.endswith("gather_facts") or task.action.endswith("setup"))
    assert identity_of(gathering, playbook=path) == identity_of_gathering(play, playbook=path)


@pytest.mark.parametrize(("written", "gathered"), [("", True), ("gather_facts: true", True), ("gather_facts: false", False)])
def test_facts_are_gathered_unless_the_play_says_otherwise(tmp_path: Path, written: str, gathered: bool) -> None:
    _path, (play,) = plays(checkout(tmp_path, "x"), f"- hosts: all\n  {written}\n  tasks: []\n")
    assert gathers(play) is gathered


def test_a_name_is_kept_as_it_is_written_even_while_it_is_rendered(tmp_path: Path) -> None:
    path, (play,) = plays(checkout(tmp_path, "x"), "- hosts: all\n  tasks: [{name: 'log in as {{ secret }}', ping: }]\n")
    (task,) = tasks(play)
    before = identity_of(task, playbook=path)
    task.name = "log in as hunter2"  # as linear does it for a moment
    refs = TaskRefs()
    refs.begin(path)
    assert (refs.of(task).name, refs.of(task).identity) == ("log in as {{ secret }}", before)


def test_tasks_are_numbered_as_they_are_met_and_keep_their_number_until_the_next_playbook(tmp_path: Path) -> None:
    path, (play,) = plays(checkout(tmp_path, "x"))
    install, write, *_pings = tasks(play)
    refs = TaskRefs()
    refs.begin(path)
    assert [refs.of(task).order for task in (write, install, write.copy())] == [0, 1, 0]
    refs.begin(path)
    assert refs.of(install).order == 0


def test_a_handler_is_told_from_a_task(tmp_path: Path) -> None:
    path, (play,) = plays(checkout(tmp_path, "x"))
    refs = TaskRefs()
    refs.begin(path)
    assert [refs.of(task).handler for task in (tasks(play)[1], play.handlers[0].block[0])] == [False, True]
