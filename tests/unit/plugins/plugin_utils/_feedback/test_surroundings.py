# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is told of a run and its plays before anything has run: how they were called, for whom, and what is ahead."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible import constants, context
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.utils.context_objects import CLIArgs
from ansible.vars.manager import VariableManager
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.task_refs import identity_of
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback import surroundings


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Ansible is without a configuration of its own."""
    monkeypatch.setattr(constants, "HOST_KEY_CHECKING", True)
    monkeypatch.setenv("ANSIBLE_PIPELINING", "0")
    called(monkeypatch)


def called(monkeypatch: pytest.MonkeyPatch, **args: Any) -> None:
    """With these arguments of ansible-playbook."""
    monkeypatch.setattr(context, "CLIARGS", CLIArgs(args))


# -- the run


def test_a_run_is_told_as_it_was_called(monkeypatch: pytest.MonkeyPatch) -> None:
    called(monkeypatch, inventory=["/etc/hosts.ini", "web1,"], subset="web*", tags=["deploy", "all"], skip_tags=["slow"], forks=20, check=True)
    told = surroundings.of_run()
    assert {name: told[name] for name in ("inventory", "limit", "tags", "skip_tags", "forks", "check", "traits")} == {
        "inventory": "/etc/hosts.ini,web1,", "limit": "web*", "tags": ("deploy", "all"), "skip_tags": ("slow",), "forks": 20, "check": True, "traits": (),
    }  # fmt: skip


def test_what_was_not_given_is_empty_or_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_FORKS", 7)
    called(monkeypatch, tags=["all"], subset=None)  # ansible-playbook's own default for tags
    told = surroundings.of_run()
    assert {name: told[name] for name in ("inventory", "limit", "tags", "skip_tags", "forks", "check")} == {
        "inventory": "", "limit": "", "tags": (), "skip_tags": (), "forks": 7, "check": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("args", "trait"),
    [({"ask_pass": True}, "ask-pass"), ({"become_ask_pass": True}, "become-ask-pass"), ({"diff": True}, "diff")],
)
def test_arguments_that_are_remarkable_are_traits(monkeypatch: pytest.MonkeyPatch, args: dict[str, bool], trait: str) -> None:
    called(monkeypatch, **args)
    assert surroundings.of_run()["traits"] == (trait,)


def test_so_is_what_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HOST_KEY_CHECKING", False)
    monkeypatch.setenv("ANSIBLE_PIPELINING", "1")
    assert surroundings.of_run()["traits"] == ("host-key-checking-off", "pipelining")


def test_nothing_that_may_be_secret_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {"extra_vars": ["password=hunter2"], "vault_password_files": ["hunter2"], "connection_password_file": "hunter2", "args": ["hunter2"]}
    called(monkeypatch, **secrets)
    assert "hunter2" not in repr(surroundings.of_run())


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("No username set")])
def test_a_controller_that_has_no_name_for_its_user_runs_all_the_same(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def getuser() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", getuser)
    assert surroundings.of_run()["user"] == ""
    monkeypatch.setattr(getpass, "getuser", lambda: "deploy")
    assert surroundings.of_run()["user"] == "deploy"


# -- its plays


def a_play(folder: Path, text: str, *, hosts: Sequence[str] = ("web1", "web2", "web3"), tags: Sequence[str] = ("all",), skip: Sequence[str] = ()) -> Any:
    path = folder / "site.yml"
    path.write_text(text)
    loader = DataLoader()
    loader.set_basedir(str(folder))
    inventory = InventoryManager(loader=loader, sources=[",".join(hosts) + ","])
    manager = VariableManager(loader=loader, inventory=inventory)
    (play,) = Playbook.load(str(path), variable_manager=manager, loader=loader).get_plays()
    play.only_tags, play.skip_tags = set(tags), set(skip)
    return play


@pytest.mark.parametrize(
    ("keywords", "traits"),
    [
        ("", ()), ("connection: local", ("local",)), ("connection: ansible.builtin.local", ("local",)), ("connection: ssh", ()),
        ("serial: [1, 50%]", ("serial",)),
    ],
)  # fmt: skip
def test_a_play_of_the_controller_or_in_batches_is_one_by_its_traits(tmp_path: Path, keywords: str, traits: tuple[str, ...]) -> None:
    play = a_play(tmp_path, f"- hosts: all\n  tasks: []\n  {keywords}\n")
    assert surroundings.traits_of_play(play) == traits


def test_the_hosts_of_a_play_are_those_of_its_batch_in_their_order(tmp_path: Path) -> None:
    play = a_play(tmp_path, "- hosts: all,!web2\n  order: reverse_sorted\n  tasks: []\n")
    assert surroundings.hosts_of(play) == ("web3", "web1")
    inventory = play.get_variable_manager()._inventory
    inventory.restrict_to_hosts([inventory.get_host(name) for name in ("web1", "web2")])  # as a batch begins
    assert surroundings.hosts_of(play) == ("web1",)


def test_where_hosts_cannot_be_known_none_are_told(tmp_path: Path) -> None:
    play = a_play(tmp_path, "- hosts: all\n  tasks: []\n")
    play.get_variable_manager()._inventory = None
    assert surroundings.hosts_of(play) == ()


EVERYTHING = """
- hosts: all
  gather_facts: false
  roles: [web]
  pre_tasks:
    - {name: first, ping: }
  tasks:
    - name: between
      meta: flush_handlers
    - name: all of it
      tags: [deploy]
      block:
        - {name: tried, ping: }
        - block:
            - {name: deep, ping: }
      rescue:
        - {name: saved, ping: }
      always:
        - {name: cleaned, ping: }
    - {name: seldom, ping: , tags: [never, rare]}
    - {name: included, include_tasks: more.yml}
    - {import_tasks: more.yml, tags: [deploy]}
  post_tasks:
    - {name: last, ping: }
  handlers:
    - {name: told, ping: }
