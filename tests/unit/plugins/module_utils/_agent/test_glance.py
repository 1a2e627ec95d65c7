# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the agent answers itself is what the module stat would have said; everything else the module says."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import socket
import sys
import tempfile
import threading
import time
import types

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent import glance

from .conftest import PATIENCE

SHA = hashlib.sha1(b"content").hexdigest()
LOCK = os.path.join(tempfile.gettempdir(), "rustle-dev-log.lock")


def hint(path, *, follow=False, checksum=True, log=None) -> dict:
    return {"path": str(path), "follow": follow, "checksum": checksum, "log": log}


def arguments(path, *, follow=False, checksum=True, **internal) -> dict:
    """As an action of ansible-core asks."""
    asked = {"path": str(path), "follow": follow, "get_checksum": checksum, "get_size": False, "checksum_algorithm": "sha1"}
    return {**asked, "_ansible_ignore_unknown_opts": True, "_ansible_module_name": "ansible.legacy.stat", **internal}


def step(agent, path, *, follow=False, checksum=True, log=None, hinted=True, **fields) -> dict:
    module = agent.module("ansible.modules.stat", arguments(path, follow=follow, checksum=checksum), **fields)
    return {**module, "stat": hint(path, follow=follow, checksum=checksum, log=log)} if hinted else module


def was_forked(done) -> bool:
    return done.steps[0]["maxrss"] > 0


@pytest.fixture
def zoo(tmp_path):
    """Folder of files of all kinds."""
    for name in ("file", "with space", "ünï", "setuid", "large", "larger"):
        (tmp_path / name).write_bytes(b"content")
    (tmp_path / "empty").touch()
    os.chmod(tmp_path / "setuid", 0o6751)
    os.truncate(tmp_path / "large", glance.MAX_READ)
    os.truncate(tmp_path / "larger", glance.MAX_READ + 1)
    (tmp_path / "folder").mkdir()
    (tmp_path / "sticky").mkdir()
    os.chmod(tmp_path / "sticky", 0o1777)
    for to in ("file", "folder", "nothing", "itself", "fifo"):
        (tmp_path / f"to {to}").symlink_to("to itself" if to == "itself" else to)
    (tmp_path / "to link").symlink_to("to file")
    os.symlink(b"no\xfftext", bytes(tmp_path / "to bytes"))
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    return tmp_path


PLAIN = ["", "nothing", "nothing/below", "file", "with space", "ünï", "setuid", "large", "empty", "folder", "sticky", "folder/../file"]
PLAIN += ["to file", "to folder", "to nothing", "to link"]


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize("follow", [True, False])
def test_what_is_plain_is_answered_as_the_module_does_and_without_it(agent, zoo, follow, checksum):
    agent.probe("")
    for name in PLAIN:
        path = f"{zoo}/{name}"
        own = agent.run(step(agent, path, follow=follow, checksum=checksum))
        modules = agent.run(step(agent, path, follow=follow, checksum=checksum, hinted=False))
        assert (was_forked(own), was_forked(modules)) == (False, True), name
        assert own.steps[0]["rc"] == 0
        assert set(own.result) == {"changed", "stat"}
        answer, expected = own.result["stat"], modules.result["stat"]
        missing = expected.keys() - answer.keys()
        assert missing <= {"pw_name", "gr_name", "mimetype", "charset", "version", "attributes", "attr_flags", "disk_usage_bytes"}, name
        for result in (answer, expected):
            result.pop("atime", None)
        assert answer == {key: expected[key] for key in answer}, name


@pytest.mark.parametrize("name", ["fifo", "socket", "to fifo", "to itself", "to bytes", "larger", "file/below", "no \udcff text"])
def test_what_is_not_plain_the_module_says(agent, zoo, name):
    if name == "no \udcff text":
        (zoo / name).touch()
    follow = name not in ("to bytes",)
    path = zoo / name
    assert glance.glance(hint(path, follow=follow)) is None
    assert was_forked(agent.run(step(agent, path, follow=follow), go_on_failed=True))


