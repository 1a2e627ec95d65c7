# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The history of runs in an SQLite file, which many processes may write to.

Rule 1: writing is one short transaction that begins with the lock (BEGIN IMMEDIATE), so that waiting for others is all that can happen to it.
Rule 2: the file is the user's alone (0600, in a folder of 0700 where we make it).
Rule 3: SQLite's handles do not survive a fork (sqlite.org/howtocorrupt.html, 2.6): in a child they lead nowhere, and the store is closed.
"""
from __future__ import annotations

import contextlib
import os
import sqlite3
import typing as t
import weakref

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import StoreError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Path
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import Record
from ansible_collections.rustle.engine.plugins.plugin_utils._store.migrations import migrate, refuse
from ansible_collections.rustle.engine.plugins.plugin_utils._store.queries import Queries, R, Wanted
from ansible_collections.rustle.engine.plugins.plugin_utils._store.rows import TABLES, sound, table_of
from ansible_collections.rustle.engine.plugins.plugin_utils._store.waiting import BY_ITSELF, begin, patiently

__all__ = ['SqliteStore']


class SqliteStore(Queries):
    """Opens, makes or migrates the file at ``path``; StoreError when that cannot be. ``create`` False: a missing file is an error, too."""

    def __init__(self, path: str, *, create: bool = True) -> None:
        self.path = os.path.abspath(os.path.expanduser(path))
        self._connection: sqlite3.Connection | None = None
        self._descriptors: tuple[tuple[int, tuple[int, int]], ...] = ()
        with self._told():
            self._prepare(create)
            # another thread may close what this one has opened
            connection = sqlite3.connect(self.path, timeout=BY_ITSELF, isolation_level=None, check_same_thread=False)
        self._connection = connection
        try:
            with self._told():
                patiently(lambda: self._set_up(connection))
        except BaseException:
            self.close()
            raise
        self._descriptors = _descriptors(self.path)
        _OPEN.add(self)

    def put(self, records: t.Iterable[Record]) -> None:
        rows: dict[type[Record], list[tuple[t.Any, ...]]] = {}
        for record in records:
            rows.setdefault(type(record), []).append(table_of(type(record)).row(record))
        if not rows:
            return
        with self._transaction() as connection:
            for kind, some in rows.items():
                upsert = table_of(kind).upsert
                try:
                    connection.executemany(upsert, some)
                except UnicodeEncodeError:
                    connection.executemany(upsert, map(sound, some))

    def find(self, wanted: Wanted[R]) -> tuple[R, ...]:
        table = table_of(wanted.kind)
        with self._told():
            question, connection = table.question(wanted), self._open
            return tuple(map(table.record, patiently(lambda: connection.execute(*question).fetchall())))

    def paths(self, executions: t.Collection[str]) -> frozenset[tuple[str, str, Path | None]]:
        runs = ', '.join('?' * len(executions))
        question = f'SELECT DISTINCT module, host_class, path FROM results WHERE execution IN ({runs})', tuple(executions)
        with self._told():
            connection = self._open
            return frozenset(patiently(lambda: connection.execute(*question).fetchall()))

    def size(self) -> int:
        with self._told():
            pages, free, size = (self._open.execute(f'PRAGMA {name}').fetchone()[0] for name in ('page_count', 'freelist_count', 'page_size'))
        return int((pages - free) * size)

    def close(self) -> None:
        _OPEN.discard(self)
        connection, self._connection = self._connection, None
        if connection is not None:
            with self._told():
                connection.close()

    def _change(self, execution: str, changes: t.Mapping[str, object], *, status: str | None = None) -> bool:
        values = [*changes.values(), execution]
        names = ', '.join(f'"{name}" = ?' for name in changes)
        condition = ' AND status = ?' if status is not None else ''
        if status is not None:
            values.append(status)
        with self._transaction() as connection:
            return connection.execute(f'UPDATE executions SET {names} WHERE execution = ?{condition}', values).rowcount > 0

    def _forget(self, execution: str) -> None:
        with self._transaction() as connection:
            for name in TABLES.values():
                connection.execute(f'DELETE FROM "{name}" WHERE execution = ?', (execution,))

    def _shrink(self) -> None:
        with self._transaction() as connection:
            for _page in range(connection.execute('PRAGMA freelist_count').fetchone()[0]):
                connection.execute('PRAGMA incremental_vacuum(1)')  # Python's sqlite3 steps it once, whatever its number

    # -- the file

    def _prepare(self, create: bool) -> None:
        """SQLite gives what it makes beside the file the file's own mode."""
        if not create:
            if not os.path.exists(self.path):
                raise StoreError(f'{self.path}: there is no history of runs yet', hint='enable the callback rustle.engine.feedback, and run a playbook')
            return
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            # only a new file: closing one takes away the locks that another store of this process has on it (howtocorrupt.html, 2.2)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

    def _set_up(self, connection: sqlite3.Connection) -> None:
        refuse(connection, path=self.path)
        connection.execute('PRAGMA auto_vacuum = INCREMENTAL')  # counts for an empty file only
        connection.execute('PRAGMA journal_mode = WAL')  # readers never wait; where a file system cannot do it, the journal stays what it is
        connection.execute('PRAGMA synchronous = NORMAL')  # a power cut may cost the last runs, never the file
        migrate(connection, path=self.path)

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f'{self.path}: the history of runs is closed')
        return self._connection

    @contextlib.contextmanager
    def _transaction(self) -> t.Iterator[sqlite3.Connection]:
        with self._told():
            connection = self._open
            begin(connection)
            try:
                yield connection
                connection.execute('COMMIT')
            except BaseException:
                if connection.in_transaction:
                    connection.execute('ROLLBACK')
                raise

    @contextlib.contextmanager
    def _told(self) -> t.Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as ex:
            code = getattr(ex, 'sqlite_errorcode', 0) & 0xff
            if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise StoreError(f'{self.path}: the history of runs is damaged: {ex}', hint='move the file away, and a new history begins') from ex
            raise StoreError(f'{self.path}: the history of runs cannot be used: {ex}') from ex


_OPEN: t.Final[weakref.WeakSet[SqliteStore]] = weakref.WeakSet()
_LEFT: t.Final[list[sqlite3.Connection]] = []
"""Connections of the parent: nothing of SQLite may be called for them in a child, closing included, so they are kept."""


def _descriptors(path: str) -> tuple[tuple[int, tuple[int, int]], ...]:
    """Those of this process that are open on the file and on what belongs to it, with device and number of each."""
    files = {_identity(os.stat(name)) for name in (path, f'{path}-wal', f'{path}-shm') if os.path.exists(name)}
    found = ((int(name), _of(int(name))) for name in os.listdir('/dev/fd')) if os.path.isdir('/dev/fd') else ()
    return tuple((descriptor, identity) for descriptor, identity in found if identity in files)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _of(descriptor: int) -> tuple[int, int]:
    try:
        return _identity(os.fstat(descriptor))
    except OSError:
        return 0, 0


def _leave() -> None:
    """After a fork, in the child. A descriptor that cannot be locked keeps SQLite from touching the parent's files, should it be asked to."""
    stores = list(_OPEN)
    _OPEN.clear()
    if not stores:
        return
    nowhere = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    for store in stores:
        connection, store._connection = store._connection, None
        if connection is not None:
            _LEFT.append(connection)
        for descriptor, identity in store._descriptors:
            if _of(descriptor) == identity:
                os.dup2(nowhere, descriptor, inheritable=False)
    os.close(nowhere)


os.register_at_fork(after_in_child=_leave)
