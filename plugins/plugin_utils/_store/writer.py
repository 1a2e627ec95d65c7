# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one thread that writes to the history: events and records go into a queue, and from there in batches into the store.

Rule 1: who gives something never waits. What is given within a fraction of a second is one transaction, of BATCH at most.
Rule 2: whatever fails, the run goes on: recording ends, and that is said once.
Rule 3: a forked child writes nothing.
Rule 4: the thread opens the store, uses and closes it; what that takes (imports, migrations, waiting for others) is its time.
"""
from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import Record
from ansible_collections.rustle.engine.plugins.plugin_utils._store.importing import importing
from ansible_collections.rustle.engine.plugins.plugin_utils._store.liveness import is_alive
from ansible_collections.rustle.engine.plugins.plugin_utils._store.protocol import FeedbackStore
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.ledger import Ledger

__all__ = ['BACKLOG', 'BATCH', 'Writer', 'sqlite_at']

BATCH: t.Final = 500
EVERY: t.Final = 0.2
"""Seconds that the first of a batch waits for others."""
BACKLOG: t.Final = 200_000
"""What may wait for a slow disk; beyond it, recording ends."""
PRUNE_AT_ONCE: t.Final = 20
"""Runs that one run forgets at its end, at most."""


def sqlite_at(path: str) -> t.Callable[[], FeedbackStore]:
    """Opens the store in a file. SQLite is imported by who calls it: the writer's thread."""
    def open_store() -> FeedbackStore:
        with importing:
            from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore
        return SqliteStore(path)
    return open_store


class _Mark(threading.Event):
    """In the queue: everything before it is to be written at once."""


class Writer:
    """``warn``: called once, with one message, by the thread (or by close, when the thread does not get done).

    ``days``, ``size``: how much is kept, see FeedbackStore.prune. ``controller``: this machine, as runs name it.
    """

    def __init__(
        self, open_store: t.Callable[[], FeedbackStore], *, warn: t.Callable[[str], None], days: int = 0, size: int = 0, controller: str = '',
        every: float = EVERY,
    ) -> None:
        self._open_store = open_store
        self._warn = warn
        self._retention = days, size
        self._controller = controller or os.uname().nodename
        self._every = every
        self._queue: queue.SimpleQueue[Event | Record | _Mark] = queue.SimpleQueue()
        self._hurry = threading.Event()
        self._ending = False
        self._over = False
        self._pid = os.getpid()
        self._marks: list[_Mark] = []  # that have left the queue
        self._ledger = Ledger()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def take(self, given: Event | Record) -> None:
        """Keep this; an event becomes its records. Also what listens to the channel."""
        if self._over or os.getpid() != self._pid:
            return
        if self._queue.qsize() > BACKLOG:
            self._give_up('the disk does not keep up with the run')
            return
        self._queue.put(given)
        if self._thread is None:
            self._start()

    def flush(self, *, timeout: float = 10.0) -> bool:
        """Wait until all that was given so far is written. False when that was not to be."""
        if self._over or self._thread is None or os.getpid() != self._pid:
            return not self._over
        mark = _Mark()
        self._queue.put(mark)
        self._hurry.set()
        return not self._over and mark.wait(timeout) and not self._over

    def close(self, *, timeout: float = 10.0) -> bool:
        """Write what is left, make room for later runs, and end. After ``timeout`` seconds what is left is given up."""
        thread = self._thread
        if thread is None or os.getpid() != self._pid:
            return True
        self._ending = True
        self.flush(timeout=0.0)
        thread.join(timeout)
        if thread.is_alive():
            self._give_up(f'the history of runs was not to be had for {timeout:g} s')
        self._over = True
        return not thread.is_alive()

    # -- the thread

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name='rustle-feedback', daemon=True)
                self._thread.start()

    def _work(self) -> None:
        try:
            with contextlib.closing(self._open_store()) as store:
                store.mark_interrupted(controller=self._controller, is_alive=is_alive)
                while not (self._ending and self._queue.empty()):
                    self._batch(store)
                days, size = self._retention
                store.prune(days=days, size=size, now=time.time(), limit=PRUNE_AT_ONCE)
        except RustleError as ex:
            self._give_up(str(ex))
        except Exception as ex:
            self._give_up(f'{type(ex).__name__}: {ex}')
        finally:
            self._over = True
            self._release()

    def _batch(self, store: FeedbackStore) -> None:
        """Wait for something to write, and a moment for more of it."""
        given: list[Event | Record] = []
        mark = self._next(given, block=True)
        if mark is None:
            self._hurry.wait(self._every)
            while mark is None and len(given) < BATCH and not self._queue.empty():
                mark = self._next(given)
        records: dict[tuple[object, ...], Record] = {}
        for one in given:
            records.update((_key(record), record) for record in (self._ledger.handle(one) if isinstance(one, Event) else (one,)))
        records.update((_key(record), record) for record in self._ledger.pulse())
        store.put(records.values())
        if mark is not None:
            self._hurry.clear()
            mark.set()
            self._marks.clear()

    def _next(self, given: list[Event | Record], *, block: bool = False) -> _Mark | None:
        """Take one from the queue: a mark, or something that is given."""
        one = self._queue.get(block)
        if isinstance(one, _Mark):
            self._marks.append(one)
            return one
        given.append(one)
        return None

    def _give_up(self, why: str) -> None:
        if not self._over:
            self._over = True
            self._warn(f'rustle.engine records nothing more of this run: {why}')

    def _release(self) -> None:
        """Who waits for a mark need not wait any longer."""
        while not self._queue.empty():
            self._next([])
        for mark in self._marks:
            mark.set()


def _key(record: Record) -> tuple[object, ...]:
    return (type(record), *(getattr(record, name) for name in record.KEY))
