# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What VariableManager says of hosts and tasks while the roles of a play are merged: the same as without that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible import constants as C
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.vars.manager import VariableManager
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.merged_roles import merged_roles

SITE = """
- hosts: all
  vars: {of_play: 1, shared: play}
  roles:
    - {role: first, vars: {given: yes}}
    - second
    - {role: first, given: other}
"""
FILES = {
    "roles/base/defaults/main.yml": "{shared: base, of_base: 1, map: {a: 1, b: 1}}",
    "roles/base/vars/main.yml": "{fixed: base}",
    "roles/first/meta/main.yml": "{dependencies: [base]}",
    "roles/first/defaults/main.yml": "{shared: first, of_first: 1, map: {b: 2}}",
    "roles/first/vars/main.yml": "{fixed: first, only_first: 1}",
    "roles/first/tasks/main.yml": "- {name: one, ping: }",
    "roles/second/defaults/main.yml": "{shared: second, of_first: 2, map: {c: 3}}",
    "roles/second/vars/main.yml": "{fixed: second}",
    "roles/second/tasks/main.yml": "- {name: two, ping: }",
    "host_vars/h2.yml": "{shared: host, of_first: host, fixed: host}",
}
NEW_EACH_TIME = ("role_uuid", "ansible_role_names")  # the second is a list out of a set


def seen(manager: VariableManager, play: Any) -> list[dict[str, Any]]:
    tasks = [None, *(task for block in play.compile() for task in block.block if not task.implicit)]
    hosts = manager._inventory.get_hosts("all")
    found = [manager.get_vars(play=play, host=host, task=task, include_hostvars=False) for host in hosts for task in tasks]
    return [{name: value for name, value in one.items() if name not in NEW_EACH_TIME} for one in found]


@pytest.mark.parametrize("behaviour", ["replace", "merge"])
def test_hosts_and_tasks_see_the_same_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: str) -> None:
    monkeypatch.setattr(C, "DEFAULT_HASH_BEHAVIOUR", behaviour)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "site.yml").write_text(SITE)
    (tmp_path / "hosts").write_text("h1\nh2\n")
    loader = DataLoader()
    loader.set_basedir(str(tmp_path))
    manager = VariableManager(loader=loader, inventory=InventoryManager(loader=loader, sources=[str(tmp_path / "hosts")]))
    (play,) = Playbook.load(str(tmp_path / "site.yml"), variable_manager=manager, loader=loader).get_plays()
    roles, before = play.roles, seen(manager, play)
    with merged_roles(play):
        assert [role.public for role in play.roles] == [True, False, False]
        assert seen(manager, play) == before
    assert play.roles is roles
    assert next((one["shared"], one["of_first"], one["fixed"], one["map"]) for one in before if one["inventory_hostname"] == "h2") == (
        "play", "host", "first", {"a": 1, "b": 2, "c": 3} if behaviour == "merge" else {"b": 2})  # fmt: skip
