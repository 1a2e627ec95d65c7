# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real agent over pipes: payloads made from the installed ansible-core, processes of every Python that can be found."""

from __future__ import annotations

import datetime
import functools
import glob
import hashlib
import io
import itertools
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import textwrap
import time
import zipfile

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent import framing, messages

ROOM = pathlib.Path(framing.__file__).parent
PATIENCE = 60  # seconds after which a test gives up; nothing is measured by it

MAIN = """\
import os, sys
from rustle_agent.server import main
main(os.path.dirname(os.path.abspath(__file__)))
"""
SITECUSTOMIZE = """\
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
"""


def _pythons() -> list[str]:
    """Paths of Python 3.8 to 3.13, one each, as far as there are any."""
    homes = [os.environ.get("PYENV_ROOT"), os.path.expanduser("~/.pyenv")]
    found = {}
    for minor in range(8, 14):
        name = f"python3.{minor}"
        candidates = [path for home in homes if home for path in sorted(glob.glob(f"{home}/versions/3.{minor}.*/bin/{name}"))]
        for path in [*candidates, shutil.which(name)]:
            if path and "shims" not in path and name not in found:
                found[name] = path
    return list(found.values()) or [sys.executable]


def _least_python() -> int:
    from ansible.module_utils import basic

    return getattr(basic, "_PY_MIN", (3, 8))[1]


PYTHONS = [path for path in _pythons() if int(path.rpartition(".")[2]) >= _least_python()] if _pythons() != [sys.executable] else [sys.executable]


@functools.cache
def _files_of(fqn: str, source: bytes) -> dict[str, bytes]:
    from ansible._internal._ansiballz._builder import ExtensionManager
    from ansible._internal._datatag._tags import Origin
    from ansible.executor import module_common

    output = io.BytesIO()
    when = datetime.datetime(1980, 1, 1, tzinfo=datetime.UTC)
    with zipfile.ZipFile(output, "w") as archive:
        manager = ExtensionManager.create(task_vars={})
        module_common.recursive_finder(fqn.rpartition(".")[2], fqn, Origin(path="/" + fqn).tag(source), archive, when, manager)
        module_common._add_module_to_zip(archive, when, fqn, source, "/" + fqn, manager)
    with zipfile.ZipFile(output) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _core_module(name: str) -> bytes:
    import ansible.modules

    return (pathlib.Path(ansible.modules.__file__).parent / f"{name}.py").read_bytes()


def packed(modules: dict[str, str | bytes], extra: dict[str, str | bytes] | None = None) -> bytes:
    """Return a payload with these modules (source by fqn) and extra files."""
    files: dict[str, bytes] = {"__main__.py": MAIN.encode(), "sitecustomize.py": SITECUSTOMIZE.encode()}
    for path in ROOM.glob("*.py"):
        files[f"rustle_agent/{path.name}"] = path.read_bytes()
    for fqn, source in modules.items():
        files.update(_files_of(fqn, source.encode() if isinstance(source, str) else source))
    for name, content in (extra or {}).items():
        files[name] = content.encode() if isinstance(content, str) else content
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name])
    return output.getvalue()


# A module that runs a piece of code, which fills `result`.
PROBE = """\
from ansible.module_utils.basic import AnsibleModule

def main():
    module = AnsibleModule(argument_spec={"code": {"type": "str", "required": True}})
    result = {}
    exec(module.params["code"], {"module": module, "result": result})
    module.exit_json(**result)

if __name__ == "__main__":
    main()
"""


@functools.cache
def core_modules() -> dict[str, bytes]:
    return {f"ansible.modules.{name}": _core_module(name) for name in ("ping", "stat", "file", "command", "copy")}


@functools.cache
def probe_payload() -> bytes:
    return packed({**core_modules(), "ansible.legacy.probe": PROBE})


