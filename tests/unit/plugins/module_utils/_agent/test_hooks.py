# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Around the agent's forks the hooks of threading and logging are left out, but only while there is no other thread."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

RUN = """
import _thread, json, os, sys
from ansible_collections.rustle.engine.plugins.module_utils._agent.hooks import Hooks

for name in ("threading", "logging", "random"):
    sys.modules.pop(name, None)  # whoever imports them now registers with the agent
hooks = Hooks()
ran = []
for kind in ("threading", "logging", "a_library"):
    def hook(kind=kind):
        ran.append(kind)
    hook.__module__ = kind
    os.register_at_fork(before=hook)
if sys.argv[1] == "thread":
    lock = _thread.allocate_lock()
    lock.acquire()
    _thread.start_new_thread(lock.acquire, ())
    while not _thread._count():
        pass
pid = hooks.fork()
if pid == 0:
    ran.clear()
    if os.fork() == 0:  # a fork of the child's own runs all of them
        print(json.dumps(ran), flush=True)
        os._exit(0)
    os.wait()
    os._exit(0)
os.waitpid(pid, 0)
print(json.dumps(ran), flush=True)
os._exit(0)
"""


@pytest.mark.parametrize(("threads", "then"), [("none", ["a_library"]), ("thread", ["a_library", "logging", "threading"])], ids=["alone", "with a thread"])
def test_hooks_of_threads_run_where_there_are_any(threads: str, then: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", RUN, threads], capture_output=True, text=True, check=True, timeout=60, env={"PYTHONPATH": ":".join(sys.path)})
    in_grandchild, in_agent = map(json.loads, done.stdout.splitlines())
    assert in_agent == then
    assert in_grandchild == ["a_library", "logging", "threading"]
