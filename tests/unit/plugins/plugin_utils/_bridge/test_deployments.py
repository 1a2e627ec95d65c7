# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From tasks and playbooks to the payloads of their run."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import deployments, prospects
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.payload import PayloadBuilder
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError

PLAYBOOK = """
- name: One
  hosts: web
  tasks:
    - ping:
    - import_role: {name: small}
  handlers:
    - name: Later
      hostname: {name: x}
- name: Two
  hosts: db
  strategy: rustle.engine.rustle_binary_hybrid
  tasks:
    - ping:
    - replace: {path: /x, regexp: a}
- name: Three
  hosts: db
  strategy: free
  tasks:
    - getent: {database: passwd}
"""


@pytest.fixture
def builder(tmp_path: pathlib.Path) -> PayloadBuilder:
    return PayloadBuilder(str(tmp_path / "cache"))


@pytest.fixture
def playbook(tmp_path: pathlib.Path) -> list[deployments.Stretch]:
    (tmp_path / "roles" / "small" / "tasks").mkdir(parents=True)
    (tmp_path / "roles" / "small" / "tasks" / "main.yml").write_text("- file: {path: /x, state: absent}\n")
    (tmp_path / "site.yml").write_text(PLAYBOOK)
    return deployments.read_playbook(str(tmp_path / "site.yml"), DataLoader())


def built(builder: PayloadBuilder, tasks: list[t.Any], **options: t.Any) -> deployments.Deployments:
    return deployments.build(deployments.read_tasks(tasks, DataLoader()), builder, **options)


def modules(found: deployments.Deployments) -> list[set[str]]:
    return [{name.rpartition(".")[2] for name in one.payload.modules} for one in found.items]


def test_plays_of_other_strategies_are_left_out(playbook: list[deployments.Stretch]) -> None:
    assert [one.name for one in playbook] == ["One", "Two"]


def test_a_later_play_adds_only_what_the_earlier_ones_lack(builder: PayloadBuilder, playbook: list[deployments.Stretch]) -> None:
    found = deployments.build(playbook, builder)
    assert modules(found) == [{"ping", "setup", "file", "hostname"}, {"replace"}]
    assert found.items[1].tasks == ("replace",)
    assert found.refused == ()


def test_of_one_play_are_the_payloads_that_its_hosts_may_be_asked_for(builder: PayloadBuilder, playbook: list[deployments.Stretch]) -> None:
    everything = deployments.build(playbook, builder)
    one, two = (deployments.build(playbook, builder, play=name) for name in ("One", "Two"))
    assert [item.payload.sha for item in one.items] == [everything.items[0].payload.sha]
    assert {item.payload.sha for item in two.items} == {item.payload.sha for item in everything.items}
    with pytest.raises(RustleError, match=r"no play 'Three' that rustle_binary_hybrid may run\nhint: plays: 'One', 'Two'"):
        deployments.build(playbook, builder, play="Three")


def test_the_same_tasks_give_the_same_bytes_in_any_order(tmp_path: pathlib.Path) -> None:
    texts: list[t.Any] = [{"ping": None}, {"command": "true"}, {"copy": {"content": "x", "dest": "/x"}}]
    first, second = (
        built(PayloadBuilder(str(tmp_path / name)), tasks) for name, tasks in (("a", texts), ("b", [*reversed(texts), {"shell": "other arguments"}])))
    assert first.items[0].payload.read() == second.items[0].payload.read()
    assert b"other arguments" not in second.items[0].payload.read()


def test_what_no_agent_runs_is_refused_with_its_reason(builder: PayloadBuilder) -> None:
    found = built(builder, [
        {"ping": None}, {"name": "R", "raw": "true"}, {"command": "true", "async": 5}, {"include_tasks": "x.yml"}, {"meta": "noop"}, {"debug": None}])
    assert [(one.task, one.reason.value) for one in found.refused] == [("R", "raw"), ("command", "async"), ("include_tasks", "include")]
    assert all(one.text for one in found.refused)


def test_the_mode_says_whether_a_bundle_can_hold_the_tasks(builder: PayloadBuilder) -> None:
    plain: dict[str, t.Any] = {"ping": None}
    assert [one.mode for one in built(builder, [plain], alone=True).items] == ["standalone"]
    assert [one.mode for one in built(builder, [plain, {"ping": None, "when": "x"}], alone=True).items] == ["hybrid"]
    assert [one.mode for one in built(builder, [{"ping": None, "when": "x"}], alone=True).items] == ["controller"]
    assert [one.mode for one in built(builder, [plain]).items] == ["controller"]


def test_no_tasks_need_no_deployment(builder: PayloadBuilder) -> None:
    assert built(builder, []) == deployments.Deployments((), ())


def test_names_of_files_come_from_the_sum_or_are_numbered(builder: PayloadBuilder) -> None:
    (one,) = built(builder, [{"ping": None}]).items
    assert one.binary_name("", 1) == f"{one.payload.sha[:12]}.pyz"
    assert (one.binary_name("site", 0), one.binary_name("site", 1)) == ("site.pyz", "site-2.pyz")
    assert one.as_dict("site", 0)["sha256"] == one.payload.sha


def test_modules_are_deployed_with_what_their_actions_run(builder: PayloadBuilder) -> None:
    found = deployments.build(deployments.read_modules(["copy", "ansible.builtin.shell"], DataLoader()), builder)
    assert modules(found) == [{"copy", "file", "slurp", "stat", "command"}]


def test_what_ansible_cannot_load_is_its_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(AnsibleError, match="nosuch"):
        deployments.read_tasks([{"nosuch": None}], DataLoader())
    with pytest.raises(AnsibleError, match=f"found nothing at {tmp_path}/none.yml"):
        deployments.read_playbook(str(tmp_path / "none.yml"), DataLoader())


@pytest.mark.parametrize(
    ("says", "gathers"),
    [("", True), ("gather_facts: true", True), ("gather_facts: '{{ x }}'", True), ("gather_facts: false", False), ("gather_facts: 'no'", False)],
)
def test_a_play_that_gathers_no_facts_does_not_need_the_module_for_it(tmp_path: pathlib.Path, says: str, gathers: bool) -> None:
    (tmp_path / "site.yml").write_text(f"- hosts: all\n  tasks: [{{ping: }}]\n  {says}\n")
    (play,) = deployments.read_playbook(str(tmp_path / "site.yml"), DataLoader())
    assert {one.fqn.rpartition(".")[2] for one in prospects.modules_of(play.tasks)} == {"ping", *(["setup"] if gathers else [])}