# A piece of code for the probe that goes on once the agent has forked the child that waits for the next module; `spare` is its pid.
UNTIL_SPARE = f"""\
import os, time
def children(of):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{{pid}}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == of and fields[0] != "Z":
            found.append(int(pid))
    return found
until = time.monotonic() + {PATIENCE}
while time.monotonic() < until:
    others = [pid for pid in children(os.getppid()) if pid != os.getpid()]
    if others:
        break
    time.sleep(.005)
else:
    raise SystemExit("there is no child that waits")
spare = others[0]
"""


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int) -> bool:
    until = time.monotonic() + 30
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not is_running(pid)


def children(agent: Agent) -> list[int]:
    """The processes that the agent has forked and that have not ended."""
    scope: dict = {}
    exec(UNTIL_SPARE.partition("until =")[0], scope)
    return scope["children"](agent.process.pid)


@functools.cache
def registers_exit_functions(python: str) -> bool:
    """Whether something registers functions when this interpreter starts: nobody can tell which, so its processes are used once."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    code = "import atexit; raise SystemExit(min(atexit._ncallbacks(), 1))"
    return subprocess.run([python, "-c", code], env=environ, check=False).returncode != 0


class Agent:
    """One agent process, and the controller's end of its pipes."""

    waits = False
    """Whether what is run finds a child that waits for it."""
    again = False
    """Whether what is run finds a child that has run something else, and others may follow it there."""

    def __init__(self, python: str, cache: pathlib.Path, data: bytes, *, initial: bytes = b"", hello: bool = True, environ=None, **popen) -> None:
        self.cache = cache
        cache.mkdir(mode=0o700, exist_ok=True, parents=True)
        self.sha = self.keep(data)
        self.path = str(cache / f"{self.sha}.pyz")
        script = (
            "import sys\n"
            "sys.path.insert(0, sys.argv[1])\n"
            "import rustle_agent.server\n"
            "rustle_agent.server.main(sys.argv[1], sys.argv[2], initial=bytes.fromhex(sys.argv[3]))\n"
        )
        # what a developer or a CI has set for Python is not what a target has
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self.environ.update(environ or {})
        self.process = subprocess.Popen(
            [python, "-c", script, self.path, self.sha, initial.hex()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=self.environ,
            **popen,
        )
        self.frames: list[framing.Frame] = []
        self.decoder = framing.Decoder()
        self.ids = itertools.count(1)
        if hello:
            self.send(messages.message("hello", v=1, cache_limit=1 << 30))

    def keep(self, data: bytes) -> str:
        sha = hashlib.sha256(data).hexdigest()
        path = self.cache / f"{sha}.pyz"
        if not path.exists():
            path.write_bytes(data)
        return sha

    def send(self, header: dict, blobs=()) -> None:
        self.write(framing.encode(header, blobs))

    def write(self, data: bytes) -> None:
        self.process.stdin.write(data)

    def receive(self, wanted: str, **fields) -> framing.Frame:
        """Return the next message of this type with these fields, keeping the others in `frames`."""
        until = time.monotonic() + PATIENCE
        while True:
            for at, frame in enumerate(self.frames):
                if frame.header["t"] == wanted and all(frame.header[key] == value for key, value in fields.items()):
                    return self.frames.pop(at)
            ready, _w, _x = select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))
            data = os.read(self.process.stdout.fileno(), 1 << 16) if ready else None
            if not data:
                what = "nothing more" if data is None else "the end"
                pytest.fail(f"expected {wanted} {fields}, found {what}; kept {self.frames}; stderr {self.kill()}")
            self.frames += [messages.receive(frame, messages.TO_CONTROLLER) for frame in self.decoder.feed(data)]

    def module(self, fqn: str, args: dict | None = None, *, payload: str | None = None, **fields) -> dict:
        params = {"ANSIBLE_MODULE_ARGS": {"_ansible_remote_tmp": "/tmp", "_ansible_keep_remote_files": False, **(args or {})}}
        step = {"k": "module", "fqn": fqn, "name": fqn.rpartition(".")[2], "payload": payload or self.sha, "params": json.dumps(params)}
        return {**step, "profile": "legacy", "rlimit": 0, "env": {}, "cwd": None, "only": None, "utils": [], "again": self.again, **fields}

    def entry(self, *steps: dict, **fields) -> dict:
        return {
            "id": next(self.ids),
            "lane": "a",
            "epoch": 1,
            "steps": list(steps),
            "tmp": None,
            "token": None,
            "group": None,
            "go_on_failed": False,
            "facts_expected": True,
            "judge": False,
            "timeout": None,
            **fields,
        }

    def run(self, *steps: dict, blobs=(), **fields) -> Done:
        """Run one entry in a lane of its own and wait for its end."""
        entry = self.entry(*steps, **fields)
        entry["lane"] = fields.get("lane", f"lane {entry['id']}")
        before = []
        if self.waits:
            before.append(self.entry(self.module("ansible.legacy.probe", {"code": UNTIL_SPARE}), lane=entry["lane"]))
        if self.again:
            like = {key: steps[0][key] for key in ("env", "rlimit", "payload") if key in steps[0]}
            before.append(self.entry(self.module("ansible.legacy.probe", {"code": ""}, **like), lane=entry["lane"]))
        self.send(messages.message("run", entries=[*before, entry]), blobs)
        return self.done(entry["id"])

    def in_turn(self, *steps: dict, **fields) -> list[Done]:
        """Run steps one after another in one lane, each in an entry of its own; return how each has ended."""
        entries = [self.entry(step, **fields) for step in steps]
        self.send(messages.message("run", entries=entries))
        return [self.done(entry["id"]) for entry in entries]

    def done(self, id: int) -> Done:
        return Done(self.receive("done", id=id))

    def result(self, fqn: str, args: dict | None = None, **fields) -> dict:
        """Run one module and return its result."""
        return self.run(self.module(fqn, args, **fields)).result

    def probe(self, code: str, **fields) -> dict:
        """Run a piece of code as a module; return the `result` it has filled."""
        return self.result("ansible.legacy.probe", {"code": textwrap.dedent(code)}, **fields)

    def end(self) -> tuple[int, bytes]:
        """Close the agent's stdin; return its exit code and what it said on stderr."""
        self.process.stdin.close()
        self.process.stdout.close()
        err = self.process.stderr.read()
        return self.process.wait(PATIENCE), err

    def kill(self) -> bytes:
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            stream.close()
        with self.process.stderr as stream:
            err = stream.read()
        self.process.wait()
        return err


