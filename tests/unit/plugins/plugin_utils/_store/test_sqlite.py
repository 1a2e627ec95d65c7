# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The history in a file: who may see it, what is refused with which words, and many processes that write to it at once."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import MissingPackage, StoreError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord, ResultRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._store import migrations, sqlite, waiting
from ansible_collections.rustle.engine.plugins.plugin_utils._store.migrations import APPLICATION, VERSION
from ansible_collections.rustle.engine.plugins.plugin_utils._store.queries import Wanted
from ansible_collections.rustle.engine.plugins.plugin_utils._store.rows import TABLES, table_of
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore

from .builders import KINDS, result, run


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "rustle" / "feedback.db")


@pytest.fixture
def store(path: str) -> Iterator[SqliteStore]:
    with contextlib.closing(SqliteStore(path)) as store:
        yield store


def mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def ask(path: str, statement: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


# --- the file ---------------------------------------------------------------------------------------------------------------------


def test_nobody_else_can_read_the_history(store: SqliteStore, path: str) -> None:
    store.put([run("a")])
    assert mode(os.path.dirname(path)) == 0o700
    assert {mode(f"{path}{end}") for end in ("", "-wal", "-shm")} == {0o600}


def test_what_a_user_has_opened_to_others_stays_so(tmp_path: Path) -> None:
    file = tmp_path / "f.db"
    file.touch()
    file.chmod(0o640)
    tmp_path.chmod(0o755)
    SqliteStore(str(file)).close()
    assert (mode(str(file)), mode(str(tmp_path))) == (0o640, 0o755)


def test_readers_do_not_wait_and_pages_can_be_given_back(store: SqliteStore, path: str) -> None:
    assert ask(path, "PRAGMA journal_mode") == [("wal",)] and ask(path, "PRAGMA auto_vacuum") == [(2,)]


def test_what_is_forgotten_makes_the_file_smaller(store: SqliteStore, path: str) -> None:
    store.put([run("a", status="success"), *(result("a", "t", f"web{n}", message="x" * 500) for n in range(1000))])
    before = ask(path, "PRAGMA page_count")[0][0]
    assert store.prune(days=1, size=0, now=1e9) == 1
    after = ask(path, "PRAGMA page_count")[0][0]
    assert isinstance(before, int) and isinstance(after, int) and after < before / 3


def test_a_history_that_is_not_there_is_not_made_by_who_only_reads(path: str) -> None:
    with pytest.raises(StoreError, match="there is no history of runs yet"):
        SqliteStore(path, create=False)
    assert not os.path.exists(os.path.dirname(path))


def test_what_is_no_text_does_not_stop_the_rest(store: SqliteStore) -> None:
    store.put([result("a", "t", message="before \udcff after"), result("a", "u", message="fine")])
    assert [one.message for one in store.results()] == ["fine", "before ? after"]


# --- migrations ---------------------------------------------------------------------------------------------------------------------


def test_the_page_names_every_table() -> None:
    page = (Path(__file__).parents[5] / "docs" / "feedback.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \|", page.split("## Store", 1)[1].split("\n## ", 1)[0], re.MULTILINE)
    assert listed == list(TABLES.values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_has_the_columns_and_the_key_of_its_record(store: SqliteStore, path: str, kind: type) -> None:
    columns = ask(path, f"SELECT name, pk FROM pragma_table_info('{TABLES[kind]}') ORDER BY cid")
    assert [name for name, _pk in columns] == [field.name for field in dataclasses.fields(kind)] == list(table_of(kind).columns)
    assert tuple(name for name, pk in sorted(columns, key=lambda column: column[1]) if pk) == kind.KEY  # type: ignore[attr-defined]


def test_a_database_that_is_up_to_date_needs_no_sqlite_utils(store: SqliteStore, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlite_utils", None)
    with contextlib.closing(SqliteStore(path)) as again:
        again.put([run("a")])
        assert again.executions()


def test_without_sqlite_utils_no_database_is_made_and_the_package_is_named(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlite_utils", None)
    with pytest.raises(MissingPackage, match="pip install sqlite-utils"):
        SqliteStore(path)


def test_a_step_that_fails_leaves_nothing_and_the_next_try_goes_on_from_there(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(db: object) -> None:
        db.table("executions").add_column("colour", str)  # type: ignore[attr-defined]
        raise sqlite3.OperationalError("disk I/O error")

    SqliteStore(path).close()
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "STEPS", (*migrations.STEPS, broken))
        patch.setattr(migrations, "VERSION", VERSION + 1)
        with pytest.raises(StoreError, match="disk I/O error"):
            SqliteStore(path)
    assert ask(path, "PRAGMA user_version") == [(VERSION,)]
    with contextlib.closing(SqliteStore(path)) as again:
        again.put([run("a")])


def test_a_later_step_keeps_what_is_there(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(SqliteStore(path)) as first:
        first.put([run("a")])
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, lambda db: db.table("executions").add_column("colour", str)))
    monkeypatch.setattr(migrations, "VERSION", VERSION + 1)
    with contextlib.closing(SqliteStore(path)) as later:
        assert later.executions() == (run("a"),)
    assert ask(path, "PRAGMA user_version") == [(VERSION + 1,)] and ask(path, "SELECT colour FROM executions") == [(None,)]


def test_a_history_of_the_first_version_keeps_its_results_and_takes_further_times(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "STEPS", migrations.STEPS[:1])
        patch.setattr(migrations, "VERSION", 1)
        SqliteStore(path).close()
    rows = [("r", "t", "id-t", "ansible.builtin.copy", "web1", attempt, "ok", 1, float(attempt)) for attempt in (1, 2)]
    with contextlib.closing(sqlite3.connect(path)) as old, old:
        old.executemany(
            "INSERT INTO results (execution, task_id, identity, module, host, attempt, status, final, ended, host_class, path_reason, error_class, message) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', '', '')", rows)  # fmt: skip
        old.execute("INSERT INTO bundles (execution, bundle, host, host_class, tasks, bytes_up, done, dropped, failed, cut, cut_detail) "
                    "VALUES ('r', 1, 'web1', '', 1, 1, 1, 0, 0, '', '')")  # fmt: skip
    with contextlib.closing(SqliteStore(path)) as now:
        assert now.results() == tuple(result("r", "t", attempt=attempt, ended=float(attempt)) for attempt in (2, 1))
        assert [one.joined for one in now.bundles("r")] == [False] and now.plays("r") == ()
        now.put([result("r", "t", occurrence=2, ended=3.0)])
        assert len(now.results()) == 3
    assert ask(path, "SELECT count(*) FROM sqlite_master WHERE name = 'idx_results_identity_ended'") == [(1,)]


# --- what is refused ----------------------------------------------------------------------------------------------------------------


def test_a_newer_history_is_left_alone(path: str) -> None:
    SqliteStore(path).close()
    ask(path, f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StoreError) as caught:
        SqliteStore(path)
    assert str(caught.value) == (
        f"{path}: the history of runs is of version {VERSION + 1}, this rustle.engine knows versions up to {VERSION}\n"
        "hint: update rustle.engine, or name another file as RUSTLE_FEEDBACK_DB"
    )


@pytest.mark.parametrize("statement", ["CREATE TABLE mine (x)", "PRAGMA user_version = 1", f"PRAGMA application_id = {APPLICATION + 1}"])
def test_somebody_elses_database_is_left_alone(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "else.db"
    ask(str(path), statement)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="a database of something else"):
        SqliteStore(str(path))
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_no_database_is_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "f.db").write_bytes(b"these are notes, not pages\n" * 100)
    with pytest.raises(StoreError) as caught:
        SqliteStore(str(tmp_path / "f.db"))
    assert str(caught.value) == (
        f"{tmp_path}/f.db: the history of runs is damaged: file is not a database\nhint: move the file away, and a new history begins"
    )


def test_pages_that_were_overwritten_are_said_to_be_damaged(path: str) -> None:
    with contextlib.closing(SqliteStore(path)) as store:
        store.put(run(f"r{number}") for number in range(500))
    size = os.path.getsize(path)
    with open(path, "r+b") as stream:
        stream.seek(4096)
        stream.write(os.urandom(size - 4096))
    with pytest.raises(StoreError, match="is damaged"), contextlib.closing(SqliteStore(path)) as store:
        store.put(run(f"s{number}") for number in range(500))


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """As a user who is not root, whom permissions do not hold back."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_cannot_be_written_is_one_clear_error() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        with nobody(), pytest.raises(StoreError, match=r"the history of runs cannot be used: .*Permission denied"):
            SqliteStore(f"{folder}/f.db")


def test_a_file_that_cannot_be_written_is_one_clear_error() -> None:
    with tempfile.TemporaryDirectory() as folder:
        SqliteStore(f"{folder}/f.db").close()
        os.chmod(f"{folder}/f.db", 0o444)
        os.chmod(folder, 0o555)
        with nobody(), pytest.raises(StoreError, match="the history of runs cannot be used"), contextlib.closing(SqliteStore(f"{folder}/f.db")) as store:
            store.put([run("a")])


def test_a_full_disk_is_an_error_and_keeps_what_was_there(store: SqliteStore) -> None:
    store.put([run("a")])
    assert store._connection is not None
    store._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreError, match="database or disk is full"):
        store.put(run(f"r{number}", note="x" * 1000) for number in range(100))
    assert store.executions() == (run("a"),)


def test_a_store_that_was_closed_says_so(path: str) -> None:
    store = SqliteStore(path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.executions()


# --- the plan of each question --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Wanted(kind=ExecutionRecord, order="started"), "idx_executions_started"),
        (Wanted(kind=ExecutionRecord, order="started", equal={"identity": "x"}, limit=5), "idx_executions_identity_started"),
        (Wanted(kind=ExecutionRecord, order="started", equal={"status": "running"}), "idx_executions_status_started"),
        (Wanted(kind=ResultRecord, order="ended", equal={"identity": "x"}, limit=5), "idx_results_identity_ended"),
        (Wanted(kind=ResultRecord, order="ended", equal={"identity": "x", "status": ("ok", "changed")}, limit=5), "idx_results_identity_ended"),
        *((Wanted(kind=kind, order="execution", equal={"execution": "x"}), f"sqlite_autoindex_{TABLES[kind]}_1") for kind in KINDS),
    ],
)
def test_a_question_uses_its_index_and_one_with_a_limit_sorts_nothing(store: SqliteStore, wanted: Wanted[ExecutionRecord], index: str) -> None:
    assert store._connection is not None
    statement, values = table_of(wanted.kind).question(wanted)
    plan = [row[3] for row in store._connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert index in plan[0], plan
    assert wanted.limit is None or len(plan) == 1, plan


def test_forgetting_a_run_looks_at_its_rows_only(store: SqliteStore) -> None:
    assert store._connection is not None
    for name in TABLES.values():
        plan = store._connection.execute(f'EXPLAIN QUERY PLAN DELETE FROM "{name}" WHERE execution = ?', ("x",)).fetchall()
        assert "SEARCH" in plan[0][3]


# --- processes --------------------------------------------------------------------------------------------------------------------------

MANY = """
import sys
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord, ResultRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore
path, name = sys.argv[1:]
sys.stdin.read()  # until all of them are there
store = SqliteStore(path)
for batch in range(20):
    store.put([ExecutionRecord(execution=name, seen=float(batch))])
    store.put(ResultRecord(execution=name, task_id=f't{batch}', identity='i', module='m', host=f'h{host}', message='x' * 100) for host in range(10))
store.close()
"""


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code, *arguments], env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_twenty_processes_make_and_write_one_history_at_once_and_none_is_turned_away(path: str) -> None:
    """No history is there before: they migrate at once, too."""
    processes = [start(MANY, path, f"run{number}") for number in range(20)]
    for process in processes:
        process.stdin.close()  # type: ignore[union-attr]
    errors = [process.stderr.read() for process in processes if process.wait(timeout=120)]  # type: ignore[union-attr]
    for process in processes:
        process.stdout.close()  # type: ignore[union-attr]
        process.stderr.close()  # type: ignore[union-attr]
    assert errors == []
    with contextlib.closing(SqliteStore(path)) as store:
        assert {one.execution: one.seen for one in store.executions()} == {f"run{number}": 19.0 for number in range(20)}
        assert len(store.results()) == 20 * 200
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]


KILLED = """
import sys
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore
store = SqliteStore(sys.argv[1])
store.put(ExecutionRecord(execution=f'r{number}') for number in range(50))
with store._transaction() as connection:
    connection.execute("INSERT INTO executions (execution) VALUES ('lost')")
    print('writing', flush=True)
    sys.stdin.read()
"""


def test_a_writer_that_is_killed_loses_its_last_batch_and_holds_nobody_up(path: str) -> None:
    with start(KILLED, path) as process:
        assert process.stdout is not None and process.stdout.readline() == "writing\n"
        process.kill()
        process.wait()
    with contextlib.closing(SqliteStore(path)) as store:
        assert len(store.executions()) == 50
        store.put([run("next")])


def test_a_forked_child_cannot_write_and_its_parent_goes_on(store: SqliteStore, path: str) -> None:
    store.put([run("a")])
    connection = store._connection
    assert connection is not None
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            with contextlib.suppress(StoreError):
                store.put([run("child")])
                os.write(writing, b"put worked ")
            connection.close()  # as the end of an interpreter would
            open_on = [name for name in os.listdir("/dev/fd") if os.path.exists(f"/dev/fd/{name}")]
            same = [one for one in open_on if os.path.samestat(os.stat(f"/dev/fd/{one}"), os.stat(path))]
            os.write(writing, f"{len(same)} handles".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    with open(reading, "rb") as stream:
        assert stream.read() == b"0 handles"
    store.put([run("b")])
    assert os.path.exists(f"{path}-wal")
    with contextlib.closing(SqliteStore(path)) as other:
        assert {one.execution for one in other.executions()} == {"a", "b"}
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_number_that_means_another_file_by_now_is_left_alone_after_a_fork(path: str, tmp_path: Path) -> None:
    first, second = SqliteStore(path), SqliteStore(str(tmp_path / "second.db"))
    numbers = [number for number, _identity in first._descriptors]
    stale = first._descriptors
    first.close()
    with open(tmp_path / "mine", "wb", buffering=0) as mine:
        assert mine.fileno() in numbers
        second._descriptors = (*second._descriptors, *stale)
        pid = os.fork()
        if pid == 0:
            mine.write(b"still mine")
            os._exit(0)
        os.waitpid(pid, 0)
    assert (tmp_path / "mine").read_bytes() == b"still mine"
    second.close()


def test_waiting_for_the_lock_ends(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BY_ITSELF", 0.01)
    monkeypatch.setattr(waiting, "PATIENCE", 0.01)
    with contextlib.closing(SqliteStore(path)) as holder, contextlib.closing(SqliteStore(path)) as store:
        with holder._transaction(), pytest.raises(StoreError, match="locked"):
            store.put([run("a")])
        store.put([run("a")])