"""


def ahead(folder: Path, text: str = EVERYTHING, **fields: Any) -> list[str] | None:
    """Names of the tasks that are expected."""
    for name, content in (("roles/web/tasks/main.yml", "- {name: install, ping: }\n"), ("more.yml", "- {name: more, ping: }\n")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    play = a_play(folder, text, **fields)
    path = str(folder / "site.yml")
    names = {identity_of(task, playbook=path): task.name for task in _tasks(play.compile())}
    found = surroundings.expected(play, playbook=path)
    return None if found is None else [names.get(identity, "facts") for identity in found]


def _tasks(blocks: Sequence[Any]) -> list[Any]:
    found = []
    for one in blocks:
        found += _tasks([*one.block, *one.rescue, *one.always]) if hasattr(one, "rescue") else [one]
    return found


def test_ahead_of_a_host_is_what_it_has_to_go_through_if_all_goes_well_in_order(tmp_path: Path) -> None:
    assert ahead(tmp_path) == ["first", "install", "tried", "deep", "cleaned", "included", "more", "last"]


def test_of_tags_only_what_was_chosen_is_ahead(tmp_path: Path) -> None:
    assert ahead(tmp_path, tags=["deploy"]) == ["tried", "deep", "cleaned", "more"]
    assert ahead(tmp_path, tags=["rare"]) == ["seldom"]
    assert ahead(tmp_path, skip=["deploy"]) == ["first", "install", "included", "last"]


def test_tags_may_stand_in_variables_of_the_play(tmp_path: Path) -> None:
    text = "- hosts: all\n  gather_facts: false\n  vars: {kind: deploy}\n  tasks:\n    - {name: it, ping: , tags: ['{{ kind }}']}\n    - {name: no, ping: }\n"
    assert ahead(tmp_path, text, tags=["deploy"]) == ["it"]


def test_where_tags_cannot_be_told_nobody_says_how_much_is_ahead(tmp_path: Path) -> None:
    text = "- hosts: all\n  gather_facts: false\n  tasks:\n    - {name: it, ping: , tags: ['{{ nowhere }}']}\n"
    assert ahead(tmp_path, text, tags=["deploy"]) is None


def test_facts_come_first_where_ansible_gathers_them(tmp_path: Path) -> None:
    text = "- hosts: all\n  tasks:\n    - {name: it, ping: , tags: [deploy]}\n"
    assert ahead(tmp_path, text) == ahead(tmp_path, text, tags=["deploy"]) == ["facts", "it"]


def test_of_a_play_with_tags_facts_have_these_tags_too(tmp_path: Path) -> None:
    text = "- hosts: all\n  tags: [web]\n  tasks:\n    - {name: it, ping: , tags: [deploy]}\n"
    assert ahead(tmp_path, text, tags=["web"]) == ["facts", "it"]
    assert ahead(tmp_path, text, tags=["deploy"]) == ["it"]
