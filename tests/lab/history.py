# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records of runs that never were, by a seed: what commands and pages are tried with.

A run of a playbook of three plays; every seventh task is slow, the hosts differ a little in speed, and what goes wrong is said by ``faults``.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import (
    AdaptationRecord,
    BundleRecord,
    ExecutionRecord,
    PlanRecord,
    PlayRecord,
    RecommendationRecord,
    Record,
    ReportRecord,
    ResultRecord,
    TaskRecord,
)

BEGIN = 1_790_000_000.0  # Mon, 21 Sep 2026 14:13:20 UTC
MODULES = ("copy", "template", "file", "apt", "command", "service", "lineinfile", "user", "uri")
VERBS = ("install", "configure", "check", "write", "restart", "enable", "fetch", "clean up")
THINGS = ("nginx", "the firewall", "users", "certificates", "log rotation", "the database", "backups", "kernel settings", "monitoring")


@dataclass
class Made:
    """Records of one run. ``records``: all of them, in an order in which a store can take them."""

    execution: ExecutionRecord
    plan: PlanRecord | None = None
    plays: list[PlayRecord] = field(default_factory=list)
    tasks: list[TaskRecord] = field(default_factory=list)
    results: list[ResultRecord] = field(default_factory=list)
    bundles: list[BundleRecord] = field(default_factory=list)
    adaptations: list[AdaptationRecord] = field(default_factory=list)
    recommendations: list[RecommendationRecord] = field(default_factory=list)
    report: ReportRecord | None = None

    @property
    def records(self) -> list[Record]:
        alone = [record for record in (self.plan, self.report) if record is not None]
        return [self.execution, *alone, *self.plays, *self.tasks, *self.results, *self.bundles, *self.adaptations, *self.recommendations]


def run_id(number: int) -> str:
    return f"{random.Random(f'run {number}').getrandbits(128):032x}"


