# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a case under a strategy, and keeps what linear gave.

A run is kept as it was, nothing taken out: what the judge makes of it may change without running linear anew.
"""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.lab.fleet import Fleet
from tests.lab.play import LINEAR, OURS, ROOT, Contestant, environment

HERE = Path(__file__).resolve().parent
PLAYBOOKS = HERE / "playbooks"
KEPT = ROOT / ".work" / "differential"
TIMEOUT = 240  # seconds; a run that lasts longer hangs

_OPTION = re.compile(r"^# (run|env|only|strategy|known(?: \w+)?): (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """A playbook, and in comments at its top how it is run:

    `# run: --check` arguments, `# env: NAME=VALUE ...` environment ({lab} is the lab's folder, {root} the project's),
    `# only: ssh` or `local`, `# strategy: NAME` ours by another name, `# known: reason` (or `# known ssh: reason`) a difference that is
    known and not yet cured.
    """

    playbook: Path
    recorded: bool = False
    """Ours runs with the feedback callback, so that it may adapt."""

    @property
    def name(self) -> str:
        return self.playbook.stem

    @cached_property
    def options(self) -> dict[str, str]:
        return dict(_OPTION.findall(self.playbook.read_text()))

    @property
    def arguments(self) -> list[str]:
        return shlex.split(self.options.get("run", ""))

    @property
    def ours(self) -> Contestant:
        return Contestant("rustle", self.options.get("strategy", OURS))

    def environ(self, fleet: Fleet) -> dict[str, str]:
        words = shlex.split(self.options.get("env", "").replace("{lab}", str(fleet.root)).replace("{root}", str(ROOT)))
        return dict(word.split("=", 1) for word in words)

    def on(self, connection: str) -> bool:
        return self.options.get("only", connection) == connection

    def known(self, connection: str) -> str | None:
        return self.options.get("known") or self.options.get(f"known {connection}")


def cases(connection: str) -> list[Case]:
    found = [Case(path) for path in sorted(PLAYBOOKS.glob("*.yml"))]
    return [case for case in found if case.on(connection)]


@dataclass
class Run:
    """What a run did, as it was. `places` are its own folders and the names that they get in a record."""

    rc: int | str = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    stdout: str = ""
    stderr: str = ""
    files: dict[str, str] = field(default_factory=dict)
    journal: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)


def run(fleet: Fleet, case: Case, contestant: Contestant) -> Run:
    """Run the case on a lab that remembers nothing but the agents' cache of code."""
    folders = {name: fleet.root / name for name in ("world", "controller-files")}
    for folder in folders.values():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    fleet.clean(homes=False)
    for home in (fleet.controller_home, *(host.home for host in fleet.hosts), Path.home()):
        # the first module to come would make it, and warn
        (home / ".ansible" / "tmp").mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="run.", dir=fleet.root) as name:
        scratch = Path(name)
        inventory, witness = scratch / "more.json", scratch / "witness"
        inventory.write_text(json.dumps(_inventory(fleet, folders)))
        bin_dir = Path(sys.executable).parent
        env = environment(fleet, contestant, bin_dir, scratch) | {
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
            "ANSIBLE_SHOW_CUSTOM_STATS": "1",
            "WITNESS_FILE": str(witness),
            **case.environ(fleet),
        }
        if case.recorded and contestant is not LINEAR:
            # not by the environment, which some cases show
            Path(env["ANSIBLE_CONFIG"]).write_text("[defaults]\ncallbacks_enabled = rustle.engine.feedback\n")
        command = [str(bin_dir / "ansible-playbook"), "-vv", "-i", str(fleet.inventory), "-i", str(inventory), str(case.playbook)]
        rc, stdout, stderr = execute([*command, *case.arguments], env, cwd=case.playbook.parent)
        events = [json.loads(line) for line in witness.read_text().splitlines()] if witness.exists() else []
    if not fleet.wait_idle():
        fleet.end_sessions()
    journal = folders["world"] / "journal"
    tops = {"controller": folders["controller-files"], "world": folders["world"]}
    for host in fleet.hosts:
        tops |= {host.name: host.work, f"{host.name} tmp": host.tmp, f"{host.name} task tmp": host.home / ".ansible" / "tmp"}
    return Run(
        rc=rc,
        events=events,
        stdout=stdout,
        stderr=stderr,
        files={f"{where}:{path}": what for where, top in tops.items() for path, what in _files(top)},
        journal=journal.read_text().splitlines() if journal.exists() else [],
        places={str(scratch): "<run>", str(fleet.root): "<lab>", str(case.playbook.parent): "<playbooks>", str(ROOT): "<root>"},
    )


