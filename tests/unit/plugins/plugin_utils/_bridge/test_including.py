# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dynamic includes in a plan: what they bring where that is written down, and the reason where it is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.planning import Request, plan_for
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan, TaskPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason

FILES = {
    "one.yml": "- {name: one, file: {path: /srv/one, state: touch}, tags: [inner]}\n- {name: two, file: {path: /srv/two, state: touch}}\n",
    "item.yml": "- {name: 'for {{ item }}', file: {path: '/srv/{{ item }}', state: touch}}\n",
    "sub/outer.yml": "- include_tasks: beside.yml\n",
    "sub/beside.yml": "- {name: beside, debug: {msg: x}}\n",
    "itself.yml": "- {name: before, debug: {msg: x}}\n- include_tasks: itself.yml\n  when: more is defined\n",
    "broken.yml": "- {name: x, debug: {msg: [}\n",
    "no_list.yml": "name: x\n",
    "empty.yml": "",
    "sets.yml": "- set_fact: {path: /other}\n",
    "rescued.yml": "- block:\n    - {name: try, command: x}\n  rescue:\n    - {name: mend, command: y}\n",
    "roles/web/tasks/main.yml": "- {name: conf, file: {path: '/srv/{{ port }}', state: touch}, notify: again}\n- include_tasks: own.yml\n",
    "roles/web/tasks/own.yml": "- {name: own, debug: {msg: x}}\n",
    "roles/web/tasks/other.yml": "- {name: other, debug: {msg: x}}\n",
    "roles/web/handlers/main.yml": "- {name: again, debug: {msg: x}}\n",
    "roles/web/defaults/main.yml": "port: 80\n",
}

Plan = Callable[..., ExecutionPlan]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def made(*tasks: str, play: str = "", **options: tuple[str, ...]) -> ExecutionPlan:
        body = "\n".join(f"    {line}" for task in tasks for line in task.splitlines())
        (tmp_path / "site.yml").write_text(f"- hosts: all\n  gather_facts: false\n{play}  tasks:\n{body}\n")
        return plan_for(Request(playbooks=("site.yml",), inventory=("h1,h2",), **options)).plan  # type: ignore[arg-type]

    return made


def tasks(plan: ExecutionPlan) -> list[TaskPlan]:
    return [task for task in plan.plays[0].batches[0].tasks if not task.flush]


def names(plan: ExecutionPlan) -> list[str]:
    return [task.name for task in tasks(plan)]


def test_the_tasks_of_a_file_stand_behind_the_include(plan: Plan) -> None:
    made = plan("- include_tasks: one.yml", "- {name: last, debug: {msg: x}}")
    include, one, two, last = tasks(made)
    assert [one.name, two.name, last.name] == ["one", "two", "last"] and include.opaque is None
    assert one.included_by == two.included_by == include.task_id and not include.included_by and not last.included_by
    assert (one.where, one.writes[0]) == ("one.yml:1", "file:/srv/one")
    assert "file:one.yml" in made.metadata.fingerprints


def test_what_an_include_brings_comes_after_it_and_nothing_else_has_to(plan: Plan) -> None:
    first, include, one, _two, last = tasks(plan("- {file: {path: /a, state: touch}}", "- include_tasks: one.yml", "- {file: {path: /b, state: touch}}"))
    assert [(edge.task_id, edge.reason) for edge in one.dependencies] == [(include.task_id, "it brings this task")]
    assert not include.dependencies and not last.dependencies and not first.dependencies


def test_an_include_that_stays_closed_waits_for_all_and_all_for_it(plan: Plan) -> None:
    first, include, last = tasks(plan("- {file: {path: /a, state: touch}}", "- include_tasks: '{{ x }}.yml'", "- {file: {path: /b, state: touch}}"))
    assert [edge.task_id for edge in include.dependencies] == [first.task_id]
    assert [edge.task_id for edge in last.dependencies] == [include.task_id]


def test_its_condition_is_asked_of_the_include_and_holds_for_what_it_brings(plan: Plan) -> None:
    include, one, _two = tasks(plan("- include_tasks: one.yml\n  when: flag is defined and flag"))
    assert [(one.kind, one.text) for one in include.conditions] == [("when", "flag is defined and flag")]
    assert [(one.kind, one.values, one.decided) for one in one.conditions if one.kind != "tag"] == [("include", (include.task_id,), None)]


