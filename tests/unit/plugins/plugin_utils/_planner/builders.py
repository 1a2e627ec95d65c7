# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tasks and plays as the planner takes them, put together by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import (
    ExecutionPlan,
    ExecutionStrategy,
    PlanMetadata,
    PlanningOptions,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass, PlaySource, SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import DeclaredEffects, TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.dependencies import Dependencies, Finder
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.graph import TaskGraph
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.planner import make_plan
from hypothesis import strategies as st

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


# --- plays at random

NAMES = ("r0", "r1", "r2", "ansible_distribution")
ACTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("debug", {}),
    ("set_fact", {"r1": 1}),
    ("assert", {}),
    ("setup", {}),
    ("package_facts", {}),
    ("stat", {"path": "/a/b"}),
    ("command", {"_raw_params": "id"}),
    ("shell", {"_raw_params": "x"}),
    ("acme.x.y", {}),
    ("copy", {"content": "x", "dest": "/a/b"}),
    ("copy", {"content": "x", "dest": "/a/c"}),
    ("copy", {"content": "x", "dest": "{{ r0 }}"}),
    ("file", {"path": "/a", "state": "directory"}),
    ("file", {"path": "/d/e", "state": "directory", "owner": "app"}),
    ("file", {"src": "/a", "dest": "/l", "state": "link"}),
    ("copy", {"content": "x", "dest": "/l/b"}),
    ("user", {"name": "app", "home": "/h"}),
    ("lineinfile", {"path": "/etc/passwd", "line": "x"}),
    ("service", {"name": "s"}),
    ("template", {"src": "x", "dest": "/etc/t"}),
    ("fetch", {"src": "/a/b", "dest": "/f"}),
    ("meta", {"_raw_params": "end_host"}),
    ("meta", {"_raw_params": "clear_facts"}),
    ("include_tasks", {"file": "x"}),
    ("group_by", {"key": "x"}),
    ("pause", {}),
)
CUTS = (None, None, None, None, Reason.CLOCK, Reason.LOOKUP_CUT)
ENDS = (None, None, None, None, Reason.UNTIL, Reason.JUDGE_CHANGED_WHEN)
STOCKS = (None, None, None, None, None, Reason.ASYNC, Reason.RAW)


@st.composite
def tasks_at_random(draw: st.DrawFn, task_id: str, *, of_handler: bool = False, among: tuple[str, ...] = ()) -> SourceTask:
    """``among``: the actions to choose from, all of them without."""
    choice = [one for one in ACTIONS if (one[0] in among if among else not of_handler or one[0] not in ("meta", "include_tasks"))]
    action, args = draw(st.sampled_from(choice))
    names = st.lists(st.sampled_from(NAMES), max_size=2, unique=True)
    given: dict[str, Any] = {
        "reads": draw(names), "sets": tuple(name for name in draw(names) if not name.startswith("ansible_")),
        "sets_facts": action.endswith(("setup", "_facts")), "become": draw(st.sampled_from(["", "", "sudo:root", "sudo:app"])),
        "notify": tuple(draw(st.lists(st.sampled_from(["h0", "h1", "{{ x }}"]), max_size=1))),
        "cut": Reason.INCLUDE if action == "include_tasks" else draw(st.sampled_from(CUTS)), "ends": draw(st.sampled_from(ENDS)),
        "reads_any": draw(st.sampled_from([False] * 9 + [True])), "run_once": draw(st.sampled_from([False] * 9 + [True])),
        "delegate_to": draw(st.sampled_from([None] * 9 + ["localhost"])),
        "blocks": draw(st.sampled_from([(), (), (("b", "block"),)])) if not of_handler else (),
    }  # fmt: skip
    if action not in CONTROLLER:
        given["stock"] = draw(st.sampled_from(STOCKS))
    return task(task_id, action, args, **given)


@st.composite
def plays_at_random(draw: st.DrawFn, play_id: str = "play-0", *, most: int = 25, among: tuple[str, ...] = ()) -> PlaySource:
    tasks: list[SourceTask] = []
    for number in range(draw(st.integers(0, most))):
        task_id = f"{play_id}-{number}"
        if draw(st.sampled_from([False] * 7 + [True])):
            tasks.append(flush(task_id, where=draw(st.sampled_from(["", "site.yml:1"]))))
        else:
            tasks.append(draw(tasks_at_random(task_id, among=among)))
    handlers = tuple(dataclasses.replace(draw(tasks_at_random(f"{play_id}-h{n}", of_handler=True)), name=f"h{n}") for n in range(draw(st.integers(0, 2))))
    hosts = tuple(f"h{number}" for number in range(draw(st.integers(0, 6))))
    split = draw(st.integers(0, len(hosts)))
    stock = draw(st.sampled_from([None, None, Reason.CONNECTION]))
    halves = ((hosts[:split], None), (hosts[split:], stock))
    classes = tuple(HostClass(class_id=f"c{n}", hosts=half, stock=why) for n, (half, why) in enumerate(halves) if half)
    return play(*tasks, hosts=hosts, play_id=play_id, classes=classes, handlers=handlers, batch=draw(st.integers(0, 3)))


def options_at_random() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({
        "strategy": st.sampled_from([ExecutionStrategy.BINARY_HYBRID, ExecutionStrategy.BINARY_HYBRID, ExecutionStrategy.LINEAR, ExecutionStrategy.FREE]),
        "ordering": st.sampled_from(["causal", "causal", "linear", "host"]), "lookahead": st.sampled_from([1, 2, 200]),
        "latency": st.sampled_from([None, 0.0, 1.0]),
        "optimization_level": st.sampled_from([0, 1]), "forks": st.sampled_from([1, 5]), "force_ssh": st.sampled_from([False, False, True]),
    })  # fmt: skip
