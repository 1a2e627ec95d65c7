# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a case under a strategy, and compares the records of two runs.

A record holds everything that somebody could look at: the exit code, the recap, the events with their results, task after task,
what the hosts' variables have become, the files that were left, what several hosts wrote to one journal, and the output. Hosts of
one task may come in any order, as they do under linear; everything else has its place.
"""

from __future__ import annotations

import difflib
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
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.integration.differential.normal import Normaliser
from tests.lab.fleet import Fleet
from tests.lab.play import LINEAR, OURS, ROOT, Contestant, environment

HERE = Path(__file__).resolve().parent
PLAYBOOKS = HERE / "playbooks"
TIMEOUT = 240  # seconds; a run that lasts longer hangs
TALLY = "rustle: bundles"

_OPTION = re.compile(r"^# (run|env|only|strategy|known(?: \w+)?): (.+)$", re.MULTILINE)
_BANNER = re.compile(r"^(PLAY|TASK|RUNNING HANDLER|PLAYBOOK|NO MORE HOSTS LEFT|PLAY RECAP)\b.*?\**$")


@dataclass(frozen=True)
class Case:
    """A playbook, and in comments at its top how it is run:

    `# run: --check` arguments, `# env: NAME=VALUE ...` environment ({lab} is the lab's folder), `# only: ssh` or `local`,
    `# strategy: NAME` ours by another name,
    `# known: reason` (or `# known ssh: reason`) a difference that is known and not yet cured.
    """

    playbook: Path

    @property
    def name(self) -> str:
        return self.playbook.stem

    @cached_property
    def options(self) -> dict[str, str]:
        return dict(_OPTION.findall(self.playbook.read_text()))

    @property
    def arguments(self) -> list[str]:
        return shlex.split(self.options.get("run", ""))

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
class Record:
    """What a run did. Plain data: it may lie in a file."""

    rc: int | str = 0
    recap: dict[str, Any] = field(default_factory=dict)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    journal: list[str] = field(default_factory=list)
    output: list[list[str]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    tally: list[str] = field(default_factory=list)
    raw: str = ""


def run(fleet: Fleet, case: Case, contestant: Contestant) -> Record:
    """Run the case on a lab that remembers nothing but the agents' cache of code."""
    folders = {name: fleet.root / name for name in ("world", "controller-files")}
    for folder in folders.values():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    fleet.clean(homes=False)
    for host in fleet.hosts:
        shutil.rmtree(host.home / ".ansible" / "tmp", ignore_errors=True)
    # the first module to come would make it, and warn
    (fleet.controller_home / ".ansible" / "tmp").mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="run.", dir=fleet.root) as name:
        scratch = Path(name)
        inventory = scratch / "more.json"
        inventory.write_text(json.dumps(_inventory(fleet, folders)))
        witness = scratch / "witness"
        env = environment(fleet, contestant, Path(sys.executable).parent, scratch) | {
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
            "ANSIBLE_SHOW_CUSTOM_STATS": "1",
            "WITNESS_FILE": str(witness),
            **case.environ(fleet),
        }
        command = ["ansible-playbook", "-vv", "-i", str(fleet.inventory), "-i", str(inventory), str(case.playbook), *case.arguments]
        command[0] = str(Path(sys.executable).parent / command[0])
        rc, stdout, stderr = _execute(command, env, cwd=case.playbook.parent)
        events = [json.loads(line) for line in witness.read_text().splitlines()] if witness.exists() else []
        normal = Normaliser({str(scratch): "<run>", str(fleet.root): "<lab>", str(case.playbook.parent): "<playbooks>", str(ROOT): "<root>"})
        record = _record(rc, events, stdout, stderr, normal)
    if not fleet.wait_idle():
        fleet.end_sessions()
    journal = folders["world"] / "journal"
    record.journal = [normal.text(line) for line in _grouped(journal.read_text().splitlines())] if journal.exists() else []
    tops = {"controller": folders["controller-files"], "world": folders["world"]}
    for host in fleet.hosts:
        tops |= {host.name: host.work, f"{host.name} tmp": host.tmp, f"{host.name} task tmp": host.home / ".ansible" / "tmp"}
    record.files = {f"{where}:{normal.text(path)}": normal.text(what) for where, top in tops.items() for path, what in _files(top)}
    return record


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


def _execute(command: list[str], env: dict[str, str], cwd: Path) -> tuple[int | str, str, str]:
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


# -- from a run to its record


