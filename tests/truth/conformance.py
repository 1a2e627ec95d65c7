# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ansible-core's own integration targets as playbooks for plan against truth.

Every ansible-playbook that a target starts, from its runme.sh too, is planned and traced by the callback in its environment. The judge of
tests/conformance runs them in its sandbox; whether they pass is not asked here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.conformance.targets import JUDGE, OURS, STATE, VENV, WORK, collection, prepare, targets_dir
from tests.truth.compare import Comparison, compare
from tests.truth.strace import accesses, wrapper

HERE = Path(__file__).resolve().parent
KEPT = WORK / "truth"
#: the judge removes its results: they are links to what is kept, made under the process id that it will have
_LINKED = 'for name in $NAMES; do mkdir -p "$RUNS/$$-$name"; ln -sfn "$KEPT/$name" "$RUNS/$$-$name/res"; done; exec "$@"'


def visible() -> list[str]:
    lines = [line.split("#")[0].strip() for line in (JUDGE.parent / "visible.txt").read_text().splitlines()]
    return [name for name in lines if name]


def run(names: Sequence[str], *, connection: str, strace: bool, jobs: int, timeout: float) -> None:
    """Raises Unavailable where targets cannot be run. Traces are in a folder for each target then."""
    prepare()
    for name in names:
        shutil.rmtree(KEPT / name, ignore_errors=True)
        (KEPT / name).mkdir(parents=True)
    words: list[Any] = ["run", "--targets-dir", targets_dir(), "--strategy", OURS, "--connection", connection, "--out", KEPT / "judged.json"]
    words += ["--timeout", timeout, "--jobs", jobs, "--state", STATE, "--venv", _venv() if strace else VENV, "--collections-path", collection()]
    given = {"ANSIBLE_CALLBACK_PLUGINS": HERE / "callbacks", "TRACER_FOLDER": "/ctest/res", "RUSTLE_LOOKAHEAD": "1"}
    words += [word for item in given.items() for word in ("--env", "=".join(map(str, item)))]
    words += [word for name in names for word in ("--target", name)]
    env = os.environ | {"NAMES": " ".join(names), "RUNS": str(STATE / "runs"), "KEPT": str(KEPT)}
    command = ["sh", "-c", _LINKED, "sh", sys.executable, str(JUDGE), *map(str, words)]
    subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)


def _venv() -> Path:
    """An environment whose Python is traced where a target runs it; its programs are those of ours."""
    made = KEPT / "venv"
    shutil.rmtree(made, ignore_errors=True)
    (made / "bin").mkdir(parents=True)
    for program in (Path(VENV) / "bin").iterdir():
        (made / "bin" / program.name).symlink_to(program)
    (made / "bin" / "python").unlink()
    python = wrapper(made / "bin" / "python", f"{VENV}/bin/python", Path("/ctest/res/strace"))
    script = python.read_text()
    python.write_text(script.replace("exec ", f'[ -d /ctest/res ] || exec {VENV}/bin/python "$@"\nexec ', 1))  # the judge asks it for versions
    return made


def compared(name: str) -> Iterator[tuple[str, Comparison, Comparison]]:
    """(what was run, variables, files) for each ansible-playbook of a target that was planned and has run tasks."""
    touched = sorted(accesses(KEPT / name / "strace"), key=lambda access: access.time)
    for trace in sorted((KEPT / name).glob("trace.*")):
        lines = [json.loads(line) for line in trace.read_text().splitlines()]
        head = lines[0] if lines else {}
        label = " ".join(os.path.basename(path) for path in head.get("playbooks", ()))
        if "document" in head and len(lines) > 1:
            during = [access for access in touched if lines[1]["time"] <= access.time <= lines[-1]["time"]]
            yield label, *compare(head["document"], lines[1:], during, base=Path(head["base"]), temporary=("/root/.ansible",))


def unplanned(name: str) -> Iterator[str]:
    """Why there is no plan for an ansible-playbook of a target."""
    for trace in sorted((KEPT / name).glob("trace.*")):
        with trace.open() as lines:
            head = json.loads(next(lines, "{}"))
        if head.get("event") == "plan" and "document" not in head:  # ansible by itself runs no playbook
            yield f"{' '.join(head.get('playbooks', ()))}: {head['why']}"
