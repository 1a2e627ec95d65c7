# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Entries in a real agent: steps, guards, directories, ends, and the end of the agent itself."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import time

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent import framing, messages

from .conftest import gone, is_running

TOKEN = "@@TMP@@"


def put(path, mode=0o600, **fields) -> dict:
    return {"k": "put", "path": str(path), "blob": 0, "mode": mode, **fields}


def command(*argv, **fields) -> dict:
    return {"k": "exec", "argv": list(argv), **fields}


def sleeper(agent, tmp_path, **fields):
    """An entry whose module, and a child of it, sleep; return it and their pids once they do."""
    mark = tmp_path / "pids"
    code = f"""if 1:
        import os, subprocess, time
        child = subprocess.Popen(["sleep", "300"])
        open({str(mark)!r}, "w").write(f"{{os.getpid()}} {{child.pid}}.")
        time.sleep(300)
        """
    entry = agent.entry(agent.module("ansible.legacy.probe", {"code": code}), **fields)
    agent.send(messages.message("run", entries=[entry]))
    until = time.monotonic() + 30
    while not (mark.exists() and mark.read_text().endswith(".")):
        assert time.monotonic() < until
        time.sleep(0.01)
    return entry, [int(pid) for pid in mark.read_text().strip(".").split()]


# --- put, exec, tmp ---


def test_put_writes_content_with_its_mode_over_what_was_there(agent, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"longer than the new content")
    done = agent.run(put(path, 0o640), blobs=[b"new\xff"])
    assert (done.stop, done.steps[0]["rc"]) == (None, 0)
    assert path.read_bytes() == b"new\xff"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_put_that_fails_says_why_and_ends_the_entry(agent, tmp_path):
    done = agent.run(put(tmp_path / "no" / "file"), command("true"), blobs=[b""])
    assert (done.stop, len(done.steps), done.steps[0]["rc"]) == ("error", 1, 1)
    assert b"No such file" in done.err[0]


def test_a_command_gets_its_arguments_stdin_environment_and_folder(agent, tmp_path):
    done = agent.run(command("/bin/sh", "-c", 'cat; echo "$1 $A"; pwd; echo err >&2', "sh", "x y", stdin=0, env={"A": "b"}, cwd=str(tmp_path)), blobs=[b"in\n"])
    assert done.out == [b"in\nx y b\n%s\n" % os.fsencode(tmp_path)]
    assert done.err == [b"err\n"]
    assert done.stop is None


def test_a_command_may_open_its_stderr_by_name_without_losing_anything(agent):
    done = agent.run(command("/bin/sh", "-c", "echo 1 >&2; echo 2 > /dev/stderr; echo 3 >&2; echo 4; echo 5 > /dev/stdout; echo 6"))
    assert (done.out, done.err) == ([b"4\n5\n6\n"], [b"1\n2\n3\n"])


def test_a_command_with_much_output_does_not_block(agent):
    done = agent.run(command("/bin/sh", "-c", "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2"))
    assert [len(done.out[0]), len(done.err[0])] == [3000000, 3000000]


def test_a_child_that_holds_a_commands_pipes_is_not_waited_for_and_may_write_on(agent, tmp_path):
    mark, go = tmp_path / "mark", tmp_path / "go"
    done = agent.run(command("/bin/sh", "-c", f"echo now; (while [ ! -e {go} ]; do sleep .05; done; echo late && touch {mark}) & exit 0"))
    assert done.out == [b"now\n"]
    go.touch()
    until = time.monotonic() + 30
    while not mark.exists():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize(("argv", "rc"), [(["false"], 1), (["/bin/sh", "-c", "exit 9"], 9), (["/does/not/exist"], 127), (["/etc/passwd"], 126)])
def test_a_command_that_fails_is_an_error_with_the_shells_exit_code(agent, argv, rc):
    done = agent.run(command(*argv), command("true"))
    assert (done.stop, [step["rc"] for step in done.steps]) == ("error", [rc])


def test_a_command_finds_signals_as_a_shell_would_hand_them_on(agent):
    shell = ["/bin/sh", "-c", "grep -E 'Sig(Blk|Ign)' /proc/self/status"]
    # what was ignored before anything here began stays so: nohup, make and others do that
    assert agent.run(command(*shell)).out[0] == subprocess.run(shell, capture_output=True, check=True).stdout


def test_the_directory_of_an_entry_is_private_and_goes_with_it(agent, tmp_path):
    base = tmp_path / "new" / "base"
    code = f"""if 1:
        import os, pathlib
        directory = pathlib.Path({TOKEN!r})
        places = [directory, directory.parent, directory.parent.parent]
        result.update(d=str(directory), modes=[os.stat(place).st_mode & 0o7777 for place in places], f=(directory / "file").read_text())
        """
    done = agent.run(
        put(f"{TOKEN}/file"),
        command("/bin/sh", "-c", f"cat {TOKEN}/file; echo $D; pwd", env={"D": TOKEN}, cwd=TOKEN),
        agent.module("ansible.legacy.probe", {"code": code}),
        tmp={"base": str(base), "name": "x"},
        token=TOKEN,
        blobs=[b"content\n"],
    )
    path = str(base / "x")
    assert done.result["d"] == path
    assert done.result["modes"] == [0o700, 0o700, 0o700]
    assert done.result["f"] == "content\n"
    assert done.out[1].decode().split() == ["content", path, path]
    assert base.is_dir()
    assert not (base / "x").exists()


