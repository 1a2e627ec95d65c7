# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The child that runs one module after another: when it does, and that it ends wherever something of a module is left in it.

That the next module finds its process as a new one is in test_alone.py.
"""

from __future__ import annotations

import os
import signal
import time

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent import messages

from .conftest import children, gone, is_running, registers_exit_functions

PROBE = "ansible.legacy.probe"
PID = "import os; result['pid'] = os.getpid()\n"


@pytest.fixture
def agent(python, launch):
    if registers_exit_functions(python):
        pytest.skip("something registers exit functions whenever this interpreter starts")
    agent = launch(python)
    agent.again = True
    return agent


def pids(agent, first: str, second: str = "", **fields) -> list[int]:
    """The processes of two modules in a row."""
    one, two = agent.in_turn(agent.module(PROBE, {"code": PID + first}), agent.module(PROBE, {"code": PID + second}, **fields))
    return [one.result["pid"], two.result["pid"]]


def test_modules_in_a_row_share_a_process(agent):
    first, second = pids(agent, "import sys; print('noise', file=sys.stderr)", "result['x'] = 1")
    assert first == second


def test_not_where_exit_functions_are_registered_at_the_start(python, launch, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import atexit\natexit.register(print, 'bye', file=__import__('sys').stderr)\n")
    agent = launch(python, environ={"PYTHONPATH": str(tmp_path)})
    agent.again = True
    first, second = agent.in_turn(*(agent.module(PROBE, {"code": PID}) for _ in range(2)))
    assert first.result["pid"] != second.result["pid"]
    assert first.err == second.err == [b"bye\n"]


def test_each_has_its_own_output_and_usage(agent):
    burn = "import time\nwhile time.process_time() < {}: pass"
    codes = (burn.format(0.4) + "\nimport sys; sys.stderr.write('said')", PID)
    one, two = agent.in_turn(*(agent.module(PROBE, {"code": code}) for code in codes))
    assert one.err[0] == b"said"
    assert (two.err[0], two.result["pid"] > 0) == (b"", True)
    assert one.steps[0]["utime"] + one.steps[0]["stime"] > 0.2 > two.steps[0]["utime"] + two.steps[0]["stime"]


@pytest.mark.parametrize("name", ["ping", "stat", "file", "copy", "command"])
def test_ansibles_own_modules_leave_nothing(agent, name, tmp_path):
    (tmp_path / "source").write_text("x")
    args = {
        "ping": {},
        "stat": {"path": str(tmp_path)},
        "file": {"path": str(tmp_path / "new"), "state": "directory", "mode": "0700", "owner": "root" if os.geteuid() == 0 else None},
        "copy": {"src": str(tmp_path / "source"), "dest": str(tmp_path / "copied"), "remote_src": True},
        "command": {"_raw_params": "echo x", "chdir": str(tmp_path)},
    }[name]
    steps = [agent.module("ansible.modules." + name, {key: value for key, value in args.items() if value is not None}) for _ in range(2)]
    for done in agent.in_turn(agent.module(PROBE, {"code": PID}), *steps):
        assert not done.result.get("failed")
    before, pid = agent.in_turn(agent.module(PROBE, {"code": PID}), agent.module(PROBE, {"code": PID}))
    assert before.result["pid"] == pid.result["pid"]
    assert children(agent) == [pid.result["pid"]]  # it has run all of them


PUT_BACK = """
import atexit, locale, os, signal, sys, syslog, tempfile
import ansible.module_utils.basic as basic
from ansible.module_utils.common import warnings
os.environ["SPOILT"] = "yes"
os.environ.pop("PATH")
os.chdir("/")
sys.path.insert(0, "/spoilt")
locale.setlocale(locale.LC_ALL, "C")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
atexit.register(os.write, 2, b"bye")
basic.SPOILT = True
basic.AnsibleModule = None
warnings.warn("spoilt")
tempfile.tempdir = "/spoilt"
syslog.openlog("spoilt")
"""
LOOK = """
import locale, os, signal, sys, tempfile
import ansible.module_utils.basic as basic
result["found"] = repr((
    dict(os.environ), os.getcwd(), sys.path, locale.setlocale(locale.LC_ALL), signal.getsignal(signal.SIGTERM), hasattr(basic, "SPOILT"),
    basic.AnsibleModule.__name__, tempfile.tempdir))
