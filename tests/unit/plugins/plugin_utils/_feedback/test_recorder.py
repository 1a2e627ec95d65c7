# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import types
from typing import Any, Literal

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.playbook.task import Task
from ansible.vars.manager import VariableManager
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import prospects
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.observed_classes import observed_classes
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.vaulted import vaulted
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.recorder import Recorder
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, HostUnavailable, PlayStarted, TaskCompleted, TaskFailed
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel


@pytest.mark.parametrize(("what", "items"), [("item", 2), ("retry", None), ("poll", None)])
def test_only_items_of_a_loop_are_counted_as_items(what: Literal["item", "retry", "poll"], items: int | None) -> None:
    channel, heard = Channel(), list[Event]()
    channel.listen(heard.append)
    recorder = Recorder(channel)
    host = types.SimpleNamespace(name="web1", vars={}, get_groups=list)
    result = types.SimpleNamespace(task=Task.load({"ansible.builtin.command": "x"}), host=host, result={}, is_changed=lambda: True)
    for _ in range(2):
        recorder.progress(result, what)
    recorder.ok(result)
    assert [one.items for one in heard if isinstance(one, TaskCompleted)] == [items]


def _recorded(task: dict[str, Any], result: dict[str, Any], how: str, play_vars: dict[str, Any] | None = None) -> tuple[list[Event], Any]:
    channel, heard = Channel(), list[Event]()
    channel.listen(heard.append)
    recorder = Recorder(channel)
    recorder._play = types.SimpleNamespace(get_vars=lambda: play_vars or {}, get_loader=lambda: types.SimpleNamespace(_vault=types.SimpleNamespace(secrets=())))
    host = types.SimpleNamespace(name="web-of-recorder", vars={}, get_groups=list)
    getattr(recorder, how)(types.SimpleNamespace(task=Task.load(task), host=host, result=result, is_changed=lambda: False))
    return heard, host


def test_facts_of_another_host_say_nothing_of_the_one_that_the_task_is_for() -> None:
    facts = {"ansible_facts": {"ansible_system": "Linux", "ansible_architecture": "x86_64"}}
    _heard, host = _recorded({"ansible.builtin.setup": {}, "delegate_to": "db1"}, facts, "ok")
    assert "linux" not in observed_classes.of(host)
    _heard, host = _recorded({"ansible.builtin.setup": {}}, facts, "ok")
    assert "linux/x86_64" in observed_classes.of(host)


def test_a_module_of_the_users_own_is_not_taken_for_the_one_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def idempotent() -> bool:
        heard, _host = _recorded({"file": {"path": "/x", "state": "directory"}}, {"failed": True, "msg": "no"}, "failed")
        return next(event for event in heard if isinstance(event, TaskFailed)).idempotent

    assert idempotent()
    monkeypatch.setattr(prospects, "_is_own", lambda action, collections: action == "file")
    assert not idempotent()


def test_a_secret_in_the_name_of_a_play_is_masked() -> None:
    vaulted._texts.add("hunter-in-a-play")
    try:
        channel, heard = Channel(), list[Event]()
        channel.listen(heard.append)
        loader = DataLoader()
        manager = VariableManager(loader=loader, inventory=InventoryManager(loader, sources=["h1,"]))
        play = Play.load({"name": "Deploy hunter-in-a-play", "hosts": "all", "gather_facts": False}, manager, loader)
        Recorder(channel).play_started(play)
    finally:
        vaulted._texts.discard("hunter-in-a-play")
    assert "hunter" not in next(event for event in heard if isinstance(event, PlayStarted)).play


@pytest.mark.parametrize(
    ("play_vars", "task_vars", "retry", "left_alone"),
    [
        ({}, {}, None, False), ({"rustle_retry": True}, {}, True, False), ({"rustle_retry": True}, {"rustle_retry": False}, False, False),
        ({"rustle_adaptation": "off"}, {}, None, True), ({"rustle_adaptation": False}, {"rustle_adaptation": "on"}, None, False),
        ({}, {"rustle_retry": "{{ later }}"}, None, False),
    ],
)  # fmt: skip
def test_what_play_and_task_say_of_adaptation_counts_for_advice_under_linear(
    play_vars: dict[str, Any], task_vars: dict[str, Any], retry: bool | None, left_alone: bool,
) -> None:  # fmt: skip
    heard, _host = _recorded({"command": "x", "vars": task_vars}, {"failed": True, "msg": "no"}, "failed", play_vars)
    (failed,) = (event for event in heard if isinstance(event, TaskFailed))
    assert (failed.retry_declared, failed.declared) == (retry, left_alone)


@pytest.mark.parametrize(("task_vars", "left_alone"), [({}, False), ({"rustle_adaptation": "off"}, True)])
def test_that_a_host_is_away_stands_when_it_is_recorded_and_says_whether_its_task_is_left_alone(task_vars: dict[str, Any], left_alone: bool) -> None:
    heard, _host = _recorded({"command": "x", "vars": task_vars}, {"unreachable": True, "msg": "no"}, "unreachable")
    (away,) = (event for event in heard if isinstance(event, HostUnavailable))
    assert (away.declared, away.final) == (left_alone, True)
