"""The seven realistic cases of docs/ordering.md: where the barrier stands that keeps each, task by task."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import effects_of
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.ordering import barrier_for, conflicts

PAGE = (Path(__file__).parents[5] / "docs" / "ordering.md").read_text()


def barriers(*tasks: tuple[str, dict[str, Any]], same_machine: bool = False) -> list[Reason | None]:
    nodes = [TaskNode(action=action, args=args) for action, args in tasks]
    return [
        barrier_for(node, effects_of(node), mode="causal", hosts=3, forks=5, same_machine=same_machine, play_max_fail=False)
        for node in nodes
    ]


def test_case_1_the_database_is_not_stopped_under_a_health_check() -> None:
    assert barriers(
        ("ansible.builtin.uri", {"url": "http://localhost:8080/health"}),
        ("ansible.builtin.service", {"name": "postgresql", "state": "stopped"}),
    ) == [Reason.WORLDLY, Reason.WORLDLY]


def test_case_2_stop_all_upgrade_start_all_stays_in_three_steps() -> None:
    tasks = ("service", {"name": "x", "state": "stopped"}), ("package", {"name": "x"}), ("service", {"name": "x", "state": "started"})
    assert barriers(*tasks) == [Reason.WORLDLY] * 3


@pytest.mark.parametrize(
    "rsync", [("ansible.posix.synchronize", {"src": "/a", "dest": "/b"}), ("command", {"_raw_params": "rsync -a x:/a /b"})]
)
@pytest.mark.parametrize(
    ("opens", "reason"),
    [
        (("ansible.posix.authorized_key", {"user": "x", "key": "y"}), Reason.WORLDLY),
        (("lineinfile", {"path": "/root/.ssh/authorized_keys", "line": "x"}), None),
    ],
)
def test_case_3_every_door_is_open_before_the_first_copy_through_it(opens: Any, reason: Reason | None, rsync: Any) -> None:
    assert barriers(opens, rsync) == [reason, Reason.WORLDLY]


def test_case_4_a_download_waits_for_all_files_that_it_may_find() -> None:
    tasks = ("copy", {"content": "x", "dest": "/var/www/html/x"}), ("get_url", {"url": "http://web1/x", "dest": "/tmp/x"})
    assert barriers(*tasks) == [None, Reason.WORLDLY]


@pytest.mark.parametrize(
    "reader", [("copy", {"src": "/srv/keys/a", "dest": "/b"}), ("copy", {"content": "{{ lookup('file', '/srv/keys/a') }}", "dest": "/b"})]
)
def test_case_5_what_was_fetched_is_there_before_it_is_read(reader: Any) -> None:
    fetch = ("fetch", {"src": "/etc/key", "dest": "/srv/keys/", "flat": False})
    assert barriers(fetch, reader)[0] is Reason.WORLDLY
    wrote, read = (effects_of(TaskNode(action=action, args=args)) for action, args in (fetch, reader))
    assert read.controller_reads and conflicts(wrote.writes, read.reads)


def test_case_6_names_of_one_machine_take_turns_even_to_read() -> None:
    assert barriers(("copy", {"dest": "/x"}), ("stat", {"path": "/x"}), ("debug", {}), same_machine=True) == [
        Reason.SAME_MACHINE,
        Reason.SAME_MACHINE,
        None,
    ]


def test_case_7_what_a_task_reports_is_no_argument() -> None:
    assert (
        barriers(("command", {"_raw_params": "kubectl apply -f x.yml"}), ("command", {"_raw_params": "kubectl get pods"}))
        == [Reason.WORLDLY] * 2
    )


def test_the_example_of_the_page_has_the_barriers_that_it_draws() -> None:
    example = PAGE.split("### Example", 1)[1].split("```", 2)[1]
    drawn = re.findall(r"ansible\.builtin\.(\w+): .*# \d (\w+)", example)
    scopes = {"private": None, "worldly": Reason.WORLDLY}
    assert len(drawn) == 5
    assert barriers(*((action, {}) for action, _scope in drawn)) == [scopes[scope] for _action, scope in drawn]


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason.kind == "barrier" and reason is not Reason.ORDERING_LINEAR])
def test_the_page_names_every_barrier(reason: Reason) -> None:
    assert f"`{reason}`" in PAGE


@pytest.mark.parametrize("row", ["none", "private", "worldly"])
def test_the_examples_of_each_scope_are_what_the_tables_say(row: str) -> None:
    words = {"none": "none", "private": "host", "worldly": "world"}
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| {row} |"))
    for example in re.findall(r"`([\w.]+)(?:: (\w+))?`", line.rsplit("|", 2)[1]):
        node = TaskNode(action=example[0], args={"_raw_params": example[1]})
        assert effects_of(node).scope == words[row], example
