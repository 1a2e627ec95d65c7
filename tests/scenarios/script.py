# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Playbooks of events (events/*.yml): what happens when, and which instructions are expected for it. Time is virtual.

    what: what it is about
    config: fields of EngineConfig; kinds: those that are allowed besides the safe ones
    steps:
      - at: 12                                       # seconds; goes on from the step before
        event: {kind: host_unavailable, host: web1}  # `task: NAME` is a task of that name, `sequence` counts by itself
        expect: [{kind: wait, target: web1, changes: {until: 312}}]
      - at: 20
        applied: 1                                   # the first instruction of this script; `succeeded` may be given, and `rejected: 1`
      - at: 40
        tick: true

What an entry of `expect` does not name is not compared. `decided` lists at the end what was told, as `what policy: how it ended`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.config import SAFE_KINDS, EngineConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.engine import Engine
from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Instruction

SCRIPTS = sorted((Path(__file__).parent / "events").glob("*.yml"))
RUN = "script"

_CLASSES = {one.kind: one for one in vars(events).values() if isinstance(one, type) and issubclass(one, events.Event) and one.kind}


def play(path: Path) -> list[str]:
    """Where the engine did something else than expected, one line each."""
    script = yaml.safe_load(path.read_text())
    config = script.get("config", {})
    if "kinds" in config:
        config["allowed"] = SAFE_KINDS | {AdaptationKind(kind) for kind in config.pop("kinds")}
    engine = Engine(EngineConfig(**config))
    now, sequence = 0.0, 0
    told: list[Instruction] = []
    problems: list[str] = []
    for number, step in enumerate(script["steps"], 1):
        now = step.get("at", now)
        if "event" in step:
            sequence += 1
            answer = engine.handle(_event({"sequence": sequence} | step["event"], now), now)
            sequence = max(sequence, step["event"].get("sequence", 0))
        elif "applied" in step:
            answer = engine.applied(told[step["applied"] - 1].adaptation, step.get("succeeded"), now)
        elif "rejected" in step:
            answer = engine.rejected(told[step["rejected"] - 1].adaptation, "not-possible", now)
        else:
            answer = engine.tick(now)
        told += answer
        problems += [f"step {number} at {now}: {problem}" for problem in _differences(step.get("expect", []), answer)]
    decided = [_shown(one) for one in engine.news() if not isinstance(one, events.AdaptationRequested)]
    if decided != script.get("decided", []):
        problems.append(f"decided: expected {script.get('decided', [])}, found {decided}")
    return problems


def _event(fields: dict[str, Any], now: float) -> events.Event:
    given = dict(fields)
    cls = _CLASSES[given.pop("kind")]
    if "task" in given:
        name = given["task"]
        module = given.pop("module", "ansible.builtin.command")
        given["task"] = events.TaskRef(task_id=name, identity=name, name=name, module=module, traits=tuple(given.pop("traits", ())))
    if cls is events.TaskFailed:
        given = {"final": False, "idempotent": True} | given
    return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}, execution=RUN, monotonic=now)


def _differences(expected: list[dict[str, Any]], found: tuple[Instruction, ...]) -> list[str]:
    shown = [f"{one.policy}: {one.decision.kind} {one.decision.target} {dict(one.decision.changes)}" for one in found]
    if len(expected) != len(found):
        return [f"expected {expected}, found {shown}"]
    return [f"expected {wanted}, found {text}" for wanted, one, text in zip(expected, found, shown, strict=True) if not _matches(wanted, one)]


def _matches(wanted: dict[str, Any], found: Instruction) -> bool:
    decision = found.decision
    flat = {"kind": decision.kind, "target": decision.target, "policy": found.policy, "undo": found.undo, "advised": found.advised, "level": decision.level}
    changes = wanted.get("changes", {})
    within = wanted.get("within", {})
    return (
        all(flat[key] == value for key, value in wanted.items() if key not in ("changes", "within"))
        and all(_plain(decision.changes.get(key)) == value for key, value in changes.items())
        and all(low <= decision.changes[key] <= high for key, (low, high) in within.items())
    )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _shown(one: events.AdaptationEvent) -> str:
    how = one.reason if isinstance(one, events.AdaptationRejected) else {True: "helped", False: "did not help", None: "begun"}[one.succeeded]  # type: ignore[attr-defined]
    return f"{one.what} {one.target}: {how}"