def test_devices_relative_paths_and_nuls_are_not_plain(agent):
    for path in ("/dev/null", "etc/passwd", "", "~/x", "/etc\0/passwd"):
        assert glance.glance(hint(path)) is None


def test_a_file_that_may_not_be_read_is_not_plain(zoo, monkeypatch):
    def refuse(*_args):
        raise PermissionError

    monkeypatch.setattr(glance.os, "open", refuse)
    assert glance.glance(hint(zoo / "file")) is None
    assert glance.glance(hint(zoo / "file", checksum=False)) is not None


@pytest.mark.parametrize("becomes", ["fifo", "to fifo", "with space", "empty", "folder", "larger"])
def test_a_file_that_has_become_another_is_not_plain(zoo, monkeypatch, becomes):
    real = os.open
    monkeypatch.setattr(glance.os, "open", lambda path, flags: real(os.path.join(os.path.dirname(path), os.fsencode(becomes)), flags))
    assert glance.glance(hint(zoo / "file")) is None


def test_without_sha1_the_module_says_why(zoo, monkeypatch):
    def refuse(_data):
        raise ValueError("disabled for FIPS")

    monkeypatch.setattr(glance.hashlib, "sha1", refuse)
    assert glance.glance(hint(zoo / "file")) is None


@pytest.mark.parametrize("kinds", ["same", "differs"])
def test_a_branch_is_picked_by_it(agent, zoo, kinds):
    only = {"of": 0, "sum": SHA if kinds == "same" else "0" * 40, "when": [kinds]}
    not_this = {**only, "when": ["absent", "dir"]}
    then = [agent.module("ansible.modules.ping", {"data": data}, only=guard) for data, guard in (("wrong", not_this), ("right", only))]
    done = agent.run(step(agent, zoo / "file"), *then)
    assert ([one["i"] for one in done.steps], done.result["ping"], done.stop) == ([0, 2], "right", None)
    assert not was_forked(done)


def test_a_child_waits_for_the_module_behind_it(python, launch, zoo):
    agent = launch(python)
    agent.probe("")
    agent.result("ansible.modules.ping")
    agent.waits = True
    done = agent.run(step(agent, zoo / "file"), agent.module("ansible.modules.ping"))
    assert (was_forked(done), done.result["ping"]) == (False, "pong")


def test_where_a_deadline_may_end_the_task_the_module_runs(agent, zoo):
    assert was_forked(agent.run(step(agent, zoo / "file"), timeout=60))


def test_the_temporary_directory_is_put_in_its_place(agent, tmp_path):
    done = agent.run(step(agent, "@@TMP@@"), tmp={"base": str(tmp_path), "name": "x"}, token="@@TMP@@")
    assert done.result["stat"]["path"] == str(tmp_path / "x")


def test_it_runs_without_a_hint(agent, zoo):
    assert was_forked(agent.run({**step(agent, zoo / "file"), "stat": None}))


# --- syslog ---

LOG = {"ident": "ansible-ansible.legacy.stat", "facility": "LOG_LOCAL3"}


@contextlib.contextmanager
def listening(mark: str):
    """Yields a list that fills with what is written to syslog with `mark` in it."""
    if os.geteuid() != 0:
        pytest.skip("only root makes a /dev/log")
    with open(LOCK, "w") as lock, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other workers run these tests too
        if os.path.lexists("/dev/log"):
            pytest.skip("there is a /dev/log")
        server.bind("/dev/log")
        lines: list[str] = []

        def read() -> None:  # whoever else writes here must not wait
            while data := server.recv(1 << 16):
                if mark in (text := data.decode(errors="replace")):
                    lines.append(text)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            yield lines
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
                last.sendto(b"", "/dev/log")
            os.unlink("/dev/log")
            thread.join()


def wait_for(lines: list[str], count: int) -> list[str]:
    """The lines without their times, once there are so many."""
    until = time.monotonic() + PATIENCE
    while len(lines) < count and time.monotonic() < until:
        time.sleep(0.01)
    return [re.sub(">.{15} ", "> ", line, count=1) for line in lines]