@pytest.mark.parametrize(("when", "decided"), [("", True), ("  when: true", True), ("  when: false", False), ("  when: x is defined", None)])
def test_what_is_known_of_the_condition_is_known_of_all_that_is_brought_by_it(plan: Plan, when: str, decided: bool | None) -> None:
    _include, outer, beside = tasks(plan(f"- include_tasks: sub/outer.yml\n{when}"))
    assert [one.conditions[0].decided for one in (outer, beside)] == [decided, decided]


def test_tags_of_an_include_are_its_own_and_those_it_applies_are_its_tasks(plan: Plan) -> None:
    include, one, two = tasks(plan("- include_tasks: {file: one.yml, apply: {tags: [given], become: true}}\n  tags: [mine]"))
    assert (include.tags, one.tags, two.tags) == (("mine",), ("inner", "given"), ("given",))
    assert "user:root" in one.reads and include.args["apply"] == {"tags": ["given"], "become": True}


def test_tags_choose_among_what_is_included_as_in_a_run(plan: Plan) -> None:
    assert names(plan("- include_tasks: one.yml\n  tags: [mine]", tags=("mine",))) == ["include_tasks"]
    assert names(plan("- include_tasks: one.yml\n  tags: [mine]", tags=("mine", "inner"))) == ["include_tasks", "one"]
    assert names(plan("- include_tasks: one.yml", tags=("inner",))) == []


def test_a_block_around_an_include_is_around_what_it_brings(plan: Plan) -> None:
    made = plan("- block:\n    - include_tasks: one.yml\n  rescue:\n    - include_tasks: item.yml\n      vars: {item: x}\n  when: flag is defined")
    sections = {task.name: task.section for task in tasks(made)}
    assert sections["one"] == "block" and sections["for x"] == "rescue"
    assert ("when", "flag is defined") in [(one.kind, one.text) for one in tasks(made)[1].conditions]


def test_blocks_in_an_included_file_keep_their_sections(plan: Plan) -> None:
    _include, attempt, mend = tasks(plan("- include_tasks: rescued.yml"))
    assert (attempt.section, mend.section) == ("block", "rescue")
    assert attempt.task_id in {edge.task_id for edge in mend.dependencies if edge.kind.value == "block"}


def test_a_literal_loop_brings_the_tasks_once_for_each_item(plan: Plan) -> None:
    made = plan("- include_tasks: item.yml\n  loop: [a, b]")
    assert names(made) == ["include_tasks", "for a", "for b"]
    assert [task.args["path"] for task in tasks(made)[1:]] == ["/srv/a", "/srv/b"]
    assert names(plan("- include_tasks: item.yml\n  with_items: [a, [b, c]]")) == ["include_tasks", "for a", "for b", "for c"]


def test_files_are_looked_for_beside_the_file_that_includes_them(plan: Plan) -> None:
    assert names(plan("- include_tasks: sub/outer.yml")) == ["include_tasks", "include_tasks", "beside"]


def test_a_role_brings_its_tasks_and_handlers(plan: Plan) -> None:
    made = plan("- include_role: {name: web}", "- include_role: {name: web, tasks_from: other.yml}")
    assert names(made) == ["include_role : web", "web : conf", "web : include_tasks", "web : own", "include_role : web", "web : other"]
    assert made.plays[0].handlers[0].name == "web : again" and made.plays[0].handlers[0].notified_by == (tasks(made)[1].task_id,)
    assert tasks(made)[1].args["path"] == "/srv/80"
    assert any(name.endswith("roles/web/tasks/own.yml") for name in made.metadata.fingerprints)


def test_variables_of_a_role_hold_in_it_and_behind_it_only_where_they_are_public(plan: Plan) -> None:
    show = "- {file: {path: '/srv/{{ port }}', state: touch}}"
    first, private, *_role, last = tasks(plan(show, "- include_role: {name: web}", show, play="  vars: {port: 1}\n"))
    assert first.args["path"] == last.args["path"] == "/srv/1" and not private.writes
    first, public, *_role, last = tasks(plan(show, "- include_role: {name: web, public: true}", show, play="  vars: {port: 1}\n"))
    assert first.args["path"] == last.args["path"] == "/srv/{{ port }}"
    assert (public.task_id, "variable") in [(edge.task_id, edge.kind.value) for edge in last.dependencies]


