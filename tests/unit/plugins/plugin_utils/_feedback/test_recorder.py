# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import types
from typing import Literal

import pytest
from ansible.playbook.task import Task
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.recorder import Recorder
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, TaskCompleted
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
