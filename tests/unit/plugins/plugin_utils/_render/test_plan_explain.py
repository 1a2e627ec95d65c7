# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import UnknownTask
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan, ExecutionStrategy, RiskLevel
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import MASKED, Condition, HostClass
from ansible_collections.rustle.engine.plugins.plugin_utils._render.plan_text import Style, explain

from .conftest import a_bundle, a_plan, a_play, a_task


def words(plan: ExecutionPlan, task: str) -> str:
    return " ".join(explain(plan, task, Style(width=120)).split())


@pytest.mark.parametrize("wanted", ["task_3", "3", "say", "SAY", "sa"])
def test_a_task_is_found_by_id_number_name_or_how_its_name_begins(rich: ExecutionPlan, wanted: str) -> None:
    assert explain(rich, wanted, Style()).startswith("task_3: say\n")


def test_a_task_is_found_by_a_part_of_its_name_and_without_its_role(rich: ExecutionPlan) -> None:
    assert explain(rich, "up", Style()).startswith("task_5: clean up\n")
    plan = a_plan(a_play(0, a_task(0, "web : start"), a_task(1, "web : start over")))
    assert explain(plan, "start", Style()).startswith("task_0: web : start\n")


def test_tasks_of_the_same_name_are_all_explained() -> None:
    text = explain(a_plan(a_play(0, a_task(0, "same")), a_play(1, a_task(1, "same"))), "same", Style())
    assert "task_0: same\n" in text and "\n\ntask_1: same\n" in text


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("flder", "did you mean 'folder' (task_0)?"),
        ("task_99", "did you mean"),
        ("qqqqq", "rustle-plan --list-tasks shows all tasks"),
        ("", "rustle-plan --list-tasks shows all tasks"),
        ("lo", "did you mean"),
        ("o", "fit: task_0 'folder', task_1 'config', task_4 'long job', task_6 'alone'; give the id of one of them"),
    ],
)
def test_what_is_not_there_or_not_clear_has_a_hint(rich: ExecutionPlan, wanted: str, hint: str) -> None:
    if wanted == "lo":
        assert explain(rich, wanted, Style()).startswith("task_4: long job")
        return
    with pytest.raises(UnknownTask) as caught:
        explain(rich, wanted, Style())
    assert hint in caught.value.hint


def test_every_question_is_answered(rich: ExecutionPlan) -> None:
    text = words(rich, "task_2")
    assert "ask ansible.builtin.command, in play 'Everything' on 5 hosts: web01…web05 (5)" in text
    assert "Why here after task_0 'folder' (opaque): file:/etc/0 may be written there, anything on the host is read here" in text
    assert "what has to come after it: task_3 'say' it is on the critical path" in text
    assert "Why this path agent: nothing speaks for the stock path" in text
    assert "Why this bundle 1 task in bundle 2 of 3 (play-0-bundle-1), which costs one round trip" in text
    assert f"the bundle ends before task_3 'say': register: {Reason.REGISTER.text} (r)" in text
    assert f"Why hosts wait here worldly: {Reason.WORLDLY.text}: all hosts come to it before one begins it" in text
    assert "rustle_scope: host or rustle_effects" in text
    assert "Side by side with others no:" in text
    assert "What it touches scope world: things beyond the host, or nobody knows what writes anything on the host, var:r" in text
    assert "Whether it runs always: it has no condition" in text
    assert "Risk Critical: it may change anything" in text
    assert "How long it takes no history yet" in text
    assert "What is not known what it touches on the host" in text


def test_a_task_that_nothing_holds_says_so(rich: ExecutionPlan) -> None:
    text = words(rich, "task_0")
    assert "nothing has to come before it; it stands where the playbook has it" in text
    assert "its code is in play-0-deployment-0" in text
    assert "it begins the bundle: nothing was under way" in text
    assert "Why no host waits here scope host: this host's own things: no other host can notice it" in text
    assert "250 ms (median of 12 runs; the middle 80 % are 100 ms wide)" in text