def _inventory(fleet: Fleet, folders: dict[str, Path]) -> dict[str, Any]:
    """What cases find beside the fleet's own inventory: groups, a host that nobody reaches, and folders."""
    names = [host.name for host in fleet.hosts]
    nobody = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1, "workdir": "/nowhere", "hostno": 0}
    groups = {
        "odd": {"hosts": dict.fromkeys(names[::2])},
        "even": {"hosts": dict.fromkeys(names[1::2])},
        "gone": {"hosts": {"nobody": nobody}},
    }
    shared = {"world": folders["world"], "journal": folders["world"] / "journal", "controller": folders["controller-files"]}
    return {"all": {"children": groups, "vars": {name: str(path) for name, path in shared.items()}}}


def execute(command: Sequence[str], env: dict[str, str], cwd: Path) -> tuple[int | str, str, str]:
    """(exit code, stdout, stderr); a command that hangs is ended with all of its processes, and the exit code says so."""
    process = subprocess.Popen(
        command, env=env, cwd=cwd, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        stdout, stderr = process.communicate(timeout=TIMEOUT)
        return process.returncode, stdout, stderr
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
        return f"hangs, ended after {TIMEOUT} s", stdout, stderr


def _files(top: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(top.rglob("*")):
        if path.name == "journal":
            continue
        info = path.lstat()
        owner = f"{pwd.getpwuid(info.st_uid).pw_name}:{grp.getgrgid(info.st_gid).gr_name} {stat.S_IMODE(info.st_mode):04o}"
        name = str(path.relative_to(top))
        if path.is_symlink():
            yield name, f"link to {os.readlink(path)}"
        elif path.is_dir():
            yield name, f"directory {owner}"
        elif path.is_file():
            data = path.read_bytes()
            shown = repr(data.decode(errors="replace")) if len(data) < 200 else hashlib.sha256(data).hexdigest()
            yield name, f"file {owner} links {info.st_nlink} {shown}"
        else:
            yield name, f"special {owner}"


def run_linear(fleet: Fleet, case: Case, *, again: bool = False) -> Run:
    """Linear's run. It is kept while nothing changes that it rests on; `again` does not believe the kept one."""
    kept = KEPT / f"{case.name}.{fleet.connection}.{_digest(fleet, case)}.json"
    if not kept.exists() or again:
        done = run(fleet, case, LINEAR)
        kept.parent.mkdir(parents=True, exist_ok=True)
        for old in kept.parent.glob(f"{case.name}.{fleet.connection}.*"):
            old.unlink(missing_ok=True)
        kept.write_text(json.dumps(asdict(done)))
    return Run(**json.loads(kept.read_text()))


def _digest(fleet: Fleet, case: Case) -> str:
    """Of all that linear's run rests on: the case with its neighbours, this file, the witness, the lab, and Ansible."""
    digest = hashlib.sha256(f"{version('ansible-core')} {sys.version} {fleet.interpreter} {len(fleet.hosts)}".encode())
    neighbours = [path for path in sorted(case.playbook.parent.rglob("*")) if path.is_file() and path.parent != case.playbook.parent]
    lab = [ROOT / "tests" / "lab" / name for name in ("fleet.py", "play.py")]
    for path in (case.playbook, *neighbours, Path(__file__), *sorted(HERE.glob("callbacks/*.py")), *lab):
        # where a case is run, and what is known of it, says nothing about linear
        digest.update(f"{path}\0".encode() + re.sub(rb"(?m)^# (known|only).*\n", b"", path.read_bytes()))
    return digest.hexdigest()[:20]
