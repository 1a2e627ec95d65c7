# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where events leave the process: a thread of its own writes them, so that a receiver that is slow or dead holds nobody up.

Rule 1: who publishes only puts a line into a queue. A queue that is full loses lines, and they are counted.
Rule 2: in a forked worker there is no sink.
Rule 3: whatever happens while lines are written, the thread goes on, lines that are lost are counted, and it is said once.
"""
from __future__ import annotations

import contextlib
import functools
import os
import queue
import threading
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event

from .event_json import encode

__all__ = ['Sink']

_LIMIT = 100_000  # lines


class Sink:
    """A listener of the channel. ``write(lines)`` is called in the thread, with at least one line, or with none when ``every`` seconds have passed."""

    def __init__(self, *, warn: t.Callable[[str], object], most: int = 500, every: float = 1.0) -> None:
        self.lost = 0
        self._warn = warn
        self._has_failed = False
        self.closing = False
        self._most = most
        self._every = every
        self._queue: queue.Queue[bytes | None] = queue.Queue(_LIMIT)
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._started = False

    def __call__(self, event: Event) -> None:
        if os.getpid() != self._pid:
            return
        if not self._started:
            self._started = True
            self._thread.start()
        try:
            self._queue.put_nowait(encode(event))
        except queue.Full:
            self.lost += 1

    def close(self, timeout: float = 5.0) -> bool:
        """Write what is there. Whether that was done within ``timeout`` seconds; if not, ``rescue`` gets the lines that are still in the queue."""
        if os.getpid() != self._pid or not self._started:
            return True
        self.closing = True
        with contextlib.suppress(queue.Full):  # the thread ends by itself when it has come to the end of it
            self._queue.put_nowait(None)
        self._thread.join(timeout)
        if not self._thread.is_alive():
            return True
        lines = []
        while not self._queue.empty():
            line = self._queue.get_nowait()
            if line is not None:
                lines.append(line)
        if lines:
            self.rescue(lines)
        return False

    def write(self, lines: list[bytes]) -> None:
        raise NotImplementedError

    def rescue(self, lines: list[bytes]) -> None:
        """The process ends, and the thread has not come to these. Called in another thread than ``write``."""
        self.lost += len(lines)

    def leave(self) -> None:
        """The last thing in the thread."""

    def _run(self) -> None:
        going = True
        while going:
            lines: list[bytes] = []
            try:
                line = self._queue.get(timeout=self._every)
                while line is not None:
                    lines.append(line)
                    if len(lines) >= self._most:
                        break
                    line = self._queue.get_nowait()
                going = line is not None
            except queue.Empty:
                going = not self.closing
            self._guarded(functools.partial(self.write, lines), loses=len(lines))
        self._guarded(self.leave)

    def _guarded(self, act: t.Callable[[], None], *, loses: int = 0) -> None:
        try:
            act()
        except Exception as ex:
            self.lost += loses
            if not self._has_failed:
                self._has_failed = True
                self._warn(f'rustle.engine: events are lost: {type(ex).__name__}: {ex}')