def test_the_line_in_syslog_is_the_modules(agent, zoo):
    path = zoo / "ünï"
    internal = {"_ansible_syslog_facility": "LOG_LOCAL3"}
    module = agent.module("ansible.modules.stat", arguments(path, **internal))
    asked = " ".join(f"{name}={value}" for name, value in arguments(path).items() if not name.startswith("_"))
    with listening(str(zoo)) as lines:
        assert was_forked(agent.run(module))
        [said] = wait_for(lines, 1)
        assert asked in said
        text = said.partition("ansible.legacy.stat: ")[2].rstrip("\0")  # with what the module takes for granted
        hinted = {**module, "stat": hint(path, log={**LOG, "text": text})}
        assert not was_forked(agent.run(hinted))
        assert wait_for(lines, 2) == [said, said]
        assert not was_forked(agent.run({**hinted, "stat": hint(path)})), "a task that must not be logged"
        assert was_forked(agent.run({**hinted, "stat": {**hinted["stat"], "path": str(zoo / "fifo")}}))
        assert wait_for(lines, 3) == [said] * 3, "the module has logged it, and nobody else"
    assert not was_forked(agent.run(hinted)), "where nothing listens nothing is missing"


def test_the_agent_keeps_no_connection_to_syslog(agent, zoo):
    with listening(str(zoo)) as lines:
        assert not was_forked(agent.run(step(agent, zoo / "file", log={**LOG, "text": str(zoo)})))
        wait_for(lines, 1)
        folder = f"/proc/{agent.process.pid}/fd"
        assert not [name for name in os.listdir(folder) if os.readlink(f"{folder}/{name}").startswith("socket:")]


def test_the_line_has_the_time_of_the_zone_that_holds_now(zoo, monkeypatch):
    monkeypatch.setitem(sys.modules, "ansible.module_utils.basic", types.SimpleNamespace(HAS_SYSLOG=True, has_journal=False))
    try:
        with listening(str(zoo)) as lines, monkeypatch.context() as patch:
            for count, offset in enumerate((3, 8), start=1):
                patch.setenv("TZ", f"LAB-{offset}")
                before = time.gmtime().tm_hour
                assert glance.glance(hint(zoo / "file", log={**LOG, "text": str(zoo)})) is not None
                wait_for(lines, count)
                hour = int(lines[-1].partition(">")[2][7:9])
                assert hour in {(utc + offset) % 24 for utc in (before, time.gmtime().tm_hour)}
    finally:
        time.tzset()


@pytest.mark.parametrize("basic", [None, {}, {"HAS_SYSLOG": False, "has_journal": False}, {"HAS_SYSLOG": True, "has_journal": True}])
def test_the_module_runs_where_it_is_not_known_that_modules_write_to_syslog(zoo, monkeypatch, basic):
    if basic is None:
        monkeypatch.delitem(sys.modules, "ansible.module_utils.basic", raising=False)
    else:
        monkeypatch.setitem(sys.modules, "ansible.module_utils.basic", types.SimpleNamespace(**basic))
    assert glance.glance(hint(zoo / "file", log={**LOG, "text": "x"})) is None
    assert glance.glance(hint(zoo / "file")) is not None


def test_the_module_runs_where_modules_write_to_the_journal(python, launch, zoo, tmp_path):
    (tmp_path / "site" / "systemd").mkdir(parents=True)
    (tmp_path / "site" / "systemd" / "__init__.py").touch()
    (tmp_path / "site" / "systemd" / "journal.py").write_text("def sendv(*args): pass\ndef send(**fields): pass\n")
    (tmp_path / "site" / "systemd" / "daemon.py").write_text("def booted(): return True\n")
    agent = launch(python, environ={"PYTHONPATH": str(tmp_path / "site")})
    agent.result("ansible.modules.ping", utils=["ansible.module_utils.basic"])
    assert was_forked(agent.run(step(agent, zoo / "file", log={**LOG, "text": "x"})))
    assert not was_forked(agent.run(step(agent, zoo / "file")))


def test_the_answer_is_one_json_object(zoo):
    out = glance.glance(hint(zoo / "file"))
    assert out is not None
    assert json.loads(out)["stat"]["checksum"] == SHA