"""


def test_what_can_be_put_back_is(agent):
    codes = (PID + LOOK, PID + PUT_BACK, PID + LOOK)
    one, two, three = agent.in_turn(*(agent.module(PROBE, {"code": code}) for code in codes))
    assert one.result["pid"] == two.result["pid"] == three.result["pid"]
    assert one.result["found"] == three.result["found"]
    assert b"spoilt" in two.out[0]
    assert "warnings" not in three.result
    assert (two.err, three.err) == ([b"bye"], [b""])


LEFT = {
    "a thread": "import threading, time; threading.Thread(target=time.sleep, args=(.2,)).start()",
    "a process": "import subprocess; subprocess.Popen(['sleep', '1'])",
    "a zombie": "import os\nif not os.fork(): os._exit(0)",
    "a descriptor": "import os; os.open('/dev/null', os.O_RDONLY)",
    "another stdin": "import os; os.dup2(os.open('/dev/zero', os.O_RDONLY | os.O_CLOEXEC), 0)",
    "a limit": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (99, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))",
    "an alarm": "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN); signal.alarm(1000)",
    "a signal mask": "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])",
    "a umask": "import os; os.umask(0o123)",
    "a trace function": "import sys; sys.settrace(lambda *_: None)",
    "a library": "import sys, types; sys.modules['ansible.left'] = types.ModuleType('ansible.left')",
    "one library less": "import sys; del sys.modules['json']",
    "a table of module_utils": "import ansible.module_utils.basic as b; b.FILE_COMMON_ARGUMENTS['left'] = 1",
}


@pytest.mark.parametrize("left", LEFT)
def test_what_cannot_be_put_back_is_the_end_of_the_process(agent, left):
    first, second = pids(agent, LEFT[left])
    assert first != second
    assert gone(first)


def test_a_module_that_ends_twice_in_forks_of_itself_has_ended_when_the_first_has(agent):
    done = agent.run(agent.module(PROBE, {"code": PID + "if os.fork(): os.wait(); result['first'] = True"}))
    assert done.stop == "malformed"  # as it is elsewhere
    assert (done.out[0].count(b'"pid"'), b'"first": true' in done.out[0]) == (2, True)
    assert agent.probe(PID)["pid"] > 0


@pytest.mark.parametrize("fields", [{"env": {"X": "y"}}, {"rlimit": 99}, {"again": False}], ids=str)
def test_it_runs_only_the_like(agent, fields):
    first, second = pids(agent, "", **fields)
    assert first != second


def test_not_when_a_task_has_changed_what_processes_read_once(python, launch, tmp_path):
    agent = launch(python, environ={"PYTHONPATH": str(tmp_path)})
    agent.again = True
    first, second = pids(agent, f"os.utime({str(tmp_path)!r}, (1, 1))")
    assert first != second


def test_not_where_the_entry_may_be_killed(agent):
    first, second = agent.in_turn(*(agent.module(PROBE, {"code": PID}) for _ in range(2)), timeout=60)
    assert first.result["pid"] != second.result["pid"]


def test_a_module_that_is_killed_ends_as_any_does(agent):
    one = agent.probe(PID)
    two = agent.run(agent.module(PROBE, {"code": PID + "os.kill(os.getpid(), 9)"}))
    assert (two.steps[0]["rc"], two.stop, two.err[0]) == (137, "malformed", b"Killed\n")
    assert agent.probe(PID)["pid"] != one["pid"]


def test_an_agent_that_ends_leaves_alone_what_modules_before_have_started(agent):
    start = "p = __import__('subprocess').Popen(['/bin/sh', '-c', 'sleep 600 & echo $!'], stdout=-1, text=True)\n"
    left = agent.probe(start + "result['left'] = int(p.stdout.readline()); p.stdout.close(); p.wait()")["left"]
    running = agent.entry(agent.module(PROBE, {"code": PID + "import time; print(os.getpid(), flush=True); time.sleep(600)"}))
    agent.send(messages.message("run", entries=[running]))
    agent.receive("started", id=running["id"])
    (pid,) = children(agent)
    agent.end()
    assert gone(pid)
    assert is_running(left)
    os.kill(left, signal.SIGKILL)


def test_it_goes_with_an_agent_that_is_killed(agent):
    pid = agent.probe(PID)["pid"]
    assert is_running(pid)
    agent.process.send_signal(signal.SIGKILL)
    assert gone(pid)


def test_it_does_not_wait_for_ever(agent):
    pid = agent.probe(PID)["pid"]
    until = time.monotonic() + 30
    while children(agent) and time.monotonic() < until:
        time.sleep(0.05)
    assert gone(pid)
    assert agent.probe(PID)["pid"] != pid


def test_when_it_was_killed_another_takes_its_place(agent):
    pid = agent.probe(PID)["pid"]
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    assert agent.probe(PID)["pid"] != pid


def test_lanes_side_by_side_have_processes_of_their_own(agent):
    entries = [agent.entry(agent.module(PROBE, {"code": PID + "import time; time.sleep(.3)"}), lane=lane) for lane in "abab"]
    agent.send(messages.message("run", entries=entries))
    found = [agent.done(entry["id"]).result["pid"] for entry in entries]
    assert len(set(found[:2])) == len(set(found)) == 2
