# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A module in an agent finds its process as if it had been started alone, whatever modules before it have done."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import textwrap
import time

import pytest

from .conftest import registers_exit_functions

SIGNALS = """
import signal
result["signals"] = {str(int(n)): repr(signal.getsignal(n)) for n in signal.valid_signals()}
result["mask"] = sorted(int(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
result["wakeup"] = signal.set_wakeup_fd(-1)
"""

STATE = (
    SIGNALS
    + """
import locale, os, resource, sys
umask = os.umask(0)
os.umask(umask)
result.update(
    cwd=os.getcwd(), umask=umask, environ=dict(os.environ), argv=sys.argv[1:], flags=repr(sys.flags),
    locale=locale.setlocale(locale.LC_ALL), limits={n: resource.getrlimit(getattr(resource, n)) for n in dir(resource) if n.startswith('RLIMIT_')},
    encodings=[sys.stdout.encoding, sys.stdout.errors, sys.stderr.errors, sys.stdin.encoding, sys.getfilesystemencoding()],
    descriptors=sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else [],
    stdin=os.read(0, 10).decode(), recursion=sys.getrecursionlimit(), filters=repr(__import__("warnings").filters),
)
"""
)

SPOIL = """
import atexit, locale, os, random, resource, signal, sys
os.chdir("/")
os.umask(0)
os.environ["SPOILT"] = "yes"
os.environ.pop("PATH")
sys.argv[:] = ["spoilt", "spoilt"]
sys.path[:] = sys.path[:1]
locale.setlocale(locale.LC_ALL, "C")
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
resource.setrlimit(resource.RLIMIT_NOFILE, (77, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
sys.setrecursionlimit(777)
os.close(0)
os.dup2(2, 0)
import ansible.module_utils.basic
ansible.module_utils.basic.SPOILT = True
"""


@pytest.fixture(scope="module", params=["forked", "waiting", "again"])
def agent(request, agent):
    """Each module in a child that is forked for it, in one that has waited while another module ran, and in one that has run another."""
    agent.probe("")  # of modules that the agent does not know yet none is waited for
    agent.waits = request.param == "waiting"
    agent.again = request.param == "again"
    yield agent
    agent.waits = agent.again = False