class Done:
    def __init__(self, frame: framing.Frame) -> None:
        self.stop = frame.header["stop"]
        self.steps = frame.header["steps"]
        self.health = frame.header.get("health")
        self.out = [frame.blobs[step["out"]] for step in self.steps]
        self.err = [frame.blobs[step["err"]] for step in self.steps]

    @property
    def result(self) -> dict:
        try:
            return json.loads(self.out[-1])
        except (ValueError, IndexError):
            pytest.fail(f"no result: stop {self.stop}, steps {self.steps}, stdout {self.out}, stderr {self.err}")


@pytest.fixture(scope="module", params=PYTHONS, ids=os.path.basename)
def python(request) -> str:
    return request.param


@pytest.fixture
def launch(tmp_path):
    """Start agents: launch(python, payload, **popen)."""
    agents = []

    def start(python: str, data: bytes | None = None, **popen) -> Agent:
        agent = Agent(python, tmp_path / "cache", probe_payload() if data is None else data, **popen)
        agents.append(agent)
        return agent

    yield start
    for agent in agents:
        if agent.process.poll() is None:
            agent.kill()


@pytest.fixture(scope="module")
def agent(python, tmp_path_factory):
    """An agent with a few of ansible-core's modules and the probe, for all tests of a file: what one does the next must not see."""
    agent = Agent(python, tmp_path_factory.mktemp("agent") / "cache", probe_payload(), cwd=tmp_path_factory.mktemp("cwd"))
    yield agent
    if agent.process.poll() is None:
        agent.kill()


@pytest.fixture(scope="session")
def pack():
    """Make a payload: pack({fqn: source}, {path inside: content})."""
    return packed


@pytest.fixture(scope="session")
def probe_source() -> str:
    return PROBE
