# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scenes: a play of steps, what it wrote to the journal, and the checker.

A step stands for a real task (`action`, `args`). What runs is the module `step`, with the scope that the tables give to the real
task declared for it. So every task says when it ran, and the strategy has to put its barriers where the real tasks want them.
"""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope, TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import effects_of
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.ordering import order_matters

from tests.lab.fleet import Fleet
from tests.lab.play import RUSTLE, Contestant, environment

LIBRARY = Path(__file__).resolve().parent / "library"
TIMEOUT = 180


@dataclass(frozen=True)
class Step:
    """One task. `on` are the hosts that do not skip it (all, when empty); `keywords` are the task's own."""

    action: str
    args: Mapping[str, Any] = field(default_factory=dict)
    on: tuple[str, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    await_start_of: Mapping[str, int] = field(default_factory=dict)  # host -> number of a step that it waits for, 60 s at most

    @property
    def effects(self) -> Effects:
        return effects_of(TaskNode(action=self.action, args=self.args))

    @property
    def always(self) -> bool:
        """Whether a keyword puts a barrier here, whatever the action."""
        return any(name in self.keywords for name in ("run_once", "delegate_to", "throttle", "any_errors_fatal"))

    def task(self, number: int, journal: Path, delays: Mapping[str, float]) -> dict[str, Any]:
        effects = self.effects
        if effects.scope is Scope.NONE:
            return {"name": f"{number} {self.action}", self.action: dict(self.args), **self.keywords}
        arguments = {"journal": str(journal), "host": "{{ inventory_hostname }}", "number": number, "ms": "{{ delays[inventory_hostname] }}"}
        if self.await_start_of:
            arguments["await_start_of"] = "{{ awaited[inventory_hostname] | default(omit) }}"
        task: dict[str, Any] = {"name": f"{number} {self.action}", "step": arguments, **self.keywords}
        # the names keep apart what the tables keep apart: no two of these private effects meet on one host
        task["vars"] = {"delays": delays, "awaited": dict(self.await_start_of), "rustle_scope": effects.scope.value}
        if self.on:
            task["when"] = f"inventory_hostname in {list(self.on)}"
        return task


@dataclass(frozen=True)
class Mark:
    """One run of a step on a host: the lines of the journal where it began and ended."""

    number: int
    host: str
    start: int
    end: int


def act(
    fleet: Fleet, steps: Sequence[Step], seed: int, *, contestant: Contestant = RUSTLE, play: Mapping[str, Any] | None = None,
    more_hosts: Mapping[str, Any] | None = None,
) -> list[Mark]:
    """Run the steps with delays that follow from the seed, and read the journal."""
    fleet.clean(homes=False)
    dice = random.Random(seed)
    hosts = [*(host.name for host in fleet.hosts), *(more_hosts or {})]
    with tempfile.TemporaryDirectory(prefix="run.", dir=fleet.root) as name:
        scratch = Path(name)
        journal, playbook, inventory = scratch / "journal", scratch / "play.yml", scratch / "more.json"
        journal.touch()
        # now and then a host is much slower than the others
        delays = [{host: dice.choice((0, 2, 10, 60)) for host in hosts} for _ in steps]
        tasks = [step.task(number, journal, delay) for number, (step, delay) in enumerate(zip(steps, delays, strict=True))]
        playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, **(play or {}), "tasks": tasks}], indent=1))
        inventory.write_text(json.dumps({"all": {"hosts": dict(more_hosts or {})}}))
        env = environment(fleet, contestant, Path(sys.executable).parent, scratch) | {"ANSIBLE_LIBRARY": str(LIBRARY)}
        command = [Path(sys.executable).parent / "ansible-playbook", "-vvv", "-i", fleet.inventory, "-i", inventory, playbook]
        done = subprocess.run(
            command, env=env, cwd=scratch, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        assert done.returncode == 0, f"seed {seed}\n{playbook.read_text()}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        lines = [json.loads(line) for line in journal.read_text().splitlines()]
    fleet.wait_idle()
    return list(_marks(lines))


def _marks(lines: Sequence[Mapping[str, Any]]) -> Sequence[Mark]:
    begun: dict[tuple[int, str], int] = {}
    marks = []
    for at, line in enumerate(lines):
        key = line["number"], line["host"]
        if line["edge"] == "start":
            assert key not in begun, f"step {key[0]} was run twice on {key[1]}"
            begun[key] = at
        else:
            marks.append(Mark(*key, start=begun[key], end=at))
    assert len(marks) == len(begun), "a step began and never ended"
    return marks


def violations(
    steps: Sequence[Step], marks: Sequence[Mark], *, one_machine: frozenset[str] = frozenset(), truth: Sequence[tuple[int, int]] = ()
) -> list[str]:
    """Which two runs of steps came in another order than under linear, although somebody could notice. Empty is good.

    `truth` are pairs that a person has labelled: all of the first have ended before any of the second begins.
    """
    found = []
    for one, other in itertools.permutations(marks, 2):
        if one.number >= other.number or one.end < other.start:
            continue
        first, second = steps[one.number], steps[other.number]
        same_machine = one.host == other.host or {one.host, other.host} <= one_machine
        if (one.number, other.number) in truth:
            why = "a person says so"
        elif one.host == other.host:
            why = "tasks of one host"
        elif first.always or second.always:
            why = "a keyword asks for a barrier"
        elif order_matters(first.effects, second.effects, same_machine=same_machine):
            why = "somebody could notice"
        else:
            continue
        found.append(f"{other.number} {second.action} began on {other.host} before {one.number} {first.action} ended on {one.host}: {why}")
    return found
