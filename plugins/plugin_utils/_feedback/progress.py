# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Progress of a run on stdout: a live line on a terminal, lines from time to time elsewhere."""
from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import time

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.utils.display import Display
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, ExecutionStarted
from ansible_collections.rustle.engine.plugins.plugin_utils._render.live import LONG, live, plain, still
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.config_file import read_config
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.feedback_settings import resolve_feedback
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import channel
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.tracker import Active, ExecutionTracker

from .outlook import Outlooks
from .terminal import Terminal, is_terminal

__all__ = ['ProgressView']

_display = Display()
_MOST = 3  # long tasks that are named at once


class ProgressView:
    """``look()`` is called whenever something has happened."""

    def __init__(self) -> None:
        try:
            settings = resolve_feedback(environ=os.environ, config=read_config(C.CONFIG_FILE))
        except RustleError as ex:
            raise AnsibleError(str(ex)) from None  # its causes are for developers
        self._every = settings.progress_interval
        self._outlooks = Outlooks(settings.feedback_db)
        self._tracker = ExecutionTracker(forecast=self._outlooks.left)
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._next = 0.0
        self._said: set[tuple[str, str]] = set()  # tasks on hosts that were said to run still
        self._colour = not C.ANSIBLE_NOCOLOR
        self._terminal: Terminal | None = None
        self._over = threading.Event()
        self._over.set()
        atexit.register(self.close)

    def open(self) -> None:
        """A playbook begins; there may be several, one after the other."""
        if not self._over.is_set():
            return
        self._over = threading.Event()
        self._terminal = Terminal(self._line, lock=_display._lock) if is_terminal() else None
        self._next = time.monotonic() + self._every
        channel.listen(self._take)
        if self._terminal is not None:
            self._terminal.open()
            self._watch_for_term(self._terminal)
        threading.Thread(target=self._watch, args=(self._over,), name='rustle progress', daemon=True).start()

    def close(self) -> None:
        """Nothing more is shown, until a playbook begins."""
        if os.getpid() == self._pid and not self._over.is_set():
            self._over.set()
            channel.leave(self._take)
            if self._terminal is not None:
                self._terminal.close()

    @staticmethod
    def _watch_for_term(terminal: Terminal) -> None:
        """Ansible ends at once when it is killed, without a last word of ours."""
        before = signal.getsignal(signal.SIGTERM)

        def ending(number: int, frame: object) -> None:
            terminal.erase()
            signal.signal(number, before if before is not None else signal.SIG_DFL)
            os.kill(os.getpid(), number)

        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, ending)

    def step_aside(self) -> None:
        """Somebody is asked something."""
        if self._terminal is not None:
            self._terminal.step_aside()

    def _take(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, ExecutionStarted):
                self._tracker = ExecutionTracker(forecast=self._outlooks.left)
                self._outlooks.begin(event)
            self._tracker.take(event)

    def look(self) -> None:
        """Say from time to time where the run is, where there is no live line."""
        if self._terminal is None and time.monotonic() >= self._next and not self._over.is_set():
            self._say_where()

    def _watch(self, over: threading.Event) -> None:
        """Also while nothing happens."""
        while not over.wait(1.0):
            self._say_still()
            self.look()

    def _say_where(self) -> None:
        now = time.monotonic()
        self._next = now + self._every
        with self._lock:
            text = plain(self._tracker.progress(now), now=now, usual=self._outlooks.usual)
        self._print(text)

    def _say_still(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = [one for one in self._tracker.progress(now).active if self._is_newly_overdue(one, now)]
            lines = [still(one, now=now, usual=self._outlooks.usual(one)) for one in late]
        if len(lines) > _MOST:
            lines[_MOST:] = [f'... and {len(lines) - _MOST} more']
        for line in lines:
            self._print(line)

    def _is_newly_overdue(self, one: Active, now: float) -> bool:
        bound = self._outlooks.overdue(one, fixed=LONG)
        late = now - one.since >= bound.seconds and not self._is_said(one)
        if late:
            _display.vvv(f'rustle: "{one.task.name}" is said to run still after {bound.seconds:.0f} s: {bound.rationale}', host=one.host)
        return late

    def _is_said(self, one: Active) -> bool:
        key = (one.task.task_id, one.host)
        if key in self._said:
            return True
        self._said.add(key)
        return False

    @staticmethod
    def _print(text: str) -> None:
        _display.display(text, screen_only=True)
        with contextlib.suppress(OSError):  # who reads may have gone
            sys.stdout.flush()

    def _line(self, columns: int) -> str:
        now = time.monotonic()
        with self._lock:
            return live(self._tracker.progress(now), Style(colour=self._colour, width=columns), now=now, usual=self._outlooks.usual)
