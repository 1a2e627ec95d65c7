# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The thread that writes: in batches, to the end, and without ever being the run's trouble."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import StoreError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import TaskRef
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ReportRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._store import writer as module
from ansible_collections.rustle.engine.plugins.plugin_utils._store.memory import MemoryStore
from ansible_collections.rustle.engine.plugins.plugin_utils._store.queries import DAY
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore
from ansible_collections.rustle.engine.plugins.plugin_utils._store.writer import Writer, sqlite_at

from .builders import run

LONG = 60.0  # seconds: a bound that nothing here comes near to


class Watched(MemoryStore):
    """Remembers its batches, and is held up or fails as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.closed = False
        self.go = threading.Event()
        self.go.set()
        self.fails: Exception | None = None

    def put(self, records: Iterable[Any]) -> None:
        self.go.wait(LONG)
        if self.fails is not None:
            raise self.fails
        some = list(records)
        self.batches.append(len(some))
        super().put(some)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def store() -> Watched:
    return Watched()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def writer(store: Watched, said: list[str]) -> Writer:
    return Writer(lambda: store, warn=said.append, controller="here", every=0.01)


def report(number: int) -> ReportRecord:
    return ReportRecord(execution=f"r{number}", lines=("x",))


def test_what_is_given_is_written_to_the_last(writer: Writer, store: Watched, said: list[str]) -> None:
    for number in range(2000):
        writer.take(report(number))
    assert writer.close(timeout=LONG)
    assert len(store.reports()) == 2000 and store.closed and said == []
    assert max(store.batches) <= module.BATCH and len(store.batches) < 200


def test_after_a_flush_all_of_it_can_be_read(writer: Writer, store: Watched) -> None:
    for number in range(3):
        writer.take(report(number))
        assert writer.flush(timeout=LONG)
        assert len(store.reports()) == number + 1
    assert writer.close(timeout=LONG)


def test_a_writer_that_was_given_nothing_opens_nothing(said: list[str]) -> None:
    def never() -> Watched:
        raise AssertionError

    writer = Writer(never, warn=said.append)
    assert writer.flush() and writer.close() and said == []


def test_events_become_records_and_a_run_is_written_with_each_batch(writer: Writer, store: Watched) -> None:
    task = TaskRef(task_id="t", identity="i", name="n", module="m")
    for number in range(400):
        writer.take(events.TaskStarted(execution="r", sequence=number + 2, time=float(number), task=task, host=f"h{number}"))
    writer.take(events.ExecutionStarted(execution="r", sequence=1, time=1.0, playbook="site.yml"))
    assert writer.flush(timeout=LONG)
    assert [(one.playbook, one.seen) for one in store.executions()] == [("site.yml", 399.0)]
    assert len(store.results()) == 400 and len(store.tasks("r")) == 1
    assert writer.close(timeout=LONG)


def test_a_record_that_changes_within_a_batch_is_written_once(store: Watched, said: list[str]) -> None:
    writer = Writer(lambda: store, warn=said.append, every=LONG)
    task = TaskRef(task_id="t", identity="i", name="n", module="m")
    writer.take(events.TaskStarted(execution="r", sequence=1, task=task, host="a"))
    writer.take(events.TaskCompleted(execution="r", sequence=2, task=task, host="a"))
    assert writer.flush(timeout=LONG) and store.batches == [2]  # the task and its result
    assert [one.status for one in store.results()] == ["ok"]
    assert writer.close(timeout=LONG)


# --- other runs -------------------------------------------------------------------------------------------------------------------------


def test_runs_whose_process_is_gone_are_marked_and_old_ones_make_room(store: Watched, said: list[str]) -> None:
    store.put([run("gone", pid=0, seen=5.0, started=time.time()), run("old", started=time.time() - 9 * DAY, status="success")])
    writer = Writer(lambda: store, warn=said.append, controller="here", days=7)
    writer.take(report(1))
    assert writer.close(timeout=LONG)
    assert [(one.execution, one.status) for one in store.executions()] == [("gone", "interrupted")]


# --- trouble --------------------------------------------------------------------------------------------------------------------------------


def test_a_store_that_fails_ends_recording_with_one_warning(writer: Writer, store: Watched, said: list[str]) -> None:
    writer.take(report(1))
    assert writer.flush(timeout=LONG)
    store.fails = StoreError("/f.db: database or disk is full")
    for number in range(9):
        writer.take(report(number))
        assert not writer.flush(timeout=LONG)
    assert writer.close(timeout=LONG)
    assert said == ["rustle.engine records nothing more of this run: /f.db: database or disk is full"]
    assert store.closed and len(store.reports()) == 1


def test_a_store_that_cannot_be_opened_is_one_warning(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / "f.db").write_bytes(b"x" * 5000)
    writer = Writer(sqlite_at(str(tmp_path / "f.db")), warn=said.append)
    writer.take(report(1))
    assert not writer.flush(timeout=LONG)
    writer.take(report(2))
    assert writer.close(timeout=LONG)
    assert len(said) == 1 and "the history of runs is damaged" in said[0]


def test_what_nobody_thought_of_is_a_warning_too(writer: Writer, store: Watched, said: list[str]) -> None:
    store.fails = ZeroDivisionError("division by zero")
    writer.take(report(1))
    assert not writer.flush(timeout=LONG)
    assert said == ["rustle.engine records nothing more of this run: ZeroDivisionError: division by zero"]


def test_closing_does_not_wait_for_ever(writer: Writer, store: Watched, said: list[str]) -> None:
    store.go.clear()
    writer.take(report(1))
    assert not writer.close(timeout=0.05)
    assert said == ["rustle.engine records nothing more of this run: the history of runs was not to be had for 0.05 s"]
    store.go.set()


def test_what_waits_for_a_slow_disk_is_bounded(writer: Writer, store: Watched, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKLOG", 100)
    store.go.clear()
    for number in range(10 * module.BATCH):
        writer.take(report(number))
    store.go.set()
    assert writer._queue.qsize() <= 101 and said == ["rustle.engine records nothing more of this run: the disk does not keep up with the run"]


# --- processes ------------------------------------------------------------------------------------------------------------------------------


def test_a_forked_child_writes_nothing_and_waits_for_nothing(tmp_path: Path, said: list[str]) -> None:
    path = str(tmp_path / "f.db")
    writer = Writer(sqlite_at(path), warn=said.append)
    writer.take(report(1))
    assert writer.flush(timeout=LONG)
    pid = os.fork()
    if pid == 0:
        try:
            writer.take(report(2))
            os._exit(0 if writer.close() else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    writer.take(report(3))
    assert writer.close(timeout=LONG) and said == []
    with contextlib.closing(SqliteStore(path)) as store:
        assert {one.execution for one in store.reports()} == {"r1", "r3"}


KILLED = """
import sys, threading
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ReportRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._store.writer import Writer, sqlite_at
writer = Writer(sqlite_at(sys.argv[1]), warn=print, every=60)
writer.take(ReportRecord(execution='written'))
writer.flush(timeout=60)
writer.take(ReportRecord(execution='lost'))
print('ready', flush=True)
sys.stdin.read()
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_run_that_is_killed_loses_its_last_batch_only(tmp_path: Path) -> None:
    path = str(tmp_path / "f.db")
    with start(KILLED, path) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.kill()
    with contextlib.closing(SqliteStore(path)) as store:
        assert [one.execution for one in store.reports()] == ["written"]


