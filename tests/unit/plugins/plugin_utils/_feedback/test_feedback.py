# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is set up for a run by its settings, and what is not; and what is done at its end, and at that of the process."""

from __future__ import annotations

import os
import types
from pathlib import Path

import pytest
from ansible.errors import AnsibleError
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback import feedback as module
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback import lessons
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.feedback import Feedback
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.recorder import Recorder
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, ExecutionCompleted, ExecutionStarted
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import Record, ReportRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.event_json import decode


@pytest.fixture
def channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Channel:
    """The process's channel, with a history in a folder of its own."""
    for name in [name for name in os.environ if name.startswith("RUSTLE_")]:
        monkeypatch.delenv(name)
    channel = Channel()
    monkeypatch.setattr(module, "channel", channel)
    monkeypatch.setattr(module, "Recorder", types.SimpleNamespace(shared=lambda: None))
    monkeypatch.setattr(module, "atexit", types.SimpleNamespace(register=lambda _act: None))
    monkeypatch.setattr(module, "read_config", lambda _path: {})
    monkeypatch.setenv("RUSTLE_FEEDBACK_DB", str(tmp_path / "feedback.db"))
    return channel


def test_a_run_is_recorded_and_advised_unless_it_is_said_otherwise(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSTLE_FEEDBACK", "no")
    assert not Feedback().enabled
    assert (channel.heard, channel.adviser) == (False, None)
    monkeypatch.delenv("RUSTLE_FEEDBACK")
    assert Feedback().enabled
    assert channel.heard
    assert channel.adviser is not None


@pytest.mark.parametrize(("name", "value"), [("FEEDBACK_DAYS", "many"), ("ERROR_CLASSES", "/no/such/file.yml"), ("ADAPTATION", "perhaps")])
def test_where_a_setting_is_bad_nobody_records_or_acts_on_a_half(
    channel: Channel, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"RUSTLE_{name}", value)
    with pytest.raises(AnsibleError):
        Feedback()
    assert (channel.heard, channel.adviser) == (False, None)


def test_settings_of_the_strategy_alone_are_no_matter_of_feedback(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSTLE_LOOKAHEAD", "far")
    assert Feedback().enabled


class Shown:
    """In the place of Ansible's display."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def display(self, line: str) -> None:
        self.lines.append(line)

    def warning(self, line: str) -> None:
        self.warnings.append(line)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    shown = Shown()
    monkeypatch.setattr(module, "_display", shown)
    return shown


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """For which run lessons were drawn, if any were."""
    asked: list[tuple[str, str, str]] = []

    def drawn(database: str, execution: str, identity: str) -> tuple[tuple[str, ...], list[Record]]:
        asked.append((database, execution, identity))
        return ("slower: it", "change: that"), [ReportRecord(execution=execution, lines=("slower: it", "change: that"), time=1.0)]

    monkeypatch.setattr(lessons, "drawn", drawn)
    return asked


def a_run_ends(channel: Channel) -> Feedback:
    feedback = Feedback()
    channel.begin("now")
    channel.publish(ExecutionStarted(identity="deploy/site.yml"))
    channel.publish(ExecutionCompleted(status="success"))
    feedback.ended()
    return feedback


def test_what_a_run_teaches_is_said_and_kept(
    channel: Channel, shown: Shown, asked: list[tuple[str, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RUSTLE_FEEDBACK_DB", "~/feedback.db")
    monkeypatch.setattr(module.task_refs, "playbook", "/srv/deploy/site.yml")
    a_run_ends(channel)
    assert asked == [(f"{tmp_path}/feedback.db", "now", "deploy/site.yml")]
    assert (shown.lines, shown.warnings) == (["rustle: slower: it", "rustle: change: that"], [])


def test_lessons_are_drawn_from_a_history_that_has_the_run_to_its_end(channel: Channel, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []

    def drawn(database: str, execution: str, _identity: str) -> tuple[tuple[str, ...], list[Record]]:
        store = SqliteStore(database, create=False)
        found.extend(one.status for one in store.executions() if one.execution == execution)
        store.close()
        return (), [ReportRecord(execution=execution, lines=("said before",), time=1.0)]

    monkeypatch.setattr(lessons, "drawn", drawn)
    feedback = a_run_ends(channel)
    assert found == ["success"]
    feedback.recorder = types.SimpleNamespace(interrupted=lambda: None)
    feedback._close()
    store = SqliteStore(str(tmp_path / "feedback.db"), create=False)
    assert [one.lines for one in store.reports(execution="now")] == [("said before",)]
    store.close()
    assert shown.lines == []


@pytest.mark.parametrize(("name", "value"), [("FEEDBACK", "no"), ("FEEDBACK_REPORT", "no"), ("FEEDBACK_DB", "/dev/null/feedback.db")])
def test_where_nothing_is_recorded_or_to_be_said_nothing_is_looked_for(
    channel: Channel, shown: Shown, asked: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"RUSTLE_{name}", value)
    a_run_ends(channel)
    assert (asked, shown.lines) == ([], [])
    unrecorded = "rustle.engine records nothing more of this run: /dev/null/feedback.db: "
    assert [line[: len(unrecorded)] for line in shown.warnings] == [unrecorded] * (name == "FEEDBACK_DB")


def test_a_run_that_the_process_ends_in_is_written_as_interrupted(channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSTLE_EVENTS_FILE", str(tmp_path / "events.jsonl"))
    feedback = Feedback()
    feedback.recorder = Recorder(channel)
    feedback.recorder.playbook_started(types.SimpleNamespace(_file_name="site.yml", get_plays=list))
    feedback._close()
    store = SqliteStore(str(tmp_path / "feedback.db"), create=False)
    assert [one.status for one in store.executions()] == ["interrupted"]
    store.close()
    told = [decode(line) for line in (tmp_path / "events.jsonl").read_bytes().splitlines()]
    assert [(type(event), getattr(event, "status", "")) for event in told] == [(ExecutionStarted, ""), (ExecutionCompleted, "interrupted")]


def test_a_forked_worker_that_ends_leaves_writer_and_sinks_to_the_run(channel: Channel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUSTLE_EVENTS_FILE", str(tmp_path / "events.jsonl"))
    feedback = Feedback()
    feedback.recorder = types.SimpleNamespace(interrupted=lambda: None)
    closed: list[object] = []
    for one in (feedback._writer, *feedback._sinks):
        monkeypatch.setattr(one, "close", lambda one=one: closed.append(one))
    parent = feedback._pid
    feedback._pid = 0  # as if the run were that of another process
    feedback._close()
    assert closed == []
    feedback._pid = parent
    feedback._close()
    assert closed == [feedback._writer, *feedback._sinks]


def test_who_fails_while_it_listens_is_named_and_left_out(channel: Channel, shown: Shown) -> None:
    class Unlucky:
        def hear(self, _event: Event) -> None:
            raise ValueError("no such thing")

        __call__ = hear

    Feedback()
    channel.listen(Unlucky())
    channel.listen(Unlucky().hear)
    for _turn in range(2):
        channel.publish(ExecutionStarted())
    assert shown.warnings == ["rustle.engine: Unlucky has failed and is left out of this run: ValueError: no such thing"] * 2
