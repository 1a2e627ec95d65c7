# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One ansible-playbook run on a fleet, in an environment of its own, and the comparison of two runs.

A run sees an empty ansible.cfg, a home of its own and nothing of the caller's environment, so that only the contestant differs.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.fleet import SYSTEM_PATH, Fleet, Traffic

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / ".work" / "collections"
MEASURE = Path(__file__).resolve().parent / "measure.py"
RECAP_LINE = re.compile(r"^(\S+)\s+: (ok=\d+ .*)$", re.MULTILINE)
OURS = os.environ.get("LAB_STRATEGY", "rustle.engine.rustle_binary_hybrid")


@dataclass(frozen=True)
class Contestant:
    """A strategy as somebody would configure it. With `fresh`, neither controller nor hosts remember an earlier run."""

    name: str
    strategy: str
    pipelining: bool = True
    env: Mapping[str, str] = field(default_factory=dict)
    fresh: bool = False


LINEAR = Contestant("linear, pipelining", "linear")
RUSTLE = Contestant("rustle", OURS)


@dataclass(frozen=True)
class Outcome:
    """What a run did and what it cost.

    `files` and `recap` are by host; times are seconds. `others` is how many cores other people's processes kept busy meanwhile.
    """

    rc: int
    stdout: str
    recap: Mapping[str, str]
    files: Mapping[str, Mapping[str, str]]
    traffic: Mapping[str, Traffic]
    wall: float
    controller_cpu: float
    target_cpu: float
    others: float


def play(
    fleet: Fleet,
    playbook: Path | str,
    contestant: Contestant,
    *,
    arguments: Sequence[str] = (),
    bin_dir: Path | None = None,
) -> Outcome:
    """Run a playbook on empty work folders."""
    fleet.clean(homes=contestant.fresh)
    if contestant.fresh:
        shutil.rmtree(fleet.controller_home, ignore_errors=True)
    (fleet.controller_home / ".ssh").mkdir(parents=True, exist_ok=True)
    bin_dir = bin_dir or Path(sys.executable).parent
    with tempfile.TemporaryDirectory(prefix="run.", dir=fleet.root) as scratch:
        result = Path(scratch) / "result.json"
        env = environment(fleet, contestant, bin_dir, Path(scratch))
        command = [str(bin_dir / "ansible-playbook"), "-i", str(fleet.inventory), str(playbook), *arguments]
        fleet.traffic(reset=True)
        target_cpu, busy = fleet.cpu_seconds(), busy_seconds()
        done = subprocess.run(
            [sys.executable, str(MEASURE), str(result), *command],
            env=env,
            cwd=Path(playbook).parent if os.sep in str(playbook) else scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        cost = json.loads(result.read_text())
    busy = busy_seconds() - busy
    if not fleet.wait_idle():
        fleet.end_sessions()
    target_cpu = fleet.cpu_seconds() - target_cpu
    return Outcome(
        rc=cost["rc"],
        stdout=done.stdout,
        recap=recap(done.stdout),
        files=snapshot(fleet),
        traffic=fleet.traffic(),
        wall=cost["wall"],
        controller_cpu=cost["cpu"],
        target_cpu=target_cpu,
        others=max(0.0, busy - cost["cpu"] - target_cpu) / cost["wall"],
    )


def busy_seconds() -> float:
    """CPU seconds that this machine has worked, all processors together."""
    user, nice, system, _idle, _iowait, *rest = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def environment(fleet: Fleet, contestant: Contestant, bin_dir: Path, scratch: Path) -> dict[str, str]:
    config = scratch / "ansible.cfg"
    config.write_text("[defaults]\n")
    return {
        "PATH": f"{bin_dir}:{SYSTEM_PATH}",
        "HOME": str(fleet.controller_home),
        "USER": fleet.user,
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
        "ANSIBLE_FORKS": str(max(5, min(len(fleet.hosts), 50))),
        "ANSIBLE_HOME": str(scratch / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": str(int(contestant.pipelining)),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(scratch / "cp"),
        "ANSIBLE_STRATEGY": contestant.strategy,
        "ANSIBLE_TIMEOUT": "60",
        **contestant.env,
    }


def recap(stdout: str) -> dict[str, str]:
    """The counters of each host, as the default callback prints them."""
    tail = stdout.rpartition("PLAY RECAP")[2]
    return {host: " ".join(counters.split()) for host, counters in RECAP_LINE.findall(tail)}


def snapshot(fleet: Fleet) -> dict[str, dict[str, str]]:
    """Each host's work folder as {path: kind, mode and content}; the hosts' own paths do not show."""
    return {host.name: dict(_entries(host.work)) for host in fleet.hosts}


def _entries(top: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(top.rglob("*")):
        info = path.lstat()
        name, mode = str(path.relative_to(top)), f"{stat.S_IMODE(info.st_mode):04o}"
        if path.is_symlink():
            yield name, f"link to {os.readlink(path)}"
        elif path.is_dir():
            yield name, f"directory {mode}"
        else:
            yield name, f"file {mode} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"


def differences(expected: Outcome, found: Outcome) -> list[str]:
    """Where two runs of one playbook differ: exit code, recap, files. Empty when they are equal."""
    out = [] if expected.rc == found.rc else [f"exit code: expected {expected.rc}, found {found.rc}"]
    for what, left, right in (
        ("recap", {"": expected.recap}, {"": found.recap}),
        ("files", expected.files, found.files),
    ):
        for host in sorted(left):
            a, b = left[host], right[host]
            out += [f"{what} {host} {k}: expected {a.get(k)}, found {b.get(k)}" for k in sorted({*a, *b}) if a.get(k) != b.get(k)]
    return out