def _record(rc: int | str, events: list[dict[str, Any]], stdout: str, stderr: str, normal: Normaliser) -> Record:
    record = Record(rc=rc, raw=stdout[-1500:] + stderr[-2500:])
    for event in events:
        event = normal.value(event)
        if event["event"] == "playbook_on_stats":
            record.recap = {"hosts": event["recap"], "custom": event["custom"]}
            record.variables = event["variables"]
        elif "result" in event or event["event"] in ("runner_on_start", "playbook_on_include", "playbook_on_notify"):
            # hosts of one task come in any order, the events of one host do not
            if record.tasks:
                record.tasks[-1]["hosts"].setdefault(event.pop("host", "all"), []).append(event)
        else:
            record.tasks.append({"begins": event, "hosts": {}})
    for task in record.tasks:
        if "all" in task["hosts"]:
            task["hosts"]["all"].sort(key=json.dumps)
    lines = normal.text(stdout).splitlines()
    record.tally = [line for line in lines if line.startswith(TALLY)]
    record.output = _blocks([line for line in lines if not line.startswith("rustle: ")])
    record.complaints = sorted({line for line in normal.text(stderr).splitlines() if not line.startswith("rustle: ")})
    return record


def _blocks(lines: list[str]) -> list[list[str]]:
    """The output, task by task; within one the lines are sorted."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("included: "):
            head, _for, hosts = line.partition(" for ")
            line = f"{head} for {', '.join(sorted(hosts.split(', ')))}"
        if _BANNER.match(line):
            blocks.append([line.rstrip("* ")])
        else:
            blocks[-1].append(line)
    return [block[:1] + sorted(block[1:]) for block in blocks]


def _grouped(lines: list[str]) -> Iterator[str]:
    """`what host` lines: neighbours that say the same `what` are one task's, in any order."""
    group: list[str] = []
    for line in lines:
        if group and line.rpartition(" ")[0] != group[0].rpartition(" ")[0]:
            yield from sorted(group)
            group = []
        group.append(line)
    yield from sorted(group)


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


# -- comparing


def differences(expected: Record, found: Record, *, lines: int = 12) -> str:
    """Where two records differ, for people; empty when they are equal."""
    left, right = asdict(expected), asdict(found)
    out = []
    for facet in left:
        if facet not in ("tally", "raw") and left[facet] != right[facet]:
            out += [f"== {facet}", *_diff(left[facet], right[facet], lines)]
    if left["rc"] != right["rc"]:
        out += ["== the end of ours", found.raw]
    return "\n".join(out)


def _diff(left: Any, right: Any, lines: int) -> list[str]:
    one, other = (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).splitlines() for value in (left, right))
    # the task that a line belongs to is worth more than its neighbours
    changed = [line[:400] for line in difflib.unified_diff(one, other, "linear", "rustle", lineterm="", n=3)]
    return changed[: lines * 3]


# -- linear's records


def expected(fleet: Fleet, case: Case, *, again: bool = False) -> Record:
    """Linear's record. It is kept while nothing changes that it rests on; `again` does not believe the kept one."""
    kept = ROOT / ".work" / "differential" / f"{case.name}.{fleet.connection}.{_digest(fleet, case)}.json"
    if kept.exists() and not again:
        return Record(**json.loads(kept.read_text()))
    record = run(fleet, case, LINEAR)
    kept.parent.mkdir(parents=True, exist_ok=True)
    for old in kept.parent.glob(f"{case.name}.{fleet.connection}.*"):
        old.unlink()
    kept.write_text(json.dumps(asdict(record)))
    return Record(**json.loads(kept.read_text()))


def _digest(fleet: Fleet, case: Case) -> str:
    """Of all that linear's record rests on: the case with its neighbours, the judge, the lab, and Ansible."""
    digest = hashlib.sha256(f"{version('ansible-core')} {sys.version} {fleet.interpreter} {len(fleet.hosts)}".encode())
    neighbours = [path for path in sorted(PLAYBOOKS.rglob("*")) if path.is_file() and path.parent != PLAYBOOKS]
    lab = sorted((ROOT / "tests" / "lab").glob("*.py"))
    for path in (case.playbook, *neighbours, HERE / "judge.py", HERE / "normal.py", *sorted(HERE.glob("callbacks/*.py")), *lab):
        digest.update(f"{path}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:20]


def judge(fleet: Fleet, case: Case, *, lines: int = 12, believe: bool = False) -> tuple[str, Record]:
    """(where ours differs from linear, ours). Before a difference is believed linear is asked again: it may have been an old record's."""
    found = run(fleet, case, Contestant("rustle", case.options.get("strategy", OURS)))
    found = Record(**json.loads(json.dumps(asdict(found))))
    report = differences(expected(fleet, case), found, lines=lines)
    if report and not believe:
        report = differences(expected(fleet, case, again=True), found, lines=lines)
    return report, found
