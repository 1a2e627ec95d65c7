# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The targets, the judge that runs them, and what comes out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".work" / "conformance"
JUDGE = Path(os.environ.get("CONFORMANCE", ROOT.parent / "shared" / "conformance")) / "conformance.py"
STATE = Path(os.environ.get("CONFORMANCE_STATE", WORK / "state"))
VENV = os.environ.get("CONFORMANCE_VENV", sys.prefix)
OURS = "rustle.engine.rustle_binary_hybrid"
CALLBACKS = Path(__file__).resolve().parent / "callbacks"
#: stock paths that are meant: what they hold is not eligible for the agent
MEANT = frozenset({"async", "throttle", "raw", "mode-ssh", "debugger", "connection", "become-method", "non-python-module", "delegate", "action"})

Results = Mapping[str, Mapping[str, Any]]


class Unavailable(Exception):
    """Targets cannot be run here; the text says why and what helps."""


def check_machine() -> None:
    """Raises Unavailable where the judge or its isolation is missing."""
    if not JUDGE.exists():
        raise Unavailable(f"no judge at {JUDGE}\nhint: CONFORMANCE=<folder of conformance.py> make conformance")
    if os.geteuid() or not shutil.which("unshare"):
        raise Unavailable("the judge isolates each target in namespaces of its own, and needs root and unshare for that")
    if any(Path("/tmp") in Path(place).resolve().parents for place in (ROOT, VENV)):
        raise Unavailable("the judge gives each target a /tmp of its own, so this checkout and its Python have to lie elsewhere")
    if "overlay" not in Path("/proc/filesystems").read_text() and subprocess.run(["modprobe", "overlay"], check=False).returncode:
        raise Unavailable("the judge runs each target over an overlay, and this kernel has no overlayfs")


def targets_dir() -> Path:
    """The targets of the ansible-core that is installed, from its source distribution on PyPI."""
    release = version("ansible-core")
    source = WORK / f"ansible_core-{release}"
    if not source.exists():
        WORK.mkdir(parents=True, exist_ok=True)
        words = ["download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(WORK), f"ansible-core=={release}"]
        done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False)
        archive = WORK / f"ansible_core-{release}.tar.gz"
        if done.returncode or not archive.exists():
            raise Unavailable(f"the source distribution of ansible-core {release} did not come from PyPI: {done.stderr.strip()[-300:]}")
        with tarfile.open(archive) as tar:
            tar.extractall(WORK / "unpack", filter="tar")
        (WORK / "unpack" / source.name).rename(source)
    return source / "test" / "integration" / "targets"


def collection() -> Path:
    """A copy of the collection as it is now: editing goes on while targets run."""
    top = WORK / "collections"
    shutil.rmtree(top, ignore_errors=True)
    engine = top / "ansible_collections" / "rustle" / "engine"
    engine.mkdir(parents=True)
    for name in ("galaxy.yml", "meta", "plugins", "roles"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, engine / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, engine / name)
    return top


def judge(*words: str | Path) -> int:
    env = os.environ | {"CONFORMANCE_STATE": str(STATE), "CONFORMANCE_VENV": VENV}
    return subprocess.run([sys.executable, str(JUDGE), *map(str, words)], env=env, stdin=subprocess.DEVNULL, check=False).returncode


def prepare() -> None:
    """What every run needs: the machine's part, and once the judge's keys and its base layer with the programs that targets need."""
    check_machine()
    ready = STATE / "prepared"
    if ready.exists():
        return
    if judge("prepare"):
        raise Unavailable("the judge's preparation failed\nhint: it wants the distribution's package mirror")
    ready.touch()


def run(strategy: str, names: Iterable[str], out: Path, *, connection: str = "local", jobs: int = 2, resume: str = "") -> dict[str, Any]:
    """{target: its result}; `resume` keeps what `out` holds already, of `all` targets or those which `passes`."""
    names = list(names)
    out.parent.mkdir(parents=True, exist_ok=True)
    words: list[str | Path] = ["--targets-dir", targets_dir(), "--strategy", strategy, "--connection", connection, "--out", out]
    words += ["--timeout", "400", "--jobs", str(jobs), "--state", STATE, "--venv", VENV]
    words += [word for name in names for word in ("--target", name)]
    if strategy != "linear":
        words += ["--collections-path", collection(), "--env", f"ANSIBLE_CALLBACK_PLUGINS={CALLBACKS}", "--keep-logs", out.with_suffix(".logs")]
    if resume and out.exists():
        words += ["--resume", resume]
    if judge("run", *words):
        raise RuntimeError("the judge failed")
    return {result["name"]: result for result in json.loads(out.read_text())["results"] if result["name"] in names}


def passes(results: Results) -> list[str]:
    return sorted(name for name, result in results.items() if result["status"] == "pass")


def by_path(results: Results) -> Counter[str]:
    """Module results by their path: `agent`, or `stock, reason`."""
    paths: Counter[str] = Counter()
    for result in results.values():
        for name, counts in result.get("plays", {}).items():
            if name.startswith("path: "):
                paths[name.removeprefix("path: ")] += counts["results"]
    return paths


def share(paths: Mapping[str, int]) -> float:
    """How much of what is eligible came through agents."""
    eligible = sum(count for path, count in paths.items() if path.removeprefix("stock, ") not in MEANT)
    return paths.get("agent", 0) / eligible if eligible else 0.0


def report(connection: str, good: Sequence[str], ours: Results) -> list[str]:
    """What people want to see; regressions are what linear passes and ours does not."""
    lost = [name for name in good if ours[name]["status"] != "pass"]
    paths = by_path(ours)
    lines = [f"{connection}: {len(good) - len(lost)} of the {len(good)} targets that linear passes"]
    lines += [f"  regression: {name} ({ours[name]['status']}, {ours[name]['seconds']} s)" for name in lost]
    lines += [f"  {share(paths):.1%} of the eligible module results came through the agent; all by path:"]
    lines += [f"  {count:6} {path}" for path, count in paths.most_common()]
    return lines
