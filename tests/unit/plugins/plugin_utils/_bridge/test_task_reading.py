# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is read off single tasks for a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.playbook.block import Block
from ansible.vars.manager import VariableManager
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.documents import DocumentLoader
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.task_reading import TaskReader
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.planning import Request, plan_for
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import TaskPlan

Tasks = Callable[..., tuple[TaskPlan, ...]]


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tasks:
    monkeypatch.chdir(tmp_path)

    def made(text: str, variable: str = "who: bob", inventory: str = "h1,") -> tuple[TaskPlan, ...]:
        lines = "\n".join(f"    {line}" for line in text.splitlines())
        Path("site.yml").write_text(f"- hosts: all\n  gather_facts: false\n  vars: {{{variable}}}\n  tasks:\n{lines}\n")
        found = plan_for(Request(playbooks=("site.yml",), inventory=(inventory,))).plan.plays[0].batches[0].tasks
        return tuple(task for task in found if not task.flush)

    return made


@pytest.mark.parametrize(
    ("content", "args"),
    [("#jinja2:variable_start_string:'<<', variable_end_string:'>>'\n<< later >>\n", ""), ("<< later >>\n", ", variable_start_string: '<<'")],
)
def test_a_template_with_marks_of_its_own_may_read_any_variable(tasks: Tasks, content: str, args: str) -> None:
    Path("x.j2").write_text(content)
    first, second = tasks(f"- set_fact: {{later: 1}}\n- template: {{src: x.j2, dest: /x{args}}}")
    assert first.task_id in {edge.task_id for edge in second.dependencies if edge.kind.value == "variable"}


def test_a_template_with_other_settings_of_jinja_reads_what_it_names(tasks: Tasks) -> None:
    Path("x.j2").write_text("#jinja2: lstrip_blocks: True\n{{ later }}\n")
    first, other, last = tasks("- set_fact: {later: 1}\n- set_fact: {other: 1}\n- template: {src: x.j2, dest: /x}")
    assert {edge.task_id for edge in last.dependencies if edge.kind.value == "variable"} == {first.task_id} and other.task_id


def test_names_of_tasks_are_rendered_where_their_variables_are_known(tasks: Tasks) -> None:
    known, unknown = tasks("- {name: 'for {{ who }}', ping: {}}\n- {name: 'for {{ whom }}', ping: {}}")
    assert (known.name, unknown.name) == ("for bob", "for {{ whom }}")


@pytest.mark.parametrize(
    "task",
    [
        "- {ping: {}, remote_user: '{{ later }}'}",
        "- {ping: {}, throttle: '{{ later }}'}",
        "- block:\n    - {ping: {}}\n  become: '{{ later }}'",
        "- {ping: {}, loop: [1], loop_control: {label: '{{ later }}'}}",
        "- action: {module: '{{ later }}'}",
        "- {ping: {}, ignore_errors: '{{ later }}'}",
    ],
)
def test_every_keyword_that_may_be_a_template_is_read(tasks: Tasks, task: str) -> None:
    first, second = tasks(f"- set_fact: {{later: 1}}\n{task}")
    assert first.task_id in {edge.task_id for edge in second.dependencies if edge.kind.value == "variable"}


def test_variables_of_the_connection_are_read_by_tasks_that_ask_their_host(tasks: Tasks) -> None:
    first, asks, says = tasks("- set_fact: {address: 1}\n- ping: {}\n- debug: {msg: x}", variable="ansible_host: '{{ address }}'")
    (reason,) = (edge.reason for edge in asks.dependencies if edge.task_id == first.task_id)
    assert reason == "address is set there and read here (through variables of the connection)"
    assert first.task_id not in {edge.task_id for edge in says.dependencies}


@pytest.mark.parametrize("groups", ["", "[other]\nh2\n"])
def test_what_is_read_on_one_host_only_is_read(tasks: Tasks, groups: str) -> None:
    Path("hosts").write_text("h1 what=plain\nh2 what='{{ later }}'\nh3\n" + groups)
    _first, second = tasks("- set_fact: {later: 1}\n- debug: {msg: '{{ what | default(1) }}'}", inventory="hosts")
    assert [edge.reason for edge in second.dependencies] == ["later is set there and read here (through what)"]


def test_what_a_task_inherits_is_what_ansible_says_of_each(tmp_path: Path) -> None:
    """_squash against Base.squash, with blocks, an include's own keywords and a role's among the parents."""
    (tmp_path / "more.yml").write_text("- {debug: {}, tags: own, notify: me, become: false}\n- {debug: {}}\n")
    (tmp_path / "site.yml").write_text("""- hosts: all
  environment: {A: play}
  tags: [play]
  become: true
  tasks:
    - block:
        - {debug: {}, when: own, environment: {B: task}}
        - {debug: {}, when: false}
        - block: [{debug: {}}, {debug: {}, module_defaults: {debug: {msg: x}}}]
          become_user: inner
          when: inner
        - import_tasks: more.yml
          vars: {x: 1}
      when: outer
      tags: [outer]
      connection: local
  handlers: [{name: me, debug: {}}]
""")

    def plays() -> list[Any]:
        loader = DataLoader()
        manager = VariableManager(loader=loader, inventory=InventoryManager(loader, sources=["h1,"]))
        return [task for block in Playbook.load(str(tmp_path / "site.yml"), manager, loader).get_plays()[0].compile() for task in every(block)]

    def every(block: Any) -> Iterator[Any]:
        for one in block.block:
            yield from every(one) if isinstance(one, Block) else (one,)

    def seen(task: Any) -> dict[str, Any]:
        return {name: getattr(task, name) for name in task.fattributes if name != "loop_control"}  # an object of each task's own

    reader = TaskReader(playbook="", play=None, classified=None, moving=frozenset(), variable_manager=None, loader=None, inputs=None)
    ours, stock = plays(), plays()
    for one in ours:
        reader._squash(one)
    for one in stock:
        one.squash()
    assert len(ours) > 6 and [seen(one) for one in ours] == [seen(one) for one in stock]


def test_a_file_that_is_asked_for_again_is_not_what_its_first_reader_made_of_it(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text("- {debug: {msg: hello}}\n")
    loader = DocumentLoader()
    first, *others = (loader.load_from_file(str(tmp_path / "x.yml")) for _time in range(2))
    first[0]["debug"].clear()
    others.append(loader.load_from_file(str(tmp_path / "x.yml")))
    others[0][0].clear()
    others.append(loader.load_from_file(str(tmp_path / "x.yml")))
    assert others[1:] == [[{"debug": {"msg": "hello"}}]] * 2
