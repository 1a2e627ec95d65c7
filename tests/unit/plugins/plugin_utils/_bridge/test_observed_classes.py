# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The class under which a run keeps the times of a host."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.observed_classes import ObservedClasses

FACTS = {"system": "Linux", "architecture": "x86_64", "python_version": "3.11.4"}


def host(tmp_path: Path, inventory: str = "web1\n", name: str = "web1") -> Any:
    path = tmp_path / "hosts.ini"
    path.write_text(inventory)
    return InventoryManager(loader=DataLoader(), sources=[str(path)]).get_host(name)


def of_play(connection: str | None) -> ObservedClasses:
    classes = ObservedClasses()
    classes.play(types.SimpleNamespace(connection=connection))
    return classes


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ("ssh", "ssh"), ("smart", "ssh"), ("local", "local"), ("community.docker.docker", "docker"), ("ansible.builtin.local", "local"),
        ("{{ how }}", "ssh"), (None, "ssh"),
    ],
)  # fmt: skip
def test_the_plays_connection_holds_for_hosts_that_say_nothing(tmp_path: Path, connection: str | None, expected: str) -> None:
    assert of_play(connection).of(host(tmp_path)) == expected


@pytest.mark.parametrize(
    ("inventory", "expected"),
    [
        ("web1 ansible_connection=local\n[all:vars]\nansible_connection=docker\n", "local"),
        ("[all:vars]\nansible_connection=docker\n[web]\nweb1\n[web:vars]\nansible_connection=local\n", "local"),
        ("[site:children]\napp\n[site:vars]\nansible_connection=docker\n[app]\nweb1\n[app:vars]\nansible_connection=local\n", "local"),
        ("[a]\nweb1\n[a:vars]\nansible_connection=local\n[b]\nweb1\n[b:vars]\nansible_connection=docker\n", "docker"),
        ("[a]\nweb1\n[a:vars]\nansible_connection=local\nansible_group_priority=2\n[b]\nweb1\n[b:vars]\nansible_connection=docker\n", "local"),
        ("[a]\nweb1\n[a:vars]\nansible_connection=local\n[b]\nweb1\n", "local"),
        ("web1 ansible_connection=smart\n", "ssh"),
        ("web1 ansible_connection='{{ how }}'\n", "winrm"),
    ],
    ids=["host", "group", "child", "name", "priority", "silent group", "smart", "template"],
)
def test_what_inventory_says_of_a_host_goes_before_the_play(tmp_path: Path, inventory: str, expected: str) -> None:
    assert of_play("winrm").of(host(tmp_path, inventory)) == expected


@pytest.mark.parametrize("prefix", ["", "ansible_"])
def test_facts_make_the_class_narrower(tmp_path: Path, prefix: str) -> None:
    web1, classes = host(tmp_path), of_play("ssh")
    assert classes.of(web1) == "ssh"
    classes.facts(web1, {prefix + name: value for name, value in FACTS.items()})
    assert classes.of(web1) == "ssh/linux/x86_64/3.11"


def test_each_part_keeps_its_place_where_facts_lack_another(tmp_path: Path) -> None:
    classes = of_play("ssh")
    for facts, expected in (
        ({"system": "Linux", "architecture": "x86_64"}, "ssh/linux/x86_64"),
        ({"system": "Linux", "python_version": "3.11.4"}, "ssh/linux//3.11"),
        ({"architecture": "x86_64"}, "ssh//x86_64"),
        ({"python_version": "3.11.4"}, "ssh"),  # alone it says too little
    ):
        name = "-".join(facts)
        web = host(tmp_path, f"{name}\n", name)
        classes.facts(web, facts)
        assert classes.of(web) == expected


@pytest.mark.parametrize("facts", [{}, {"distribution": "Debian"}, {"architecture": "x86_64"}, {"system": "Linux", "python_version": ""}])
def test_a_few_facts_later_take_nothing_away_of_what_is_known(tmp_path: Path, facts: dict[str, str]) -> None:
    web1, classes = host(tmp_path), of_play("ssh")
    classes.facts(web1, FACTS)
    classes.facts(web1, facts)
    assert classes.of(web1) == "ssh/linux/x86_64/3.11"


def test_another_python_later_makes_it_another_class(tmp_path: Path) -> None:
    web1, classes = host(tmp_path), of_play("ssh")
    classes.facts(web1, FACTS)
    classes.facts(web1, FACTS | {"python_version": "3.12.1"})
    assert classes.of(web1) == "ssh/linux/x86_64/3.12"


def test_the_next_play_has_its_own_connection_and_the_facts_of_those_before(tmp_path: Path) -> None:
    web1, classes = host(tmp_path), of_play("ssh")
    classes.facts(web1, FACTS)
    assert classes.of(web1) == "ssh/linux/x86_64/3.11"
    classes.play(types.SimpleNamespace(connection="local"))
    assert classes.of(web1) == "local/linux/x86_64/3.11"


def test_what_one_host_tells_says_nothing_of_another(tmp_path: Path) -> None:
    classes = of_play("ssh")
    classes.facts(host(tmp_path), FACTS)
    assert classes.of(host(tmp_path, "web2\n", "web2")) == "ssh"
