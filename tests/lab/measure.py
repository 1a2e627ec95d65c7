# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a command and tell what it cost, with all of its descendants, daemons included.

    measure.py RESULT COMMAND...

RESULT receives a JSON object: rc, wall (seconds of the command itself), cpu (user and system seconds of everything below it).
This process is a child subreaper, so what the command leaves behind (ssh's ControlPersist masters) becomes its child: it is
ended by SIGTERM once the command is through, and counted.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 3.0  # seconds that leftovers have to obey SIGTERM


def main(result: str, *command: str) -> int:
    pr_set_child_subreaper = 36
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)
    start = time.perf_counter()
    rc = subprocess.run(command, check=False).returncode
    wall = time.perf_counter() - start
    end_leftovers()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    Path(result).write_text(json.dumps({"rc": rc, "wall": wall, "cpu": used.ru_utime + used.ru_stime}))
    return rc


def end_leftovers() -> None:
    deadline = time.monotonic() + PATIENCE
    sent: set[int] = set()
    with contextlib.suppress(ChildProcessError):  # no child is left
        while True:
            for pid in children():
                late = time.monotonic() > deadline
                if late or pid not in sent:
                    sent.add(pid)
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)


def children() -> list[int]:
    return [int(p) for task in Path("/proc/self/task").iterdir() for p in (task / "children").read_text().split()]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
