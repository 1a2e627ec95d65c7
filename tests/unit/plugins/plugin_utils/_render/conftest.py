# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Small plans, put together by hand: what the views show does not depend on the planner."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.estimate import Estimate
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import (
    BinaryDeployment,
    BinarySuitabilityAnalysis,
    Bundle,
    Dependency,
    DependencyKind,
    ExecutionBatch,
    ExecutionMode,
    ExecutionPlan,
    ExecutionStrategy,
    HandlerPlan,
    ParallelGroup,
    PlanMetadata,
    PlanningOptions,
    PlayPlan,
    RiskLevel,
    TaskPlan,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import Condition, HostClass, Profile
from hypothesis import settings

# properties have no deadline: a loaded machine is no fault of theirs
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

HOSTS = tuple(f"web{n:02}" for n in range(1, 6))


def a_task(number: int, name: str = "", **kwargs: Any) -> TaskPlan:
    after = [Dependency(*one) if isinstance(one, tuple) else one for one in kwargs.pop("after", ())]
    given: dict[str, Any] = {
        "task_id": f"task_{number}", "name": name or f"task number {number}", "module": "ansible.builtin.copy", "args": {"dest": f"/etc/{number}"},
        "dependencies": tuple(after), "conditions": (), "tags": (), "notify": (), "execution_order": number, "can_run_parallel": False,
        "risk_level": RiskLevel.MEDIUM, "scope": "host", "writes": (f"file:/etc/{number}",), "reads": (),
    }  # fmt: skip
    return TaskPlan(**given | kwargs)


def a_handler(number: int, name: str, *notified_by: str, **kwargs: Any) -> HandlerPlan:
    given: dict[str, Any] = {"module": "ansible.builtin.service", "args": {"name": name}, "conditions": (), "execution_order": number}
    return HandlerPlan(handler_id=f"handler_{number}", name=name, notified_by=notified_by, **given | kwargs)


def a_bundle(batch: str, number: int, *tasks: int, ended_by: Reason = Reason.END, ended_at: str = "", detail: str = "") -> Bundle:
    names = tuple(f"task_{task}" for task in tasks)
    return Bundle(bundle_id=f"{batch}-bundle-{number}", tasks=names, hosts=HOSTS, ended_by=ended_by, ended_at=ended_at, detail=detail)


def a_play(number: int, *tasks: TaskPlan, **kwargs: Any) -> PlayPlan:
    """One batch, unless ``batches`` are given."""
    play_id = f"play-{number}"
    batch = {key: kwargs.pop(key) for key in ("bundles", "parallel_groups", "critical_path", "round_trips", "stock_round_trips") if key in kwargs}
    hosts = kwargs.setdefault("hosts", HOSTS)
    given: dict[str, Any] = {
        "play_id": play_id, "name": f"Play {number}", "strategy": ExecutionStrategy.BINARY_HYBRID, "serial": (), "handlers": (),
        "batches": (ExecutionBatch(batch_id=f"{play_id}-batch-0", hosts=hosts, tasks=tasks, **batch),) if tasks else (),
        "host_classes": (HostClass(class_id="class-0", hosts=hosts, profile=Profile(arch="x86_64", os="linux", python="3.11")),),
    }  # fmt: skip
    return PlayPlan(**given | kwargs)


def a_plan(*plays: PlayPlan, **kwargs: Any) -> ExecutionPlan:
    given: dict[str, Any] = {
        "metadata": PlanMetadata(
            created_at="2026-01-02T03:04:05Z", rustle_plan_version="0.1.0", playbook_hash="a" * 64, inventory_hash="b" * 64,
            planning_options=PlanningOptions(), playbooks=("site.yml",)),
        "plays": plays, "binary_deployments": (), "hosts": tuple(dict.fromkeys(host for play in plays for host in play.hosts)),
        "total_tasks": sum(len(play.batches[0].tasks) for play in plays if play.batches), "parallelism_score": 0.0, "network_efficiency_score": 0.0,
    }  # fmt: skip
    return ExecutionPlan(**given | kwargs)


def rich_plan() -> ExecutionPlan:
    """A bit of everything: bundles, a cut, a barrier, the stock path, a handler, sections of a block, batches, what is unknown."""
    tasks = (
        a_task(0, "folder", module="ansible.builtin.file", bundle_id="play-0-bundle-0", estimated_duration=Estimate(0.25, 0.1, 12)),
        a_task(1, "config", notify=("restart",), bundle_id="play-0-bundle-0", unknown_args=("content",),
               after=[("task_0", DependencyKind.FILE, "file:/etc/0 is written there and file:/etc/1 written here")], can_run_parallel=True,
               parallel_reason="its effects are disjoint"),
        a_task(2, "ask", module="ansible.builtin.command", bundle_id="play-0-bundle-1", scope="world", risk_level=RiskLevel.CRITICAL,
               barrier=Reason.WORLDLY, cut=Reason.WORLDLY, writes=("*", "var:r"), reads=("*",),
               after=[("task_0", DependencyKind.OPAQUE, "file:/etc/0 may be written there, anything on the host is read here"),
                      ("task_1", DependencyKind.OPAQUE, "file:/etc/1 may be written there, anything on the host is read here")]),
        a_task(3, "say", module="ansible.builtin.debug", path="controller", scope="none", cut=Reason.REGISTER, cut_detail="r", writes=(), reads=("var:r",),
               risk_level=RiskLevel.LOW, after=[("task_2", DependencyKind.VARIABLE, "r is set there and read here")],
               conditions=(Condition(kind="when", text="r is changed"),)),
        a_task(4, "long job", module="ansible.builtin.command", path="stock", path_reason=Reason.ASYNC, scope="world", barrier=Reason.WORLDLY,
               risk_level=RiskLevel.CRITICAL, writes=("*",), reads=("*",), estimated_duration=Estimate(75.0, 8.0, 3)),
        a_task(5, "clean up", section="rescue", bundle_id="play-0-bundle-2", conditions=(Condition(kind="when", text="false", decided=False),)),
    )  # fmt: skip
    bundles = (
        a_bundle("play-0", 0, 0, 1, ended_by=Reason.WORLDLY, ended_at="task_2"),
        a_bundle("play-0", 1, 2, ended_by=Reason.REGISTER, ended_at="task_3", detail="r"),
        a_bundle("play-0", 2, 5),
    )
    first = a_play(
        0, *tasks, name="Everything", bundles=bundles, round_trips=10, stock_round_trips=42, handlers=(a_handler(0, "restart", "task_1"),),
        critical_path=("task_0", "task_2", "task_3"), parallel_groups=(ParallelGroup(group_id="play-0-group-0", tasks=("task_1", "task_5")),),
    )  # fmt: skip
    second = a_play(1, hosts=("db1", "db2"), serial=("1",), name="Databases", batches=tuple(
        ExecutionBatch(batch_id=f"play-1-batch-{n}", hosts=(f"db{n + 1}",), round_trips=1, stock_round_trips=7,
                       bundles=(a_bundle("play-1", 0, 6),),
                       tasks=(a_task(6, "alone", bundle_id="play-1-bundle-0",
                                     after=[("task_4", DependencyKind.PLAY, "the play before ends for all hosts before this one begins")]),))
        for n in range(2)))  # fmt: skip
    deployment = BinaryDeployment(
        deployment_id="play-0-deployment-0", target_hosts=HOSTS, binary_name="play-0-0.pyz", tasks=("task_0", "task_1"), modules=("ansible.modules.copy",),
        execution_mode=ExecutionMode.HYBRID, requirements={"arch": "x86_64", "os": "linux", "python_version": ">=3.8"}, estimated_size=123456)  # fmt: skip
    said = [("threshold", True, "6 eligible tasks are at least the threshold of 5"), ("threshold", False, "1 eligible tasks are fewer than the threshold of 5")]
    suitability = tuple(
        BinarySuitabilityAnalysis(class_id="class-0", suitable=suitable, tasks=6, eligible=5, bound_by=bound_by, explanation=text)
        for bound_by, suitable, text in said)  # fmt: skip
    return a_plan(first, second, binary_deployments=(deployment,), suitability=suitability)


@pytest.fixture
def rich() -> ExecutionPlan:
    return rich_plan()


def long_plan(count: int, hosts: int = 20) -> ExecutionPlan:
    """Tasks that depend on the one before and on those ten and twenty before, every tenth of them behind a barrier, in bundles of nine."""
    names = tuple(f"host{n}" for n in range(1, hosts + 1))
    tasks, bundles = [], []
    for n in range(count):
        before = [n - 1, n - 10, n - 20] if n % 3 else [n - 10, n - 20]
        after = [(f"task_{b}", DependencyKind.FILE, f"file:/etc/{b} is written there and read here") for b in before if b >= 0]
        own = f"play-0-bundle-{len(bundles)}"
        cut = Reason.WORLDLY if n % 10 in (9, 0) and n else None
        more = {"barrier": Reason.WORLDLY, "module": "ansible.builtin.command"} if n % 10 == 9 else {}
        tasks.append(a_task(n, f"step {n} of a long play", hosts=names, after=after, bundle_id=own, cut=cut, **more))
        if n % 10 in (8, 9) or n == count - 1:
            bundles.append(a_bundle("play-0", len(bundles), *range(n - n % 10 if n % 10 != 9 else n, n + 1), ended_by=Reason.WORLDLY))
    return a_plan(a_play(0, *tasks, hosts=names, bundles=tuple(bundles), round_trips=len(bundles), stock_round_trips=7 * count))


def plain(text: str) -> str:
    """Without colours."""
    return re.sub(r"\x1b\[[\d;]*m", "", text)
