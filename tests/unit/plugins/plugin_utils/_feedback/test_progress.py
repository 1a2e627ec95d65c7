# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When progress is said, to whom it listens, and that it is over when it is over. What a terminal shows is tried in test_terminal.py."""

from __future__ import annotations

import os
import signal
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback import progress as module
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.progress import ProgressView
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import (
    ExecutionCompleted,
    ExecutionStarted,
    PlayStarted,
    TaskCompleted,
    TaskRef,
    TaskStarted,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel

EVERY = 10.0  # seconds between two lines, by default


class World:
    """A channel, a clock that stands, and a display that remembers; no thread is started."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.channel = Channel(monotonic=lambda: self.now)
        self.lines: list[str] = []
        self.threads: list[Any] = []
        self.at_exit: list[Any] = []
        self._lock = threading.RLock()

    def display(self, text: str, *, screen_only: bool = False) -> None:
        assert screen_only  # a log of Ansible's holds none of it
        self.lines.append(text)

    def vvv(self, text: str, *, host: str) -> None:
        pass

    def monotonic(self) -> float:
        return self.now

    def thread(self, **fields: Any) -> Any:
        self.threads.append(fields)
        return types.SimpleNamespace(start=lambda: None)

    def begins(self, execution: str = "a", *, hosts: tuple[str, ...] = ("web1",)) -> None:
        self.channel.begin(execution)
        self.channel.publish(ExecutionStarted(plays=1))
        self.channel.publish(PlayStarted(hosts=hosts, tasks=2, identities=("0", "1")))

    def task(self, name: str = "Install", host: str = "web1", *, done: bool = False) -> None:
        task = TaskRef(task_id=name, identity="0", name=name, module="m")
        self.channel.publish(TaskCompleted(task=task, host=host) if done else TaskStarted(task=task, host=host))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    for name in [name for name in os.environ if name.startswith("RUSTLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RUSTLE_FEEDBACK_DB", str(tmp_path / "none.db"))
    world = World()
    monkeypatch.setattr(module, "read_config", lambda _path: {})
    monkeypatch.setattr(module, "channel", world.channel)
    monkeypatch.setattr(module, "_display", world)
    monkeypatch.setattr(module, "time", world)
    monkeypatch.setattr(module, "atexit", types.SimpleNamespace(register=world.at_exit.append))
    monkeypatch.setattr(module, "is_terminal", lambda: False)
    threads = types.SimpleNamespace(**{name: getattr(threading, name) for name in ("Event", "RLock", "current_thread", "main_thread")}, Thread=world.thread)
    monkeypatch.setattr(module, "threading", threads)
    return world


@pytest.fixture
def view(world: World) -> Iterator[ProgressView]:
    view = ProgressView()
    view.open()
    yield view
    view.close()


def test_a_bad_setting_is_an_error_that_names_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSTLE_PROGRESS_INTERVAL", "often")
    with pytest.raises(AnsibleError, match="RUSTLE_PROGRESS_INTERVAL"):
        ProgressView()


# -- lines from time to time


def test_a_line_is_said_when_the_interval_is_over_and_not_again_before_the_next(world: World, view: ProgressView) -> None:
    world.begins()
    world.task(done=True)
    for after, count in ((EVERY - 0.1, 0), (0.1, 1), (EVERY - 0.1, 1), (0.1, 2), (3 * EVERY, 3)):
        world.now += after
        view.look()
        assert len(world.lines) == count
    assert world.lines[0].startswith("progress: 50 %, 1/2 tasks, 1 host")


def test_how_often_is_a_setting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSTLE_PROGRESS_INTERVAL", "60")
    view = ProgressView()
    view.open()
    world.begins()
    world.now += 59
    view.look()
    assert world.lines == []
    world.now += 1
    view.look()
    assert len(world.lines) == 1


def test_the_next_playbook_begins_at_nothing(world: World, view: ProgressView) -> None:
    world.begins("a")
    world.task(done=True)
    world.channel.publish(ExecutionCompleted(status="success"))
    world.begins("b")
    world.now += EVERY
    view.look()
    assert world.lines[0].startswith("progress: 0 %, 0/2 tasks")


def test_nothing_is_said_any_more_when_the_recap_has_begun(world: World, view: ProgressView) -> None:
    world.begins()
    view.close()
    world.now += EVERY
    view.look()
    assert world.lines == []


def test_where_there_is_a_live_line_no_other_is_said(world: World, view: ProgressView) -> None:
    world.begins()
    view._terminal = types.SimpleNamespace(close=lambda: None)  # type: ignore[assignment]
    world.now += EVERY
    view.look()
    assert world.lines == []


def test_a_reader_that_has_gone_is_no_failure_of_the_run(world: World, view: ProgressView, monkeypatch: pytest.MonkeyPatch) -> None:
    def flush() -> None:
        raise BrokenPipeError

    world.begins()
    world.now += EVERY
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", types.SimpleNamespace(flush=flush))
        view.look()
    assert len(world.lines) == 1


# -- tasks that run still


def test_a_long_task_is_said_to_run_still_once_on_each_host(world: World, view: ProgressView) -> None:
    world.begins(hosts=("web1", "web2"))
    world.task(host="web1")
    world.now += 5
    world.task(host="web2")
    for after, said in ((4.9, []), (0.1, ["web1"]), (4.9, []), (0.1, ["web2"]), (600, [])):
        world.now += after
        view._say_still()
        assert [line.partition(": Install, for 10 s (no history yet)")[0] for line in world.lines] == [f"still running on {host}" for host in said]
        world.lines.clear()


def test_of_many_long_tasks_three_are_named_and_the_others_counted(world: World, view: ProgressView) -> None:
    world.begins()
    for number in range(5):
        world.task(f"Install {number}")
        world.now += 0.1
    world.now += 60
    view._say_still()
    assert [line.partition(",")[0] for line in world.lines] == [
        "still running on web1: Install 0", "still running on web1: Install 1", "still running on web1: Install 2", "... and 2 more",
    ]  # fmt: skip


def test_what_has_ended_runs_no_more(world: World, view: ProgressView) -> None:
    world.begins()
    world.task()
    world.task(done=True)
    world.now += 60
    view._say_still()
    assert world.lines == []


def test_both_are_said_also_while_nothing_happens(world: World, view: ProgressView) -> None:
    (thread,) = world.threads
    assert thread["daemon"]
    world.begins()
    world.task()
    world.now += 60
    turns = iter([False, True])
    thread["target"](types.SimpleNamespace(wait=lambda _seconds: next(turns)))
    assert [line.partition(" ")[0] for line in world.lines] == ["still", "progress:"]


def test_the_watch_ends_with_its_playbook(world: World, view: ProgressView) -> None:
    view.close()
    view.open()
    first, second = (thread["args"][0] for thread in world.threads)
    assert (first.is_set(), second.is_set()) == (True, False)


# -- from a playbook's begin to its recap


def test_it_listens_once_while_a_playbook_runs_and_not_before_or_after(world: World) -> None:
    view = ProgressView()
    heard = []
    heard.append(world.channel.heard)
    for act in (view.open, view.open, view.close, view.close, view.open):
        act()
        heard.append(len(world.channel._listeners))
    assert heard == [False, 1, 1, 0, 0, 1]
    assert world.at_exit == [view.close]


def test_a_forked_worker_closes_nothing(world: World, view: ProgressView) -> None:
    pid, view._pid = view._pid, 0  # as if the view were that of another process
    view.close()
    assert world.channel.heard
    view._pid = pid


class Line:
    """In the place of a Terminal."""

    def __init__(self, *_arguments: Any, **_fields: Any) -> None:
        self.acts: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda: self.acts.append(name)


def test_a_terminal_is_opened_and_closed_with_the_playbook_and_stands_aside_for_questions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_terminal", lambda: True)
    monkeypatch.setattr(module, "Terminal", Line)
    monkeypatch.setattr(ProgressView, "_watch_for_term", staticmethod(lambda terminal: terminal.watched()))
    view = ProgressView()
    view.step_aside()  # before there is one
    view.open()
    line: Any = view._terminal
    view.step_aside()
    view.close()
    assert line.acts == ["open", "watched", "step_aside", "close"]


def test_who_kills_the_run_kills_it_and_the_line_goes_first() -> None:
    acts: list[str] = []
    line: Any = types.SimpleNamespace(erase=lambda: acts.append("erased"))
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: acts.append("ended"))
    try:
        ProgressView._watch_for_term(line)
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert acts == ["erased", "ended", "ended"]


def test_the_line_is_that_of_the_run_and_no_wider_than_its_terminal(world: World, view: ProgressView) -> None:
    world.begins()
    world.task(done=True)
    assert " 50 %, 1/2 tasks" in view._line(200)
    assert len(view._line(12)) < 12