def alone(agent, python, code, *, cwd="/", **environ):
    """What `code` finds in an interpreter that was started for it as stock starts one: by a shell, its program on stdin."""
    program = f"import sys, json\nresult = {{}}\n{textwrap.dedent(code)}\nprint(json.dumps(result))\n"
    env = {**agent.environ, **environ}
    shell = ["/bin/sh", "-c", f"exec {python}"]
    done = subprocess.run(shell, input=program.encode(), capture_output=True, cwd=cwd, env=env, start_new_session=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_the_process_is_as_a_new_interpreter_finds_it(agent, python):
    cwd = agent.probe("import os; result['cwd'] = os.getcwd()")["cwd"]
    inside, expected = agent.probe(STATE), alone(agent, python, STATE, cwd=cwd)
    for found in (inside, expected):
        for name in ("_", "SHLVL", "OLDPWD", "PWD"):
            found["environ"].pop(name, None)
    # The agent was started by `-c` and, in stock, AnsibleModule itself may set the locale.
    inside.pop("invocation", None)
    assert inside.pop("descriptors")[:3] == ["0", "1", "2"]
    expected.pop("descriptors")
    assert inside.pop("locale")
    expected.pop("locale")
    assert inside == expected


def test_what_a_module_does_to_its_process_the_next_one_does_not_see(agent):
    before = agent.probe(STATE)
    agent.probe(SPOIL)
    after = agent.probe(STATE + "\nimport ansible.module_utils.basic as b\nresult['spoilt'] = hasattr(b, 'SPOILT')")
    assert after.pop("spoilt") is False
    before.pop("invocation", None), after.pop("invocation", None)
    assert after == before


def pipes_of(agent, python) -> int:
    """How many descriptors of the agent's a module of it has."""
    return 2 if agent.again and not registers_exit_functions(python) else 0


def test_no_descriptor_of_the_agent_is_open_in_a_module(agent, python):
    found = agent.probe(
        """
        import os
        result["open"] = {}
        for name in os.listdir("/proc/self/fd"):
            try:
                result["open"][name] = os.readlink("/proc/self/fd/" + name)
            except OSError:
                pass
        """
    )["open"]
    assert found.pop("0") == "/dev/null"
    assert "memfd" in found.pop("1")
    assert "memfd" in found.pop("2")
    # orders and reports, which programs that the module starts do not get
    assert [int(name) >= 64 and what.partition(":")[0] for name, what in found.items()] == ["pipe"] * pipes_of(agent, python)


def test_programs_that_a_module_starts_find_no_descriptor_of_the_agent(agent):
    code = "rc, out, err = module.run_command(['ls', '/proc/self/fd']); result['open'] = out.split()"
    assert agent.probe(code)["open"] == ["0", "1", "2", "3"]  # and that of ls


def test_no_descriptor_of_a_module_that_runs_beside_is_open(agent, python):
    slow = agent.entry(agent.module("ansible.legacy.probe", {"code": "import time; time.sleep(60)"}), lane="slow")
    command = agent.entry({"k": "exec", "argv": ["sleep", "60"]}, lane="command")
    agent.send({"t": "run", "entries": [slow, command]})
    agent.receive("started", id=slow["id"])
    agent.receive("started", id=command["id"])
    own = 4 + pipes_of(agent, python)  # with listdir's
    assert agent.probe("import os; result['open'] = len(os.listdir('/proc/self/fd'))")["open"] == own
    for entry in (slow, command):
        agent.send({"t": "kill", "id": entry["id"]})
        assert agent.done(entry["id"]).stop == "killed"


def test_a_module_is_the_leader_of_a_session_of_its_own(agent):
    found = agent.probe("import os; result.update(pid=os.getpid(), sid=os.getsid(0), pgid=os.getpgid(0), ppid=os.getppid())")
    assert found["pid"] == found["sid"] == found["pgid"]
    assert found["ppid"] == agent.process.pid


def test_the_path_has_the_payload_first_and_nothing_relative(agent, python):
    found = agent.probe("import sys; result['path'] = sys.path")["path"]
    assert found == [agent.path] + [entry for entry in alone(agent, python, "result['path'] = sys.path")["path"] if entry not in ("", ".")]


def test_argv_has_the_module_only(agent):
    assert agent.probe("import sys; result['argv'] = sys.argv")["argv"] == [agent.path + "/ansible/legacy/probe.py"]


def test_a_module_is_main_and_can_be_looked_at(agent):
    found = agent.probe(
        """
        import inspect, sys, traceback
        main = sys.modules["__main__"]
        import ansible.module_utils.basic as basic
        result.update(
            file=main.__file__, fqn=main._module_fqn, zip=main._modlib_path, spec=main.__spec__.name, package=main.__package__,
            trace=traceback.format_stack()[-2],
            source="def main" in inspect.getsource(main.main), basic=basic.__file__, outer=sorted(vars(basic.__main__)),
        )
        """
    )
    assert found["file"] == agent.path + "/ansible/legacy/probe.py"
    assert found["fqn"] == found["spec"] == "ansible.legacy.probe"
    assert found["package"] == "ansible.legacy"
    assert found["zip"] == agent.path
    assert found["source"] is True
    assert 'exec(module.params["code"]' in found["trace"]
    assert found["basic"] == agent.path + "/ansible/module_utils/basic.py"
    assert {"main", "rustle_agent"}.isdisjoint(found["outer"])


def test_chance_is_not_repeated(agent):
    code = "import random, tempfile, uuid; result['random'] = [random.random(), next(tempfile._get_candidate_names()), str(uuid.uuid4())]"
    first, second = (agent.probe(code)["random"] for _ in range(2))
    assert all(a != b for a, b in zip(first, second, strict=True))


FORKS = """
import json, logging, os, random, threading
def forked(*functions):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, json.dumps([function() for function in functions]).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with os.fdopen(read) as file:
        return json.load(file)
def threaded():
    done = []
    thread = threading.Thread(target=lambda: done.append(threading.main_thread() is not threading.current_thread()))
    thread.start()
    thread.join()
    return done
"""


def test_forks_of_a_module_run_the_hooks_of_libraries_and_its_own(agent):
    found = agent.probe(
        FORKS
        + """
calls = []
os.register_at_fork(before=lambda: calls.append("before 1"), after_in_child=lambda: calls.append("child 1"))
os.register_at_fork(before=lambda: calls.append("before 2"), after_in_child=lambda: calls.append("child 2"), after_in_parent=lambda: calls.append("parent"))
held = threading.Event()
threading.Thread(target=held.wait, daemon=True).start()
logging.root.addHandler(logging.NullHandler())
result.update(
    child=forked(lambda: list(calls), random.random, random.random, threading.active_count, lambda: logging.root.handlers[-1].acquire()),
    calls=calls, random=random.random(), active=threading.active_count(), registers=repr(os.register_at_fork),
)
held.set()
"""
    )
    calls, *chance, active, _locked = found["child"]
    assert calls == ["before 2", "before 1", "child 1", "child 2"]
    assert found["calls"] == ["before 2", "before 1", "parent"]
    assert found["random"] not in chance
    assert (found["active"], active) == (2, 1)
    assert found["registers"] == "<built-in function register_at_fork>"


def test_threads_work_in_a_module_and_in_its_forks(agent):
    found = agent.probe(FORKS + "result.update(own=threaded(), fork=forked(threaded, threaded)); threading.Thread(target=threaded).start()")
    assert (found["own"], found["fork"]) == ([True], [[True], [True]])


def test_the_main_thread_is_the_process(agent):
    code = "import os, threading; main = threading.main_thread(); result.update(id=main.native_id, pid=os.getpid())"
    found = agent.probe(code + "; result.update(current=main is threading.current_thread(), all=threading.enumerate() == [main])")
    assert found["id"] == found["pid"]
    assert (found["current"], found["all"]) == (True, True)


def test_garbage_is_collected(agent):
    assert agent.probe("import gc; result['on'] = gc.isenabled()")["on"] is True


def test_environment_and_folder_are_the_steps_own(agent, tmp_path):
    code = "import os; result.update(a=os.environ.get('A'), child=module.run_command('echo $A', use_unsafe_shell=True)[1], cwd=os.getcwd())"
    found = agent.probe(code, env={"A": "ü \udcff"}, cwd=str(tmp_path))
    assert (found["a"], found["cwd"]) == ("ü \udcff", str(tmp_path))
    assert agent.probe(code)["a"] is None


def test_a_folder_that_cannot_be_entered_is_replaced_by_the_home(agent):
    assert agent.probe("import os; result['cwd'] = os.getcwd()", cwd="/does/not/exist")["cwd"] == os.path.expanduser("~")


def test_a_start_folder_that_is_gone_is_replaced_by_the_home(python, launch, tmp_path):
    (tmp_path / "gone").mkdir()
    agent = launch(python, cwd=tmp_path / "gone")
    agent.receive("ready")
    (tmp_path / "gone").rmdir()
    assert agent.probe("import os; result['cwd'] = os.getcwd()")["cwd"] == os.path.expanduser("~")


def test_the_time_zone_is_looked_up_anew(agent):
    code = "import time; result['zone'] = time.strftime('%Z')"
    assert agent.probe(code, env={"TZ": "XYZ-3"})["zone"] == "XYZ"
    assert agent.probe(code)["zone"] != "XYZ"


@pytest.mark.parametrize(
    ("env", "code", "expected"),
    [
        ({"PYTHONPATH": "/new"}, "'/new' in sys.path", True),
        ({"PYTHONHASHSEED": "0"}, "hash('a')", None),
        ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, "sys.getfilesystemencoding()", None),
        ({"HOME": "/nowhere"}, "__import__('site').getuserbase()", "/nowhere/.local"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_variables_that_only_an_interpreter_that_starts_reads_are_obeyed(agent, python, env, code, expected):
    found = agent.probe(f"import sys; result['found'] = {code}", env=env)["found"]
    assert found == alone(agent, python, f"result['found'] = {code}", **env)["found"]
    if expected is not None:
        assert found == expected


def test_the_limit_of_open_files_is_the_steps(agent):
    code = "import resource; result['limit'] = resource.getrlimit(resource.RLIMIT_NOFILE)"
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert agent.probe(code, rlimit=99)["limit"] == [99, hard]
    assert agent.probe(code)["limit"] == [soft, hard]


# --- the end of a module ---


def ends(agent, code):
    done = agent.run(agent.module("ansible.legacy.probe", {"code": textwrap.dedent(code)}))
    return done.steps[0]["rc"], done.out[0], done.err[0]


def test_exit_functions_run_and_see_what_the_module_has_printed(agent, tmp_path):
    mark = tmp_path / "mark"
    rc, out, _err = ends(agent, f"import atexit; atexit.register(lambda: (open({str(mark)!r}, 'w').write('x'), print('late')))")
    assert mark.read_text() == "x"
    assert rc == 0
    assert out.endswith(b"late\n")


def test_the_modules_own_temporary_folder_is_removed(agent):
    folder = agent.probe("result['folder'] = module.tmpdir")["folder"]
    assert not os.path.exists(folder)


def test_threads_are_waited_for(agent, tmp_path):
    mark = tmp_path / "mark"
    ends(agent, f"import threading, time; threading.Thread(target=lambda: (time.sleep(.3), open({str(mark)!r}, 'w').write('x'))).start()")
    assert mark.read_text() == "x"


def test_files_that_nobody_closed_are_written(agent, tmp_path):
    mark = tmp_path / "mark"
    ends(agent, f"file = open({str(mark)!r}, 'w'); file.write('x')")
    assert mark.read_text() == "x"


def test_objects_that_hold_each_other_clean_up(agent, tmp_path):
    mark = tmp_path / "mark"
    code = """
        class Holder:
            def __del__(self):
                open(MARK, "w").write("x")
        holder = Holder()
        holder.itself = holder
        """
    ends(agent, textwrap.dedent(code).replace("MARK", repr(str(mark))))
    assert mark.read_text() == "x"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("raise SystemExit", (0, b"", b"")),
        ("raise SystemExit(3)", (3, b"", b"")),
        ("raise SystemExit(300)", (44, b"", b"")),
        ("raise SystemExit(True)", (1, b"", b"")),
        ("raise SystemExit('told')", (1, b"", b"told\n")),
        ("print('out'); raise SystemExit('told')", (1, b"out\n", b"told\n")),
        ("import os; os._exit(7)", (7, b"", b"")),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", (143, b"", b"Terminated\n")),
        ("import os, signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.kill(os.getpid(), signal.SIGPIPE)", (141, b"", b"")),
    ],
)
def test_exit_codes_are_the_shells(agent, code, expected):
    assert ends(agent, code) == expected


def test_an_exception_is_stocks_result(agent):
    rc, out, _err = ends(agent, "raise ValueError('broken')")
    assert rc == 1
    assert json.loads(out)["failed"] is True
    assert b"broken" in out


def test_an_exception_that_stock_lets_through_is_a_traceback(agent):
    rc, out, err = ends(agent, "raise BaseException('broken')")
    assert (rc, out) == (1, b"")
    assert err.startswith(b"Traceback") and b"BaseException: broken" in err


def test_a_module_that_comes_back_is_stocks_error(python, launch, pack):
    agent = launch(python, pack({"ansible.legacy.back": "from ansible.module_utils.basic import AnsibleModule\n"}))
    assert "did not handle its own exit" in json.dumps(agent.result("ansible.legacy.back"))


def test_noise_around_the_result_arrives_whole(agent):
    code = """
        import os, sys
        os.write(1, b"from the descriptor\\n")
        print("from print")
        sys.stderr.write("to stderr\\n")
        os.system("echo from a child; echo child to stderr >&2")
        module.exit_json(big="x" * 300000)
        """
    rc, out, err = ends(agent, code)
    assert rc == 0
    assert {b"from the descriptor", b"from print", b"from a child"} < set(out.splitlines())
    assert b"x" * 300000 in out
    assert err.splitlines() == [b"child to stderr", b"to stderr"] or err.splitlines() == [b"to stderr", b"child to stderr"]


def test_a_child_that_holds_stdout_is_not_waited_for(agent):
    done = agent.run(agent.module("ansible.legacy.probe", {"code": "import subprocess; result['pid'] = subprocess.Popen(['sleep', '300']).pid"}))
    os.kill(done.result["pid"], 9)  # it was still there
    assert done.stop is None


def test_a_module_that_forks_and_comes_back_twice_ends_twice(agent):
    rc, out, _err = ends(agent, "import os, time\nif os.fork() == 0:\n  print('child')\n  raise SystemExit(5)\nos.wait()\nprint('parent')\nraise SystemExit(0)")
    assert (rc, sorted(out.split())) == (0, [b"child", b"parent"])


def test_usage_is_measured_where_the_work_is(agent):
    before = time.time()
    step = agent.run(agent.module("ansible.legacy.probe", {"code": "sum(range(10 ** 7))"})).steps[0]
    assert before <= step["start"] <= step["end"] <= time.time()
    assert step["utime"] > 0.01
    assert step["maxrss"] > 1000