def test_what_included_tasks_set_is_not_known_elsewhere(plan: Plan) -> None:
    *_rest, last = tasks(plan("- include_tasks: sets.yml", "- {file: {path: '{{ path }}', state: touch}}", play="  vars: {path: /one}\n"))
    assert last.unknown_args == ("path",) and "variable" in [edge.kind.value for edge in last.dependencies]


@pytest.mark.parametrize(
    ("include", "reason", "detail"),
    [
        ("- include_tasks: '{{ os }}.yml'", Reason.INCLUDE_TEMPLATE, "{{ os }}.yml"),
        ("- include_role: {name: '{{ os }}'}", Reason.INCLUDE_TEMPLATE, "{{ os }}"),
        ("- include_role: {name: web, tasks_from: '{{ os }}'}", Reason.INCLUDE_TEMPLATE, "web"),
        ("- include_tasks: item.yml\n  loop: '{{ things }}'", Reason.INCLUDE_LOOP, ""),
        ("- include_tasks: item.yml\n  loop: [a, '{{ b }}']", Reason.INCLUDE_LOOP, ""),
        ("- include_tasks: item.yml\n  with_dict: {a: b}", Reason.INCLUDE_LOOP, ""),
        ("- include_tasks: none.yml", Reason.INCLUDE_UNREADABLE, "none.yml is not there"),
        ("- include_tasks: no_list.yml", Reason.INCLUDE_UNREADABLE, "included task files must contain a list of tasks"),
        ("- include_role: {name: none}", Reason.INCLUDE_UNREADABLE, "role 'none' was not found"),
    ],
)
def test_what_is_not_written_down_or_not_there_stays_closed_with_its_reason(plan: Plan, include: str, reason: Reason, detail: str) -> None:
    made = plan(include)
    (only,) = tasks(made)
    assert only.opaque is reason and detail in only.opaque_detail
    assert bool(made.warnings) == (reason is Reason.INCLUDE_UNREADABLE)


def test_a_file_that_cannot_be_parsed_is_a_warning(plan: Plan) -> None:
    made = plan("- include_tasks: broken.yml")
    assert tasks(made)[0].opaque is Reason.INCLUDE_UNREADABLE and made.warnings[0].startswith("site.yml:4: what is included here may do anything: broken.yml:")


def test_nothing_is_said_of_a_missing_file_that_is_never_included(plan: Plan) -> None:
    assert plan("- include_tasks: none.yml\n  when: false").warnings == ()


def test_an_empty_file_brings_nothing(plan: Plan) -> None:
    made = plan("- include_tasks: empty.yml")
    assert names(made) == ["include_tasks"] and tasks(made)[0].opaque is None


def test_a_file_that_includes_itself_is_opened_once(plan: Plan) -> None:
    made = plan("- include_tasks: itself.yml")
    assert names(made) == ["include_tasks", "before", "include_tasks"]
    assert tasks(made)[2].opaque is Reason.INCLUDE_RECURSION and tasks(made)[2].opaque_detail.endswith("itself.yml")


def test_many_includes_are_opened_up_to_a_limit(plan: Plan) -> None:
    found = tasks(plan(*["- include_tasks: empty.yml"] * 501))
    assert [task.opaque for task in found[-2:]] == [None, Reason.INCLUDE_LIMIT]
    items = ", ".join(map(str, range(501)))
    assert [task.opaque for task in tasks(plan(f"- include_tasks: item.yml\n  loop: [{items}]"))] == [Reason.INCLUDE_LIMIT]


def test_a_handler_that_includes_may_do_anything(plan: Plan) -> None:
    made = plan(
        "- {copy: {content: x, dest: /a}, notify: go}", "- meta: flush_handlers", "- {slurp: {src: /etc/b}, register: b}",
        play="  handlers:\n    - {name: go, include_tasks: one.yml}\n",
    )
    (handler,) = made.plays[0].handlers
    assert handler.handler_id in {edge.task_id for edge in tasks(made)[-1].dependencies if edge.kind.value == "opaque"}
