# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A line at the foot of a terminal that everything else is written above.

Rule 1: before anybody writes, the line is taken away; it is drawn again by a thread, and only behind a line end: it never stands in a prompt.
Rule 2: no mode of the terminal is changed and the cursor is never hidden: whatever way the process ends, the terminal works as before. The line
itself is left only by SIGKILL.
Rule 3: a forked worker writes through, without a lock: another thread may have held it when it was forked.
Rule 4: the lock is that of Ansible's display. Who writes holds it already, so with one of our own two threads could wait for each other; workers are
forked under it, and a prompt keeps it until it is answered.
Rule 5: who takes the descriptor or the buffer of a stream may write past us (prompts, the debugger): the line stays away until the next line end.
"""
from __future__ import annotations

import contextlib
import os
import sys
import threading
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import width

__all__ = ['Terminal', 'is_terminal']

_EVERY = 0.25  # seconds between two drawings
_TAKE_AWAY = '\r\x1b[K'


def is_terminal() -> bool:
    """Whether a live line can be drawn on stdout."""
    return sys.stdout.isatty() and os.environ.get('TERM', 'dumb') not in ('', 'dumb')


class Terminal:
    """``line(columns)`` gives what is to be shown, or nothing; it is called without the lock. ``open()`` and ``close()`` frame it, once."""

    def __init__(self, line: t.Callable[[int], str], *, lock: threading.RLock) -> None:
        self._line = line
        self._pid = os.getpid()
        self._lock = lock
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name='rustle progress', daemon=True)
        self._streams: list[tuple[str, t.Any]] = []
        self._shown = 0  # cells of the line that stands there
        self._at_start = True
        self._fd = sys.stdout.fileno()

    def open(self) -> None:
        for name in ('stdout', 'stderr'):
            stream = getattr(sys, name)
            if stream.isatty():
                self._streams.append((name, stream))
                setattr(sys, name, _Above(stream, self))
        self._thread.start()

    def close(self) -> None:
        if os.getpid() != self._pid or self._over.is_set():
            return
        self._over.set()
        with self._lock:
            self._take_away()
        for name, stream in self._streams:
            if isinstance(getattr(sys, name), _Above):
                setattr(sys, name, stream)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(1.0)

    def erase(self) -> None:
        """From a signal handler, of a process that is about to end: whoever holds the lock may never give it back."""
        self._over.set()
        if os.getpid() == self._pid and self._lock.acquire(timeout=0.5):
            self._take_away()
            self._lock.release()

    def write(self, stream: t.Any, text: str) -> int:
        if os.getpid() != self._pid:
            return t.cast('int', stream.write(text))
        with self._lock:
            self._take_away()
            if text:
                self._at_start = text.endswith('\n')
            count = t.cast('int', stream.write(text))
            stream.flush()
            return count

    def step_aside(self) -> None:
        """Somebody is going to write past us."""
        if os.getpid() == self._pid and not self._over.is_set():
            with self._lock:
                self._take_away()
                self._at_start = False

    def _run(self) -> None:
        with contextlib.suppress(OSError):  # the terminal is gone
            while not self._over.wait(_EVERY):
                if self._at_start:
                    columns = os.get_terminal_size(self._fd).columns
                    self._draw(self._line(columns), columns)

    def _draw(self, text: str, columns: int) -> None:
        with self._lock:
            if self._at_start and not self._over.is_set():
                before, self._shown = self._shown, width_of(text)
                self._put(self._away(before, columns) + text)

    def _take_away(self) -> None:
        if self._shown:
            with contextlib.suppress(OSError):
                self._put(self._away(self._shown, os.get_terminal_size(self._fd).columns))
            self._shown = 0

    @staticmethod
    def _away(cells: int, columns: int) -> str:
        """Over a line that has become wider than the terminal, as it got narrower."""
        rows = max(0, (cells - 1) // max(columns, 1)) if cells else 0
        return f'\x1b[{rows}A\r\x1b[J' if rows else _TAKE_AWAY if cells else ''

    def _put(self, text: str) -> None:
        data = text.encode('utf-8', 'replace')
        while data:
            data = data[os.write(self._fd, data):]


def width_of(painted: str) -> int:
    """Cells of a text with colours in it."""
    plain, rest = '', painted
    while '\x1b[' in rest:
        before, _escape, after = rest.partition('\x1b[')
        plain += before
        rest = after.partition('m')[2]
    return width(plain + rest)


class _Above:
    """A stream whose text comes above the line."""

    def __init__(self, stream: t.Any, terminal: Terminal) -> None:
        self._stream = stream
        self._terminal = terminal

    def write(self, text: str) -> int:
        return self._terminal.write(self._stream, text)

    def writelines(self, lines: t.Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def fileno(self) -> int:
        self._terminal.step_aside()
        return t.cast('int', self._stream.fileno())

    @property
    def buffer(self) -> t.Any:
        self._terminal.step_aside()
        return self._stream.buffer

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._stream, name)