def test_a_directory_with_strange_characters_gets_into_arguments(agent, tmp_path):
    base = tmp_path / 'a"b\\c ü'
    params = json.dumps({"ANSIBLE_MODULE_ARGS": {"path": TOKEN}})
    done = agent.run(agent.module("ansible.modules.stat", params=params), tmp={"base": str(base), "name": "n"}, token=TOKEN)
    assert done.result["stat"]["path"] == str(base / "n")


def test_the_home_is_meant_by_a_tilde(python, launch, tmp_path):
    agent = launch(python, environ={"HOME": str(tmp_path)})
    done = agent.run(command("/bin/sh", "-c", f"echo {TOKEN}"), tmp={"base": "~/.ansible/tmp", "name": "n"}, token=TOKEN)
    assert done.out == [b"%s/.ansible/tmp/n\n" % os.fsencode(tmp_path)]


def test_a_directory_that_cannot_be_made_is_an_error_of_the_entry(agent, tmp_path):
    (tmp_path / "file").touch()
    done = agent.run(command("true"), tmp={"base": str(tmp_path / "file"), "name": "n"}, token=TOKEN)
    assert (done.stop, done.steps[0]["i"]) == ("error", -1)
    assert b"file" in done.err[0]


@pytest.mark.parametrize(("there", "expected"), [(None, [0, 1, 2]), (b"new", [0]), (b"old", [0, 1, 2]), ("folder", [0, 3])])
def test_guards_do_what_copy_would_decide(agent, tmp_path, there, expected):
    path, new = tmp_path / "file", b"new"
    if there == "folder":
        path.mkdir()
    elif there is not None:
        path.write_bytes(there)
    guard = {"of": 0, "sum": hashlib.sha1(new).hexdigest()}
    done = agent.run(
        agent.module("ansible.modules.stat", {"path": str(path), "checksum_algorithm": "sha1"}),
        put(tmp_path / "source", only={**guard, "when": ["absent", "differs"]}),
        agent.module("ansible.modules.copy", {"src": str(tmp_path / "source"), "dest": str(path)}, only={**guard, "when": ["absent", "differs"]}),
        command("true", only={**guard, "when": ["dir"]}),
        blobs=[new],
    )
    assert ([step["i"] for step in done.steps], done.stop) == (expected, None)
    if there != "folder":
        assert path.read_bytes() == new


def test_a_stat_that_fails_ends_the_entry(agent, tmp_path):
    done = agent.run(agent.module("ansible.modules.stat", {}), put(tmp_path / "x"), blobs=[b""])
    assert (done.stop, len(done.steps)) == ("failed", 1)
    assert not (tmp_path / "x").exists()


# --- lanes in a real agent ---


def test_a_lane_stops_at_a_failure_and_another_does_not(agent):
    probe = "ansible.legacy.probe"
    entries = [
        agent.entry(agent.module(probe, {"code": "module.fail_json('x')"}), lane="stops"),
        agent.entry(agent.module(probe, {"code": "0"}), lane="stops"),
        agent.entry(agent.module(probe, {"code": "0"}), lane="goes on"),
    ]
    agent.send(messages.message("run", entries=entries))
    assert agent.done(entries[0]["id"]).stop == "failed"
    agent.receive("dropped", lane="stops", ids=[entries[1]["id"]])
    assert agent.done(entries[2]["id"]).stop is None


def test_lanes_run_side_by_side(agent, tmp_path):
    meet = """if 1:
        import os, time
        open(MINE, "w").close()
        while not os.path.exists(OTHER):
            time.sleep(.01)
        """
    a, b = (repr(str(tmp_path / name)) for name in "ab")
    one = agent.entry(agent.module("ansible.legacy.probe", {"code": meet.replace("MINE", a).replace("OTHER", b)}), lane="one")
    two = agent.entry(agent.module("ansible.legacy.probe", {"code": meet.replace("MINE", b).replace("OTHER", a)}), lane="two")
    agent.send(messages.message("run", entries=[one, two]))
    assert [agent.done(entry["id"]).stop for entry in (one, two)] == [None, None]


# --- kill, timeout, end ---


def test_a_killed_entry_ends_with_all_its_processes(agent, tmp_path):
    entry, pids = sleeper(agent, tmp_path, tmp={"base": str(tmp_path), "name": "d"}, token=TOKEN, lane="kill")
    agent.send(messages.message("kill", id=entry["id"]))
    done = agent.done(entry["id"])
    assert (done.stop, done.steps[0]["rc"]) == ("killed", 137)
    assert all(gone(pid) for pid in pids)
    assert not (tmp_path / "d").exists()


