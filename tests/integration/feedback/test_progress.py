# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The live line in a real pseudo terminal: what is on the screen in the end is what the default callback would have left there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.lab.play import COLLECTIONS, OURS

PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Wait a little
      ansible.builtin.command: sleep {{ pause }}
      changed_when: false
    - name: Say something
      ansible.builtin.debug: {msg: something}
    - name: Fail
      ansible.builtin.command: "false"
      ignore_errors: true
    - name: Count
      ansible.builtin.command: echo {{ item }}
      loop: [1, 2, 3]
      changed_when: false
"""
COLUMNS = 100


class Screen:
    """As much of a terminal as the line needs. It never scrolls: all lines are kept."""

    def __init__(self) -> None:
        self.lines = [""]
        self.row = self.column = 0
        self.drawn = 0

    def feed(self, text: str) -> None:
        for part in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", text):
            if part == "\r":
                self.column = 0
            elif part == "\n":
                self.row, self.column = self.row + 1, 0
                while len(self.lines) <= self.row:
                    self.lines.append("")
            elif part.startswith("\x1b["):
                self._escape(part[2:-1], part[-1])
            else:
                self.drawn += "tasks ·" in part
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[: self.column] + part + line[self.column + len(part) :]
                self.column += len(part)

    def _escape(self, number: str, letter: str) -> None:
        if letter in "KJ":
            self.lines[self.row] = self.lines[self.row][: self.column]
            if letter == "J":
                del self.lines[self.row + 1 :]
        elif letter == "A":
            self.row -= int(number)
        elif letter != "m":
            raise AssertionError(f"nobody should send {letter!r}")

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)


def _take_terminal() -> None:
    """In the child: its terminal sends it Ctrl-C, also where the tests ignore that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def in_terminal(folder: Path, callback: str, *, env: Mapping[str, str] | None = None, pause: float = 1.0, interrupt: bool = False) -> tuple[int, Screen]:
    """Run the playbook with a terminal of its own; ``interrupt``: Ctrl-C once the line was drawn."""
    (folder / "site.yml").write_text(PLAYBOOK)
    (folder / "hosts").write_text("".join(f"{name} ansible_connection=local ansible_python_interpreter={sys.executable}\n" for name in "ab"))
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(folder), "TERM": "xterm", "LANG": "C.UTF-8", "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_STDOUT_CALLBACK": callback, "ANSIBLE_DEPRECATION_WARNINGS": "0", **(env or {})}
    command = ["ansible-playbook", "-i", str(folder / "hosts"), str(folder / "site.yml"), "-e", f"pause={pause}"]
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    before = termios.tcgetattr(theirs)
    process = subprocess.Popen(
        command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=_take_terminal)
    screen = Screen()
    sent: list[int] = []

    def read() -> None:
        pending = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:
                return
            pending += data
            cut = pending.rfind(b"\n") + 1 if pending.count(b"\x1b[") == 0 else len(pending)
            screen.feed(pending[:cut].decode("utf-8", "ignore"))
            pending = pending[cut:]
            if interrupt and screen.drawn and not sent:
                sent.append(os.write(ours, b"\x03"))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    rc = process.wait(120)
    assert termios.tcgetattr(theirs) == before
    os.close(theirs)
    reader.join(10)
    os.close(ours)
    return rc, screen


@pytest.mark.parametrize("strategy", ["linear", OURS])
def test_the_screen_holds_in_the_end_what_the_default_callback_leaves_there(strategy: str, tmp_path: Path) -> None:
    env = {"ANSIBLE_STRATEGY": strategy, "ANSIBLE_FORKS": "1"}  # one host after the other: their order is the same then
    rc, expected = in_terminal(tmp_path, "default", env=env)
    assert rc == 0
    rc, screen = in_terminal(tmp_path, "rustle.engine.progress", env=env)
    assert rc == 0
    assert screen.drawn > 1
    assert normal(screen.text) == normal(expected.text)


def normal(text: str) -> str:
    """Without times."""
    return re.sub(r'"(start|end|delta)": "[^"]*"', "", text).strip()


def test_ctrl_c_leaves_no_line_behind(tmp_path: Path) -> None:
    rc, screen = in_terminal(tmp_path, "rustle.engine.progress", pause=30, interrupt=True)
    assert rc != 0
    assert screen.drawn
    assert "tasks ·" not in screen.text
    assert "interrupted" in screen.text


def test_a_dumb_terminal_and_a_pipe_get_lines_from_time_to_time(tmp_path: Path) -> None:
    rc, screen = in_terminal(tmp_path, "rustle.engine.progress", env={"TERM": "dumb", "RUSTLE_PROGRESS_INTERVAL": "1"}, pause=3)
    assert rc == 0
    assert re.search(r"^progress: 0 %, 0/8 tasks, 2 hosts, a: Wait a little \d s and 1 more, no history yet$", screen.text, re.MULTILINE)
    assert "━" not in screen.text


def test_a_long_task_is_said_to_run_still(tmp_path: Path) -> None:
    rc, screen = in_terminal(tmp_path, "rustle.engine.progress", pause=13)
    assert rc == 0
    assert len(re.findall(r"^still running on [ab]: Wait a little, for 1\d s \(no history yet\)$", screen.text, re.MULTILINE)) == 2
