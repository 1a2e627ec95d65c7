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
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.lab.play import COLLECTIONS, OURS
from tests.lab.screen import Screen

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


def _take_terminal() -> None:
    """In the child: its terminal sends it Ctrl-C, also where the tests ignore that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def in_terminal(
    folder: Path, callback: str, *, env: Mapping[str, str] | None = None, pause: float = 1.0, end: Callable[[int, int], object] | None = None, times: int = 1,
) -> tuple[int, str, int]:
    """Run the playbook, so many ``times``, with a terminal of its own. (rc, what it shows in the end, how often the line was drawn).

    ``end`` is called with the terminal's descriptor and the process, once the line was drawn.
    """
    (folder / "site.yml").write_text(PLAYBOOK)
    (folder / "hosts").write_text("".join(f"{name} ansible_connection=local ansible_python_interpreter={sys.executable}\n" for name in "ab"))
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(folder), "TERM": "xterm", "LANG": "C.UTF-8", "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_STDOUT_CALLBACK": callback, "ANSIBLE_DEPRECATION_WARNINGS": "0", **(env or {})}
    command = ["ansible-playbook", "-i", str(folder / "hosts"), *[str(folder / "site.yml")] * times, "-e", f"pause={pause}"]
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    before = termios.tcgetattr(theirs)
    process = subprocess.Popen(
        command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=_take_terminal)
    written: list[bytes] = []

    def read() -> None:
        ended = False
        while True:
            try:
                written.append(os.read(ours, 65536))
            except OSError:
                return
            if end is not None and not ended and drawn(written):
                ended = True
                end(ours, process.pid)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    rc = process.wait(120)
    assert termios.tcgetattr(theirs) == before
    os.close(theirs)
    reader.join(10)
    os.close(ours)
    screen = Screen(COLUMNS)
    screen.feed(b"".join(written).decode())
    return rc, screen.text, drawn(written)


def drawn(written: list[bytes]) -> int:
    """How often the live line was written."""
    return b"".join(written).count(" tasks ·".encode())


@pytest.mark.parametrize("strategy", ["linear", OURS])
def test_the_screen_holds_in_the_end_what_the_default_callback_leaves_there(strategy: str, tmp_path: Path) -> None:
    env = {"ANSIBLE_STRATEGY": strategy, "ANSIBLE_FORKS": "1"}  # one host after the other: their order is the same then
    rc, expected, _count = in_terminal(tmp_path, "default", env=env)
    assert rc == 0
    rc, shown, count = in_terminal(tmp_path, "rustle.engine.progress", env=env)
    assert rc == 0
    assert count > 1
    assert normal(shown) == normal(expected)


def normal(text: str) -> str:
    """Without times."""
    return re.sub(r'"(start|end|delta)": "[^"]*"', "", text).strip()


def test_each_of_two_playbooks_has_its_line(tmp_path: Path) -> None:
    rc, shown, _count = in_terminal(tmp_path, "rustle.engine.progress", times=2)
    assert rc == 0
    assert shown.count("PLAY RECAP") == 2
    assert "tasks ·" not in shown
    assert "failed for plugin" not in shown


def test_ctrl_c_leaves_no_line_behind(tmp_path: Path) -> None:
    rc, shown, _count = in_terminal(tmp_path, "rustle.engine.progress", pause=30, end=lambda terminal, _pid: os.write(terminal, b"\x03"))
    assert rc != 0
    assert "tasks ·" not in shown
    assert "interrupted" in shown


def test_who_is_killed_leaves_no_line_behind(tmp_path: Path) -> None:
    rc, shown, _count = in_terminal(tmp_path, "rustle.engine.progress", pause=30, end=lambda _terminal, pid: os.kill(pid, signal.SIGTERM))
    assert rc != 0
    assert "tasks ·" not in shown
    assert "PLAY RECAP" not in shown


def test_a_dumb_terminal_and_a_pipe_get_lines_from_time_to_time(tmp_path: Path) -> None:
    rc, shown, _count = in_terminal(tmp_path, "rustle.engine.progress", env={"TERM": "dumb", "RUSTLE_PROGRESS_INTERVAL": "1"}, pause=3)
    assert rc == 0
    assert re.search(r"^progress: 0 %, 0/8 tasks, 2 hosts, a: Wait a little \d s and 1 more, no history yet$", shown, re.MULTILINE)
    assert "━" not in shown


STILL = re.compile(r"^still running on [ab]: Wait a little, for 1\d s \((.*)\)$", re.MULTILINE)


def test_a_long_task_is_said_to_run_still_unless_history_knows_that_it_takes_long(tmp_path: Path) -> None:
    recorded = {"ANSIBLE_CALLBACKS_ENABLED": "rustle.engine.feedback"}
    rc, shown, _count = in_terminal(tmp_path, "rustle.engine.progress", pause=13, env=recorded)
    assert rc == 0
    assert STILL.findall(shown) == ["no history yet"] * 2
    rc, shown, _count = in_terminal(tmp_path, "rustle.engine.progress", pause=13)
    assert rc == 0
    assert STILL.findall(shown) == []
