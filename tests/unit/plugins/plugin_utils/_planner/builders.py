# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tasks and plays as the planner takes them, put together by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan, PlanMetadata, PlanningOptions
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass, PlaySource, SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import DeclaredEffects, TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.dependencies import Dependencies, Finder
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.graph import TaskGraph
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.planner import make_plan

CONTROLLER = frozenset({"assert", "debug", "fail", "include_tasks", "include_vars", "meta", "pause", "set_fact", "add_host", "group_by"})
NODE = frozenset(TaskNode.__dataclass_fields__)
OPTIONS = frozenset(PlanningOptions.__dataclass_fields__)
METADATA = {"created_at": "2026-01-02T03:04:05Z", "rustle_plan_version": "0.1.0", "playbook_hash": "a" * 64, "inventory_hash": "b" * 64}


def task(task_id: str, action: str = "debug", args: dict[str, Any] | None = None, **given: Any) -> SourceTask:
    """``writes`` and ``reads_of_host``: effects as if declared (``rustle_effects``); ``reads``: names of variables, or a mapping to their ways."""
    of_node = {name: given.pop(name) for name in list(given) if name in NODE and name not in ("name", "args")}
    if "writes" in given or "reads_of_host" in given:
        of_node["declared_effects"] = DeclaredEffects(tuple(given.pop("writes", ())), tuple(given.pop("reads_of_host", ())))
    reads = given.pop("reads", {})
    if not isinstance(reads, dict):
        reads = dict.fromkeys(reads, "")
    given.setdefault("on_target", action not in CONTROLLER)
    given.setdefault("name", task_id)
    given.setdefault("where", "site.yml:1")
    return SourceTask(task_id=task_id, module=action, node=TaskNode(action=action, args=args or {}, **of_node), args=args or {}, reads=reads, **given)


def touching(task_id: str, writes: Iterable[str] = (), looks_at: Iterable[str] = (), **given: Any) -> SourceTask:
    """A private task that touches just this on its host; ``reads`` are variables as ever."""
    return task(task_id, "stat", writes=tuple(writes), reads_of_host=tuple(looks_at), **given)


def flush(task_id: str = "flush", **given: Any) -> SourceTask:
    return task(task_id, "meta", {"_raw_params": "flush_handlers"}, flush=True, **given)


def play(*tasks: SourceTask, hosts: int | Sequence[str] = 1, batch: int = 0, **given: Any) -> PlaySource:
    """``batch``: hosts in each batch of serial, 0 for all of them in one."""
    names = tuple(f"h{number}" for number in range(hosts)) if isinstance(hosts, int) else tuple(hosts)
    given.setdefault("play_id", "play-0")
    given.setdefault("name", given["play_id"])
    given.setdefault("classes", (HostClass(class_id="class-0", hosts=names),))
    size = batch or len(names) or 1
    given.setdefault("batches", tuple(names[start:start + size] for start in range(0, len(names), size)))
    return PlaySource(hosts=names, tasks=tasks, **given)


def found(*tasks: SourceTask, limit: int = 50, **given: Any) -> Dependencies:
    return Finder(limit=limit).find(play(*tasks, **given))


def edges(*tasks: SourceTask, **given: Any) -> dict[str, list[tuple[str, str, str]]]:
    """task -> what comes before it as (task, kind, evidence)."""
    return {task_id: [(one.task_id, one.kind.value, one.reason) for one in before] for task_id, before in found(*tasks, **given).edges.items()}


def graph(*tasks: SourceTask, **given: Any) -> TaskGraph:
    return TaskGraph([one.task_id for one in tasks], found(*tasks, **given).order)


def plan(*plays: PlaySource, **options: Any) -> ExecutionPlan:
    """Options of planning, and all else that make_plan takes."""
    chosen = PlanningOptions(**{name: options.pop(name) for name in list(options) if name in OPTIONS})
    return make_plan(plays, options=chosen, metadata=PlanMetadata(**METADATA, planning_options=chosen), **options)
