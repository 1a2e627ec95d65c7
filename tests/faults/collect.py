# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lets real modules really fail and keeps what they say, for the tests of the classes: `python -m tests.faults.collect`.

Writes failures.json beside this file. As root it locks the package manager for a few seconds; it installs nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.failures import failure

from tests.lab.fleet import PORT, Fleet

HERE = Path(__file__).resolve().parent
CALLBACKS = HERE.parent / "integration" / "differential" / "callbacks"
FAILURES = HERE / "failures.json"
RELEASE = "Suite: x\nArchitectures: all amd64\nComponents: main\nSHA256:\n {digest} 12 main/binary-all/Packages\n {digest} 12 main/binary-amd64/Packages\n"
APT_HERE = (
    *("Dir::State=HERE", "Dir::State::Lists=HERE/lists", "Dir::Cache=HERE", "Dir::Etc::sourceparts=/dev/null", "Dir::Etc::sourcelist=/dev/null"),
    *("Acquire::Retries=0", "APT::Sandbox::User=root"),
)
HANG_UP = """
import os, signal
pid = os.getpid()
while pid > 1:
    stat = open(f'/proc/{pid}/stat').read()
    if stat.split('(')[1].startswith('sshd'):
        os.kill(pid, signal.SIGKILL)
        break
    pid = int(stat.rpartition(')')[2].split()[1])
"""


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that the path begins with."""

    def do_GET(self) -> None:
        word = self.path.split("/")[1]
        if word == "hang-up":
            self.connection.close()
            return
        if word == "slow":
            threading.Event().wait(3)
        text = b"hello world\n"
        if self.path.startswith("/mirror") and self.path.endswith("/Release"):
            text = RELEASE.format(digest="0" * 64).encode()
        elif (self.path.startswith("/mirror") and not self.path.endswith("/Packages")) or word == "simple":
            word = "404"
        self.send_response(int(word) if word.isdigit() else 200)
        if word == "401":
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_HEAD = do_GET

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def web() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


@contextmanager
def hanging_up() -> Iterator[int]:
    """A port that accepts and closes at once."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                listener.accept()[0].close()
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def lock(path: Path) -> Any:
    """The lock that dpkg and apt use. It is held as long as what is returned is open."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def small_disk(folder: Path, stack: ExitStack) -> bool:
    """Mount 64 KiB there; False where that is not allowed."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "rustle-faults", folder], capture_output=True, check=False).returncode:
        return False
    stack.callback(subprocess.run, ["umount", folder], check=False)
    return True


def package(tmp: Path) -> None:
    """A package that holds nothing."""
    control = tmp / "deb" / "DEBIAN" / "control"
    control.parent.mkdir(parents=True)
    control.write_text("Package: rustle-fault\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: nothing\n")
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", control.parents[1], tmp / "rustle-fault.deb"], check=True, capture_output=True)