LAZY = """
import sys
from ansible_collections.rustle.engine.plugins.plugin_utils._store.writer import Writer, sqlite_at
writer = Writer(sqlite_at(sys.argv[1]), warn=print)
before = {'sqlite3', 'sqlite_utils'} & set(sys.modules)
writer.take(__import__('ansible_collections.rustle.engine.plugins.plugin_utils._model.history', fromlist=['x']).ReportRecord(execution='a'))
writer.close(timeout=60)
print(sorted(before), sorted({'sqlite3', 'sqlite_utils'} & set(sys.modules)))
"""


def test_the_thread_imports_what_it_needs_and_sqlite_utils_for_a_new_file_only(tmp_path: Path) -> None:
    path = str(tmp_path / "f.db")
    assert [start(LAZY, path).communicate()[0] for _time in range(2)] == ["[] ['sqlite3', 'sqlite_utils']\n", "[] ['sqlite3']\n"]


def test_a_fork_waits_for_an_import_in_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.rustle.engine.plugins.plugin_utils._store.importing import importing

    order: list[str] = []

    def imports(begun: Callable[[], None]) -> None:
        with importing:
            begun()
            time.sleep(0.05)
            order.append("imported")

    begun = threading.Event()
    thread = threading.Thread(target=imports, args=(begun.set,))
    thread.start()
    begun.wait(LONG)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if importing.acquire(blocking=False) else 1)
    order.append("forked")
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0 and order == ["imported", "forked"]