def a_run(
    number: int = 0, *, tasks: int = 12, hosts: int | Sequence[str] = 3, faults: bool = True, slower: float = 1.0, playbook: str = "site.yml",
    plays: bool = True, **fields: Any,
) -> Made:
    """The run ``number``, which began that many days after BEGIN. ``plays`` False: as histories had it before they kept plays.

    ``slower``: a factor on what the last third of its tasks takes.
    """
    dice = random.Random(f"{playbook} {number}")
    execution, began = fields.pop("execution", run_id(number)), fields.pop("started", BEGIN + 86400 * number)
    names = [f"web{host:02}" for host in range(1, hosts + 1)] if isinstance(hosts, int) else list(hosts)
    made = Made(ExecutionRecord(execution=execution))
    speeds = {host: 1 + 0.1 * (place % 4) + (1.5 if place == 1 else 0) for place, host in enumerate(names)}
    clocks = dict.fromkeys(names, began + 1)
    skew = {host: 3600.0 if place == 2 else 0.0 for place, host in enumerate(names)}  # a target whose clock is an hour ahead
    ended = began
    if plays:
        identities = tuple(f"{playbook}:{order}" for order in range(tasks))
        made.plays = [PlayRecord(
            execution=execution, number=1, play="Web servers", play_id=f"{execution[:8]}-play", strategy="rustle.engine.rustle_binary_hybrid",
            hosts=tuple(names), tasks=tasks, identities=identities, started=began)]  # fmt: skip
    for order in range(tasks):
        module = MODULES[order * 5 % len(MODULES)]
        play = f"{('Base', 'Application', 'Checks')[order * 3 // tasks]}"
        task = TaskRecord(
            execution=execution, task_id=f"{execution[:8]}-{order:04}", identity=f"{playbook}:{order}", name=f"{VERBS[order % 8]} {THINGS[order * 2 % 9]}",
            module=f"ansible.builtin.{module}", path=f"/srv/{playbook}:{10 + 4 * order}", play=play, role="web" if order % 3 else "", order=order,
            started=max(clocks.values()) if order % 5 == 0 else min(clocks.values()),
        )  # fmt: skip
        made.tasks.append(task)
        usual = (0.05 + 0.4 * (order * 7 % 5)) * (12 if order % 7 == 3 else 1) * (slower if order * 3 >= tasks * 2 else 1)
        if order % 5 == 0:  # all wait here
            clocks = dict.fromkeys(names, max(clocks.values()))
        for place, host in enumerate(names):
            seconds = usual * speeds[host] * dice.uniform(0.9, 1.2)
            stock, skipped = order % 11 == 6, (order + place) % 9 == 4
            fails = faults and order == tasks - 2 and place == 0
            retried = faults and order == 2 and place == 1
            begin = clocks[host] + 0.02
            common: dict[str, Any] = {
                "execution": execution, "task_id": task.task_id, "identity": task.identity, "module": task.module, "host": host,
                "host_class": "ssh/linux/x86_64/3.11", "path": "stock" if stock else "agent", "path_reason": "async" if stock else "",
            }  # fmt: skip
            if skipped and not fails:
                made.results.append(ResultRecord(**common | {"path": "controller", "path_reason": ""}, status="skipped", began=begin, ended=begin, calls=0))
                continue
            if retried:
                made.results.append(a_result(common, begin, seconds, skew[host], status="failed", final=False, message="Could not get lock /var/lib/dpkg/lock",
                                             error_class="package-lock"))  # fmt: skip
                begin += seconds + 2
            status = "failed" if fails else "changed" if order % 4 == 1 else "ok"
            told = {"message": "Timeout when waiting for 10.0.0.7:8080", "error_class": "timeout"} if fails else {}
            made.results.append(a_result(common, begin, seconds, skew[host], status=status, attempt=2 if retried else 1, **told))
            clocks[host] = begin + seconds
            ended = max(ended, clocks[host])
            if order % 4 == 0:
                made.bundles.append(BundleRecord(
                    execution=execution, bundle=len(made.bundles) + 1, host=host, host_class="ssh/linux/x86_64/3.11", sent=begin, tasks=4, bytes_up=4200,
                    seconds=seconds, done=4,
                    cut=("register", "worldly", "end")[order // 4 % 3], cut_detail="answer" if order // 4 % 3 == 0 else ""))  # fmt: skip
    counts = {status: sum(one.status == status and one.final for one in made.results) for status in ("ok", "changed", "failed", "skipped")}
    made.execution = ExecutionRecord(**{
        "execution": execution, "playbook": f"/srv/{playbook}", "identity": playbook, "inventory": "inventory.ini",
        "strategy": "rustle.engine.rustle_binary_hybrid",
        "forks": 10, "user": "deploy", "controller": "control1", "pid": 4711, "core_version": "2.19.14", "engine_version": "0.1.0", "started": began,
        "ended": ended + 0.4, "seen": ended + 0.4, "status": "failed" if counts["failed"] else "success", "hosts": len(names), "plays": 1,
        "planned_tasks": tasks * len(names),
        **counts | {"ok": counts["ok"] + counts["changed"]}, "round_trips": 40 + tasks // 3, "bundles": len(made.bundles),
    } | fields)  # fmt: skip
    made.plan = PlanRecord(execution=execution, plan_hash="3f" * 32, tasks=tasks, estimated_duration=(ended - began) * 0.9,
                           estimated_spread=(ended - began) * 0.2,
                           differences='[{"task": "check users", "planned": "agent", "actual": "stock", "why": "async"}]')  # fmt: skip
    made.report = ReportRecord(execution=execution, lines=("check the database is 40 % slower than usual on web02",), time=ended)
    made.recommendations = recommendations(execution, ended)
    if faults:
        made.adaptations = adaptations(execution, names, made.tasks, began)
    return made


def a_result(common: dict[str, Any], begin: float, seconds: float, skew: float, **fields: Any) -> ResultRecord:
    measured = {} if common["path"] == "stock" else {
        "start": begin + skew, "end": begin + seconds + skew, "cpu": seconds / 3, "maxrss": 24_000, "block_in": 8, "block_out": 16, "bytes_up": 900,
        "bytes_down": 400, "queued": 0.01, "calls": 1,
    }  # fmt: skip
    return ResultRecord(**common, began=begin, ended=begin + seconds + 0.01, duration=seconds, **measured, **fields)


def recommendations(execution: str, time: float) -> list[RecommendationRecord]:
    return [
        RecommendationRecord(
            execution=execution, code="gather-subset", subject="site.yml:0", severity="info", title="Gather fewer facts", gain=4.2, time=time,
            evidence="setup takes 2.1 s a host in 10 runs; the play reads ansible_distribution only", change="gather_subset: [min]"),
        RecommendationRecord(
            execution=execution, code="host-key-checking", subject="host_key_checking", severity="critical", title="Turn host key checking on", time=time,
            evidence="it was off in all of 10 runs", change="[defaults]\nhost_key_checking = True"),
    ]  # fmt: skip


def adaptations(execution: str, names: Sequence[str], tasks: Sequence[TaskRecord], began: float) -> list[AdaptationRecord]:
    return [
        AdaptationRecord(
            execution=execution, adaptation=f"{execution[:6]}-1", policy="retry", what="retry", target=names[1 % len(names)], level="minor_adjustment",
            task=tasks[2 % len(tasks)].identity, error_class="package-lock", host_class="ssh/linux/x86_64/3.11",
            rationale="another package manager holds the lock, which is transient", impact="about 2 s", confidence=0.9, trials=10, requested=began + 2,
            ended=began + 5, state="applied", succeeded=True, detail="the second try went well"),
        AdaptationRecord(
            execution=execution, adaptation=f"{execution[:6]}-2", policy="scale", what="resource_scaling", target="*", level="minor_adjustment",
            rationale="4 connects failed in 10 s", impact="5 hosts at once instead of 10", requested=began + 4, ended=began + 9,
            state="applied", succeeded=None),
        AdaptationRecord(
            execution=execution, adaptation=f"{execution[:6]}-3", policy="reallocate", what="host_reallocation", target=names[0], level="major_replanning",
            rationale="the play does not say that hosts are interchangeable", requested=began + 6, ended=began + 6, state="rejected", reason="not-allowed"),
    ]  # fmt: skip


def runs(count: int = 8, **fields: Any) -> list[Made]:
    """One after another; the last one is slower than those before, every third had no fault."""
    return [a_run(number, faults=number % 3 == 1, slower=1.8 if number == count - 1 else 1.0, **fields) for number in range(count)]
