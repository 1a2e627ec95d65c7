# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import StreamError
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.event_json import Foreign, decode, encode
from hypothesis import given
from hypothesis import strategies as st

TASK = events.TaskRef(task_id="t1", identity="ab", name="Install nginx", module="ansible.builtin.apt", traits=("become", "loop"))
KINDS = [kind for name in events.__all__ if isinstance(kind := getattr(events, name), type) and issubclass(kind, events.Event) and kind.kind]


def event_of(kind: type) -> events.Event:
    needed: dict[str, Any] = {"task": TASK, "host": "web1"} if issubclass(kind, events.TaskEvent) else {}
    return kind(execution="e", sequence=3, time=1.5, monotonic=2.5, **needed)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_each_kind_comes_back_equal(kind: type) -> None:
    event = event_of(kind)
    assert decode(encode(event)) == event


def test_nested_data_comes_back_equal() -> None:
    event = events.TaskCompleted(
        task=TASK, host="web1", duration=0.5, path="agent", changed=True, measures=events.Measures(start=1.0, end=2.0, cpu=0.1, maxrss=900, calls=2))
    assert decode(encode(event)) == event


@given(message=st.text(), rc=st.none() | st.integers(), ignored=st.booleans())
def test_any_text_survives_on_one_line(message: str, rc: int | None, ignored: bool) -> None:
    line = encode(events.TaskFailed(task=TASK, host="h", message=message, rc=rc, ignored=ignored))
    assert b"\n" not in line
    try:
        message.encode()
    except UnicodeEncodeError:
        return  # a lone surrogate is replaced
    assert decode(line) == events.TaskFailed(task=TASK, host="h", message=message, rc=rc, ignored=ignored)


def test_what_is_not_known_is_left_out() -> None:
    assert set(json.loads(encode(events.HostRecovered(host="web1")))) == {"v", "kind", "sequence", "time", "monotonic", "host", "seconds"}


def test_a_newer_version_loses_only_what_is_new() -> None:
    line = json.loads(encode(events.HostRecovered(execution="e", sequence=1, host="web1", seconds=2.0)))
    assert decode(json.dumps({**line, "v": 99, "mood": "good"})) == events.HostRecovered(execution="e", sequence=1, host="web1", seconds=2.0)


def test_an_unknown_kind_keeps_its_place() -> None:
    event = decode('{"v": 2, "kind": "moon_rose", "execution": "e", "sequence": 7, "time": 1.0, "full": true}')
    assert isinstance(event, Foreign)
    assert (event.execution, event.sequence, event.name, event.content["full"]) == ("e", 7, "moon_rose", True)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "expected a JSON object, found {"),
        ("[1]", "expected a JSON object with a kind"),
        ('{"kind": 5}', "expected a JSON object with a kind"),
        ('{"kind": "host_recovered", "host": 5}', "host_recovered.host: expected text, found 5"),
        ('{"kind": "host_recovered", "seconds": true}', "host_recovered.seconds: expected a number, found True"),
        ('{"kind": "task_started", "host": "a"}', "task_started: expected task, found nothing"),
        ('{"kind": "task_started", "host": "a", "task": {"task_id": "t"}}', "task_started.task: expected identity, name, module, found nothing"),
        ('{"kind": "moon_rose", "sequence": "x"}', "event.sequence: expected a number, found 'x'"),
    ],
)
def test_what_is_no_event_is_said_to_be_none(line: str, words: str) -> None:
    with pytest.raises(StreamError) as caught:
        decode(line)
    assert words in str(caught.value)