def test_an_entry_that_takes_too_long_is_killed_with_all_its_processes(agent, tmp_path):
    entry, pids = sleeper(agent, tmp_path, timeout=3.0, lane="timeout")
    assert agent.done(entry["id"]).stop == "killed"
    assert all(gone(pid) for pid in pids)


def test_a_timeout_is_for_the_whole_entry(agent):
    done = agent.run(command("sleep", "0.01"), command("sleep", "300"), timeout=1.0)
    assert (done.stop, [step["rc"] for step in done.steps]) == ("killed", [0, 137])


def test_nothing_is_left_when_the_controller_is_gone(python, launch, tmp_path):
    agent = launch(python)
    _entry, pids = sleeper(agent, tmp_path, tmp={"base": str(tmp_path), "name": "d"}, token=TOKEN)
    rc, err = agent.end()
    assert (rc, err) == (0, b"")
    assert all(gone(pid) for pid in pids)
    assert not (tmp_path / "d").exists()
    assert all(name.startswith(agent.sha) for name in os.listdir(agent.cache))


def test_a_module_that_ignores_the_friendly_signal_ends_all_the_same(python, launch, tmp_path):
    agent = launch(python)
    mark = tmp_path / "pid"
    code = f"""if 1:
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open({str(mark)!r}, "w").write(f"{{os.getpid()}}.")
        time.sleep(300)
        """
    agent.send(messages.message("run", entries=[agent.entry(agent.module("ansible.legacy.probe", {"code": code}))]))
    while not (mark.exists() and mark.read_text().endswith(".")):
        time.sleep(0.01)
    agent.end()
    assert gone(int(mark.read_text().strip(".")))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_the_agent_as_the_end_of_its_stdin_does(python, launch, tmp_path, number):
    agent = launch(python)
    _entry, pids = sleeper(agent, tmp_path)
    agent.process.send_signal(number)
    assert agent.process.wait(60) == 0
    assert all(gone(pid) for pid in pids)


def test_what_a_finished_module_left_running_on_purpose_stays(python, launch):
    agent = launch(python)
    pid = agent.probe("import subprocess; result['pid'] = subprocess.Popen(['sleep', '300'], start_new_session=True).pid")["pid"]
    agent.end()
    assert is_running(pid)
    os.kill(pid, 9)


def test_bye_ends_the_agent_after_what_runs(python, launch):
    agent = launch(python)
    entry = agent.entry(agent.module("ansible.legacy.probe", {"code": "import time; time.sleep(.3)"}))
    agent.send(messages.message("run", entries=[entry]))
    agent.send(messages.message("bye"))
    assert agent.done(entry["id"]).stop is None
    assert agent.process.wait(60) == 0


def test_what_was_read_before_the_agent_started_comes_first_and_nothing_is_lost(python, launch):
    entry = {"id": 1, "lane": "a", "epoch": 1, "steps": [command("echo", "first")]}
    data = framing.encode(messages.message("hello", v=1, cache_limit=1)) + framing.encode(messages.message("run", entries=[entry]))
    for cut in (0, 5, len(data) - 3, len(data)):
        agent = launch(python, hello=False, initial=data[:cut])
        agent.write(data[cut:])
        assert agent.done(1).out == [b"first\n"]
        assert agent.end() == (0, b"")


def test_frames_that_arrive_in_one_piece_and_byte_by_byte_are_all_read(agent):
    first, second, third = (agent.entry(command("echo", name), lane=name) for name in ("x", "y", "z"))
    data = b"".join(framing.encode(messages.message("run", entries=[entry])) for entry in (first, second))
    agent.write(data)
    for byte in framing.encode(messages.message("run", entries=[third])):
        agent.write(bytes([byte]))
    assert [agent.done(entry["id"]).out for entry in (first, second, third)] == [[b"x\n"], [b"y\n"], [b"z\n"]]


@pytest.mark.parametrize("data", [b"SSH-2.0", framing.encode({"t": "eval"}), framing.encode({"t": "run", "entries": [{}]})], ids=["bytes", "type", "shape"])
def test_a_controller_that_breaks_the_protocol_is_told_so_and_left(python, launch, data):
    agent = launch(python)
    agent.write(data)
    assert "expected" in agent.receive("error").header["msg"]
    assert agent.process.wait(60) == 0


def test_ready_says_who_answers(agent, python):
    import pwd

    ready = agent.receive("ready").header
    assert ready["uid"] == os.getuid()
    assert ready["user"] == pwd.getpwuid(os.getuid()).pw_name
    assert ready["home"] == os.path.expanduser("~")
    assert (ready["pid"], ready["sha"]) == (agent.process.pid, agent.sha)
    assert python.endswith(".".join(ready["python"].split(".")[:2]))


def test_a_controller_that_reads_late_gets_everything(agent):
    entries = [agent.entry(command("head", "-c", "2000000", "/dev/urandom"), lane=str(n)) for n in range(4)]
    agent.send(messages.message("run", entries=entries))
    time.sleep(0.5)
    assert [len(agent.done(entry["id"]).out[0]) for entry in entries] == [2000000] * 4
