# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting for other writers of a database. SQLite waits by itself for most locks, not for all, and not for long."""
from __future__ import annotations

import sqlite3
import time
import typing as t

__all__ = ['BY_ITSELF', 'PATIENCE', 'begin', 'patiently']

T = t.TypeVar('T')

PATIENCE: t.Final = 60.0
"""Seconds until somebody else's lock is an error."""
BY_ITSELF: t.Final = 2.0
"""Seconds that SQLite waits before it gives an answer."""
PAUSE: t.Final = 0.02
"""Seconds between two tries, for locks that SQLite does not wait for: a change of the journal, say."""

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)


def patiently(ask: t.Callable[[], T]) -> T:
    """The answer; asked again while others hold a lock. ``ask`` must be good for several times."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except sqlite3.OperationalError as ex:
            if getattr(ex, 'sqlite_errorcode', 0) & 0xff not in _BUSY or time.monotonic() > end:
                raise
            time.sleep(PAUSE)


def begin(connection: sqlite3.Connection) -> None:
    """Begin to write, with the lock that keeps others from it: what follows waits for nobody."""
    patiently(lambda: connection.execute('BEGIN IMMEDIATE'))