def test_handlers_sections_groups_and_what_is_unknown_are_told(rich: ExecutionPlan) -> None:
    config = words(rich, "config")
    assert "it notifies restart" in config and "the value of content, until its turn has come" in config
    assert "possible, not used, with task_5 'clean up': its effects are disjoint" in config
    assert "it goes along with task_0 'folder': it needs no result that is under way" in config
    assert "it stands in the rescue section of a block" in words(rich, "task_5")
    assert "when: false (false: it is skipped)" in words(rich, "task_5")
    assert "when: r is changed (decided during the run)" in words(rich, "say") and "whether it is skipped" in words(rich, "say")
    handler = words(rich, "h0")
    assert handler == words(rich, "restart") and "notified by task_1 'config'" in handler
    lonely = a_plan(a_play(0, a_task(0, notify=("nobody",)), hosts=("h",)))
    assert "it notifies nobody (no handler of this play has that name)" in words(lonely, "0")
    assert "there is one host: nobody is there to wait for" in words(lonely, "0")


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.kind == "stock"])
def test_a_reason_of_the_stock_path_is_told_with_its_code(reason: Reason) -> None:
    text = words(a_plan(a_play(0, a_task(0, path="stock", path_reason=reason, path_detail="the detail"))), "task_0")
    assert f"Why this path stock, Ansible's own worker: {reason.value}: {reason.text} (the detail)" in text
    assert "it is in none: tasks on the stock path never are" in text


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.kind != "stock"])
def test_a_reason_of_a_cut_is_told_with_its_code(reason: Reason) -> None:
    tasks = (a_task(0, bundle_id="play-0-bundle-0"), a_task(1, bundle_id="play-0-bundle-1", cut=reason, cut_detail="the detail"))
    bundles = (a_bundle("play-0", 0, 0, ended_by=reason, ended_at="task_1", detail="the detail"), a_bundle("play-0", 1, 1))
    plan = a_plan(a_play(0, *tasks, bundles=bundles))
    assert f"cut before it: {reason.value}: {reason.text} (the detail)" in words(plan, "task_1")
    assert f"the bundle ends before task_1 'task number 1': {reason.value}: {reason.text} (the detail)" in words(plan, "task_0")


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.kind == "barrier"])
def test_a_reason_of_a_barrier_is_told_with_its_code(reason: Reason) -> None:
    assert f"Why hosts wait here {reason.value}: {reason.text}: all hosts" in words(a_plan(a_play(0, a_task(0, barrier=reason))), "task_0")


@pytest.mark.parametrize("risk", list(RiskLevel))
def test_each_risk_is_explained(risk: RiskLevel) -> None:
    assert f"Risk {risk.value}: it" in words(a_plan(a_play(0, a_task(0, risk_level=risk))), "task_0")


def test_who_lifted_the_barriers_is_named() -> None:
    free, host = a_play(0, a_task(0), strategy=ExecutionStrategy.FREE), a_play(0, a_task(0), ordering="host")
    assert "Why no host waits here with the strategy Free no host waits for another" in words(a_plan(free), "0")
    assert "Why no host waits here the ordering mode is host" in words(a_plan(host), "0")


def test_hosts_that_differ_are_named() -> None:
    classes = (HostClass(class_id="class-0", hosts=("web01",)), HostClass(class_id="class-1", hosts=("win1",), stock=Reason.CONNECTION, stock_detail="winrm"))
    plan = a_plan(a_play(0, a_task(0, hosts=("web01", "win1"), args={"password": MASKED}), host_classes=classes))
    assert f"on win1 the stock path: connection: {Reason.CONNECTION.text} (winrm)" in words(plan, "task_0")
    assert "password is not shown" in words(plan, "task_0")


def test_batches_that_differ_are_mentioned(rich: ExecutionPlan) -> None:
    play = rich.plays[1]
    play = dataclasses.replace(play, batches=(play.batches[0], dataclasses.replace(play.batches[1], round_trips=9)))
    assert "batches of this play differ; this is the first one" in words(a_plan(play), "alone")


def test_an_include_says_what_it_brings_or_why_that_is_not_known() -> None:
    where = (Condition(kind="include", values=("task_0",)),)
    inner, closed = a_task(1, "inner", included_by="task_0", conditions=where), a_task(2, "closed", opaque=Reason.INCLUDE_TEMPLATE, opaque_detail="{{ x }}")
    plan = a_plan(a_play(0, a_task(0, "open"), inner, closed))
    assert "it brings task_1 'inner'" in words(plan, "open")
    assert "where this includes it: task_0 (decided during the run)" in words(plan, "inner")
    assert "include-template: what is included depends on a template ({{ x }})" in words(plan, "closed")