def collect() -> list[dict[str, Any]]:
    root = os.geteuid() == 0
    with ExitStack() as stack:
        tmp = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rustle-faults-")))
        tmp.chmod(0o755)
        port, refused = stack.enter_context(web()), unused_port()
        fleet = stack.enter_context(Fleet(hosts=1, proxy=False, connection="ssh"))
        package(tmp)
        for name in ("lists", "lists-locked/partial", "archives/partial", "locked/updates", "locked/info", "locked/triggers", "not-yours"):
            (tmp / name).mkdir(parents=True)
        (tmp / "locked" / "status").touch()
        (tmp / "bad.j2").write_text("{% if x %}")
        (tmp / "bad.yml").write_text("a: b: c\n")
        (tmp / "hang_up.py").write_text(HANG_UP)
        (tmp / "503.list").write_text(f"deb [trusted=yes] http://127.0.0.1:{port}/503 x main\n")
        (tmp / "refused.list").write_text(f"deb [trusted=yes] http://127.0.0.1:{refused} x main\n")
        (tmp / "mirror.list").write_text(f"deb [trusted=yes] http://127.0.0.1:{port}/mirror x main\n")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp / "stranger"], check=True)
        for held in (tmp / "locked" / "lock-frontend", tmp / "locked" / "lock", tmp / "lists-locked" / "lock"):
            stack.enter_context(lock(held))
        if root:
            for held in ("/var/lib/dpkg/lock-frontend", "/var/lib/apt/lists/lock"):
                stack.enter_context(lock(Path(held)))
        variables = {
            "tmp": str(tmp),
            "port": port,
            "refused": refused,
            "hangs_up": stack.enter_context(hanging_up()),
            "pip": str(Path(sys.executable).with_name("pip")),
            "root": root,
            "small_disk": small_disk(tmp / "small", stack),
            "apt_here": " ".join(f"-o {option}" for option in APT_HERE).replace("HERE", str(tmp)),
        }
        (tmp / "inventory.json").write_text(json.dumps(inventory(fleet, tmp)))
        env = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")} | {
            "PIP_CONFIG_FILE": "/dev/null",
            "WITNESS_FILE": str(tmp / "events"),
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "witness",
            "ANSIBLE_HOME": str(tmp / "ansible"),
            "ANSIBLE_LOCAL_TEMP": str(tmp / "ansible" / "tmp"),
            "ANSIBLE_HOST_KEY_CHECKING": "1",
            "ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o ControlPath=none",
            "LC_ALL": "C.UTF-8",
        }
        command = ["ansible-playbook", "-i", tmp / "inventory.json", "-e", json.dumps(variables), HERE / "faults.yml"]
        subprocess.run([str(Path(sys.executable).with_name(command[0])), *command[1:]], env=env, check=False, stdin=subprocess.DEVNULL)
        events = [json.loads(line) for line in (tmp / "events").read_text().splitlines()]
        paths = {str(tmp): "/tmp/faults", sys.prefix: "/venv", str(HERE): "/tests", str(fleet.root): "/tmp/lab", socket.gethostname(): "here"}
        return [case_of(event, paths) for event in events if event["event"] in ("runner_on_failed", "runner_on_unreachable")]


def inventory(fleet: Fleet, tmp: Path) -> dict[str, Any]:
    """`wrong`: hosts that cannot be reached, each named after the class and what is wrong."""
    given = json.loads(fleet.inventory.read_text())["all"]
    good = {**given["vars"], **given["hosts"][fleet.hosts[0].name]}
    arguments = good["ansible_ssh_common_args"]
    wrong = {
        "network__nobody_listens": {"ansible_port": unused_port()},
        "authentication__a_key_that_nobody_knows": {"ansible_ssh_private_key_file": str(tmp / "stranger")},
        "authentication__a_host_key_that_is_not_known": {"ansible_ssh_common_args": f"-o UserKnownHostsFile={tmp}/none -o StrictHostKeyChecking=yes"},
        "authentication__a_host_key_that_has_changed": {"ansible_ssh_common_args": f"-o UserKnownHostsFile={tmp}/changed -o StrictHostKeyChecking=yes"},
        "no-such-host__a_name_that_is_no_host": {"ansible_host": "rustle-no-such-host.invalid", "ansible_ssh_common_args": arguments},
        "bad-arguments__an_option_that_ssh_does_not_know": {"ansible_ssh_common_args": "-o RustleOption=yes"},
    }
    (tmp / "changed").write_text(f"[{good['ansible_host']}]:{PORT} {(tmp / 'stranger.pub').read_text()}")
    here = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3", "ansible_remote_tmp": f"{tmp}/remote"}
    return {
        "here": {"hosts": {"here": here}},
        "remote": {"hosts": {"remote": good}},
        "wrong": {"hosts": {name: good | fields for name, fields in wrong.items()}},
    }


def case_of(event: dict[str, Any], paths: dict[str, str]) -> dict[str, Any]:
    """`paths`: what is replaced in the message, since it is this machine's."""
    told = failure(event["result"])
    message = told["message"]
    for path, name in paths.items():
        message = message.replace(path, name)
    return {
        "case": event["task"] if ": " in event["task"] else event["host"].replace("__", ": ssh, ").replace("_", " "),
        "module": event["action"],
        "unreachable": event["event"] == "runner_on_unreachable",
        "rc": told["rc"],
        "message": message,
    }


if __name__ == "__main__":
    found = sorted(collect(), key=lambda case: case["case"])
    FAILURES.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(found)} failures in {FAILURES.name}")
