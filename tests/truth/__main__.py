# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan against truth: which dependencies does a run meet, and which of them were in the plan?

    python -m tests.truth                       the differential playbooks
    python -m tests.truth site.yml other.yml    these, on a host of the lab
    python -m tests.truth --collections DIR --role grafana.grafana.loki    a role of a collection below DIR, in check mode
    python -m tests.truth --conformance [TARGET ...]    integration targets of ansible-core (see tests/conformance)

A playbook is planned, then run on one host with one task under way at a time, while every variable that is resolved and every file
that a process of the host touches is written down. Printed are recall (true edges that the plan has, or leads to by a path) and
precision (edges of the plan that were true), for variables and for files apart, and every edge that was missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.differential.running import PLAYBOOKS, Case, execute
from tests.lab.fleet import Fleet
from tests.lab.play import COLLECTIONS, ROOT, RUSTLE, environment
from tests.truth import conformance
from tests.truth.compare import Comparison, compare
from tests.truth.strace import accesses, wrapper

HERE = Path(__file__).resolve().parent
ENTRY = ROOT / "plugins" / "plugin_utils" / "_cli" / "entry.py"


@dataclass
class Total:
    variables: Comparison = field(default_factory=Comparison)
    files: Comparison = field(default_factory=Comparison)


def truth_of(fleet: Fleet, playbook: Path, arguments: Sequence[str], more: dict[str, str], *, strace: bool) -> Total | str:
    """The comparison for one playbook, or why there is none."""
    host = fleet.hosts[0]
    for name in ("world", "controller-files"):
        (fleet.root / name).mkdir(exist_ok=True)
    fleet.clean(homes=False)
    with tempfile.TemporaryDirectory(prefix="truth.", dir=fleet.root) as name:
        scratch = Path(name)
        trace, log = scratch / "trace", scratch / "strace"
        env = environment(fleet, RUSTLE, Path(sys.executable).parent, scratch) | more
        env |= {"ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"), "TRACER_FILE": str(trace), "RUSTLE_LOOKAHEAD": "1"}
        folders = {"world": fleet.root / "world", "journal": fleet.root / "world" / "journal", "controller": fleet.root / "controller-files"}
        extra = {key: str(path) for key, path in folders.items()}
        given = ["-i", str(fleet.inventory), "--limit", host.name, *_extra(extra)]
        plan = subprocess.run(
            [sys.executable, str(ENTRY), *given, str(playbook), "-o", "json", *_extra_only(arguments)],
            env=env, cwd=playbook.parent, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )
        if plan.returncode:
            return f"no plan: {plan.stderr.strip().splitlines()[-1] if plan.stderr.strip() else plan.returncode}"
        if strace:
            given += _extra({"ansible_python_interpreter": str(wrapper(scratch / "python", fleet.interpreter or sys.executable, log))})
        command = [str(Path(sys.executable).parent / "ansible-playbook"), *given, str(playbook), *arguments]
        execute(command, env, cwd=playbook.parent)
        lines = [json.loads(line) for line in trace.read_text().splitlines()] if trace.exists() else []
        if not lines:
            return "nothing ran"
        touched = list(accesses(log)) if strace else []
    document = json.loads(plan.stdout)
    return Total(*compare(document, lines, touched, base=playbook.parent, temporary=(str(fleet.root / "truth."), str(host.home / ".ansible"))))


def _role(folder: Path, name: str, collections: Path | None) -> Path:
    """A playbook with one role; a task that fails does not end it, so that more of the role is seen."""
    path = folder / f"{name}.yml"
    found = f"{COLLECTIONS}:{collections.resolve()}" if collections else COLLECTIONS
    play = {"hosts": "fleet", "ignore_errors": True, "roles": [name]}
    path.write_text(f"# run: --check\n# env: ANSIBLE_COLLECTIONS_PATH={found}\n{json.dumps([play])}\n")
    return path


def _extra(values: dict[str, str]) -> list[str]:
    return ["-e", json.dumps(values)]


def _extra_only(arguments: Sequence[str]) -> list[str]:
    """Of a run's arguments those that a plan takes."""
    words, taken = list(arguments), []
    while words:
        word = words.pop(0)
        if word in ("-e", "--extra-vars", "-t", "--tags", "--skip-tags", "--vault-password-file") and words:
            taken += [word, words.pop(0)]
        elif word in ("--check", "-C"):
            taken.append("--check")
    return taken


def _show(name: str, one: Total, total: Total, *, verbose: bool) -> None:
    print(f"{name:<24} variables {one.variables.line()}   files {one.files.line()}", flush=True)
    for kind, comparison in (("variable", one.variables), ("file", one.files)):
        for edge in comparison.missed:
            print(f"    missed {kind}: {edge}")
        for edge in comparison.untrue if verbose else ():
            print(f"    not met {kind}: {edge}")
    total.variables.add(one.variables)
    total.files.add(one.files)


def _playbooks(options: argparse.Namespace, total: Total) -> None:
    # over local the host's files are the controller's too
    with Fleet(2, connection="ssh") as fleet, tempfile.TemporaryDirectory(prefix="roles.") as folder:
        paths = options.playbooks or ([] if options.role else sorted(PLAYBOOKS.glob("*.yml")))
        found = [Case(path.resolve()) for path in [*paths, *(_role(Path(folder), name, options.collections) for name in options.role)]]
        for case in found:
            one: Any = truth_of(fleet, case.playbook, case.arguments, case.environ(fleet), strace=not options.no_files)
            if isinstance(one, str):
                print(f"{case.name:<24} {one}", flush=True)
            else:
                _show(case.name, one, total, verbose=options.verbose)


def _conformance(options: argparse.Namespace, total: Total) -> None:
    names = options.conformance or conformance.visible()
    if not options.again:
        conformance.run(names, connection=options.connection, strace=not options.no_files, jobs=options.jobs, timeout=options.timeout)
    for name in names:
        one = Total()
        for label, variables, files in conformance.compared(name):
            one.variables.add(variables)
            one.files.add(files)
            one.variables.missed += [f"{label}: {edge}" for edge in variables.missed]
            one.files.missed += [f"{label}: {edge}" for edge in files.missed]
        _show(name, one, total, verbose=options.verbose)
        for why in conformance.unplanned(name):
            print(f"    no plan: {why}")


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.truth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("playbooks", nargs="*", type=Path)
    parser.add_argument("--conformance", nargs="*", metavar="TARGET", help="integration targets of ansible-core; all that are visible without a name")
    parser.add_argument("--again", action="store_true", help="with --conformance: compare what the last run has left, and run nothing")
    parser.add_argument("--jobs", type=int, default=2, help="with --conformance: targets at once")
    parser.add_argument("--timeout", type=float, default=150, help="with --conformance: seconds for a target")
    parser.add_argument("--connection", choices=("ssh", "local"), default="ssh", help="with --conformance")
    parser.add_argument("--collections", type=Path, help="folder with ansible_collections, beside ours")
    parser.add_argument("--role", action="append", default=[], help="plan and run this role in check mode, whatever fails in it")
    parser.add_argument("--no-files", action="store_true", help="variables only: no strace")
    parser.add_argument("-v", "--verbose", action="store_true", help="edges that were foretold and not met, too")
    options = parser.parse_args(argv)
    total = Total()
    if options.conformance is not None:
        _conformance(options, total)
    else:
        _playbooks(options, total)
    print(f"{'all':<24} variables {total.variables.line()}   files {total.files.line()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
