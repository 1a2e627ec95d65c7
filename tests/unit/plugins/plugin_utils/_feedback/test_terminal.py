# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.terminal import Terminal, is_terminal

from tests.lab.screen import Screen

COLUMNS = 40


class Tty:
    """A pseudo terminal as stdout and stderr, with a thread that reads what gets there."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        self.resize(COLUMNS)
        self.stream = os.fdopen(slave, "w", encoding="utf-8")
        self._data = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def _read(self) -> None:
        try:
            while data := os.read(self.master, 4096):
                self._data += data
        except OSError:
            pass  # the other side was closed

    @property
    def written(self) -> str:
        return self._data.decode("utf-8", "ignore")

    @property
    def screen(self) -> Screen:
        screen = Screen(COLUMNS)
        screen.feed(self.written)
        return screen


def until(true: Callable[[], bool]) -> None:
    """Wait for another thread; half of it is never needed, and never asserted on."""
    for _turn in range(1500):
        if true():
            return
        time.sleep(0.01)
    raise TimeoutError


@pytest.fixture
def tty() -> Iterator[Tty]:
    tty = Tty()
    yield tty
    tty.stream.close()
    tty.reader.join()
    os.close(tty.master)


@contextlib.contextmanager
def opened(tty: Tty) -> Iterator[Terminal]:
    """With the terminal as stdout and stderr; not by a fixture, since pytest puts its own there before each test's body."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", tty.stream)
        patch.setattr(sys, "stderr", tty.stream)
        terminal = Terminal(lambda columns: "\x1b[32m━━──\x1b[0m live", lock=threading.RLock())
        terminal.open()
        try:
            yield terminal
        finally:
            terminal.close()


def test_what_is_written_stands_above_the_line(tty: Tty) -> None:
    with opened(tty):
        until(lambda: tty.screen.text == "━━── live")
        for number in range(50):
            sys.stdout.write(f"line {number}\n")
            sys.stderr.write(f"warning {number}\n")
        until(lambda: "warning 49\r\n\x1b[32m" in tty.written and tty.screen.lines[-1] == "━━── live")
        assert tty.screen.lines[:-1] == [f"{word} {number}" for number in range(50) for word in ("line", "warning")]


def test_after_the_end_nothing_of_it_is_left(tty: Tty) -> None:
    with opened(tty) as terminal:
        before = sys.stdout
        sys.stdout.write("one\n")
        until(lambda: tty.screen.lines[-1] == "━━── live")
        terminal.close()
        sys.stdout.write("two\n")
        sys.stdout.flush()
        until(lambda: "two" in tty.written)
        assert tty.screen.text == "one\ntwo"
        assert sys.stdout is tty.stream is not before


def test_no_mode_of_the_terminal_is_touched(tty: Tty) -> None:
    with opened(tty) as terminal:
        modes = termios.tcgetattr(tty.stream.fileno())
        until(lambda: "live" in tty.written)
        terminal.close()
        assert termios.tcgetattr(tty.stream.fileno()) == modes
        assert "\x1b[?" not in tty.written  # neither the cursor nor the screen is another one


def test_a_line_that_has_not_ended_is_left_alone(tty: Tty) -> None:
    with opened(tty) as terminal:
        until(lambda: "live" in tty.written)
        sys.stdout.write("password: ")
        drawn = tty.written.count("live")
        terminal._draw("live", COLUMNS)
        sys.stdout.write("given\n")
        until(lambda: "given" in tty.written)
        assert "password: given" in tty.screen.lines
        assert tty.written.index("password: ") < tty.written.index("given")
        assert "live" not in tty.written[tty.written.index("password: ") : tty.written.index("given")]
        until(lambda: tty.written.count("live") > drawn)


@pytest.mark.parametrize("way", ["buffer", "fileno"])
def test_it_stays_away_when_somebody_writes_past_it(tty: Tty, way: str) -> None:
    with opened(tty) as terminal:
        until(lambda: tty.screen.text == "━━── live")
        if way == "buffer":
            sys.stdout.buffer.write(b"asked: ")
            sys.stdout.buffer.flush()
        else:
            os.write(sys.stdout.fileno(), b"asked: ")
        terminal._draw("live", COLUMNS)
        until(lambda: "asked" in tty.written)
        assert tty.screen.lines == ["asked:"]


def test_who_writes_under_the_displays_lock_and_who_does_not_never_wait_for_each_other(tty: Tty) -> None:
    lock = threading.RLock()

    class Locked:  # as Ansible wraps the buffer of stdout
        def __getattr__(self, name: str) -> object:
            return getattr(tty.stream, name)

        def write(self, text: str) -> int:
            with lock:
                return tty.stream.write(text)

    stream = Locked()
    with opened(tty):
        terminal = Terminal(lambda columns: "live", lock=lock)

    def held() -> None:  # as display() does
        for _turn in range(300):
            with lock:
                terminal.write(stream, "held\n")

    def free() -> None:
        for _turn in range(300):
            terminal.write(stream, "free\n")

    threads = [threading.Thread(target=one, daemon=True) for one in (held, free)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def test_a_line_that_has_become_two_by_a_narrower_terminal_is_taken_away_whole() -> None:
    narrow = Screen(20)
    narrow.feed("above\r\n" + "x" * 39)  # as it stands there after the change
    narrow.feed(Terminal._away(39, 20))
    assert narrow.text == "above"


def test_a_forked_worker_writes_through_and_draws_nothing(tty: Tty) -> None:
    with opened(tty) as terminal:
        until(lambda: tty.screen.text == "━━── live")
        terminal._lock.acquire()  # somebody has it while the worker is forked
        child = os.fork()
        if not child:
            sys.stdout.write("from the worker\n")
            sys.stdout.flush()
            terminal.close()
            os._exit(0)
        terminal._lock.release()
        assert os.waitpid(child, 0)[1] == 0
        until(lambda: "from the worker" in tty.written)
        terminal.close()
        assert sys.stdout is tty.stream


@pytest.mark.parametrize(("term", "drawn"), [("xterm", True), ("dumb", False), ("", False)])
def test_a_dumb_terminal_gets_no_line(tty: Tty, monkeypatch: pytest.MonkeyPatch, term: str, drawn: bool) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys, "stdout", tty.stream)
    assert is_terminal() is drawn


def test_a_terminal_that_is_gone_ends_the_drawing_silently(tty: Tty, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[object] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    monkeypatch.setattr(Terminal, "_put", staticmethod(_gone))
    with opened(tty) as terminal:
        terminal._thread.join(60)
        assert not terminal._thread.is_alive()
    assert not raised


def _gone(_text: str) -> None:
    raise OSError(5, "Input/output error")
