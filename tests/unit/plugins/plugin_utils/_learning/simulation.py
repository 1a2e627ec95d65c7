"""Runs that never were: records as a store would hold them, out of a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.rustle.engine.plugins.plugin_utils._learning.history import History
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord, ResultRecord, TaskRecord

MODULES = ("command", "copy", "template", "apt", "file", "service")


@dataclass(frozen=True)
class World:
    """What runs are drawn from. ``noise``: sigma of a duration; ``shared``: sigma of a factor that all of a run has in common."""

    tasks: int = 20
    hosts: int = 3
    noise: float = 0.05
    shared: float = 0.0
    lognormal: bool = False
    outliers: float = 0.0  # share of results that take five times as long
    changing: float = 0.0  # share of results that are changed, and then take three times as long
    forks: int = 5
    overhead: float = 0.02  # the controller's, a task
    ordering: str = "linear"
    drift: Callable[[int], float] = lambda run: 1.0  # a factor, by the number of the run


def result(execution: str = "run0", identity: str = "task0", host: str = "web1", duration: float | None = 1.0, **fields: Any) -> ResultRecord:
    usual = {"task_id": f"{execution} {identity}", "module": "ansible.builtin.command", "host_class": "ssh/linux"}
    return ResultRecord(**usual | fields, execution=execution, identity=identity, host=host, duration=duration)


def execution(number: int = 0, **fields: Any) -> ExecutionRecord:
    usual = {"execution": f"run{number}", "identity": "site/site.yml", "playbook": "site.yml", "started": 1000.0 * number, "status": "success"}
    usual |= {"ended": usual["started"] + 100.0}
    return ExecutionRecord(**usual | fields)


def task(identity: str = "task0", run: str = "run0", **fields: Any) -> TaskRecord:
    usual = {"task_id": f"{run} {identity}", "name": f"Do {identity}", "module": "ansible.builtin.command"}
    return TaskRecord(**usual | fields, execution=run, identity=identity)


def runs(*values: float, identity: str = "task0", host: str = "web1", **fields: Any) -> History:
    """One task on one host, run by run."""
    numbers = range(len(values))
    return History(
        executions=tuple(execution(at) for at in numbers),
        tasks=tuple(task(identity, f"run{at}") for at in numbers),
        results=tuple(result(f"run{at}", identity, host, value, **fields) for at, value in enumerate(values)),
    )


def joined(*histories: History) -> History:
    """Of the same runs, other things."""
    return History(
        executions=tuple({one.execution: one for history in histories for one in history.executions}.values()),
        tasks=tuple(one for history in histories for one in history.tasks),
        results=tuple(one for history in histories for one in history.results),
    )


def scaled(history: History, factor: float) -> History:
    return replace(history, results=tuple(replace(one, duration=one.duration and one.duration * factor) for one in history.results))


def simulated(seed: int, count: int, world: World) -> History:
    """``count`` runs of a playbook, each a day after the one before it."""
    draw = random.Random(seed)
    usual = [math.exp(draw.gauss(0, 0.8)) for _task in range(world.tasks)]
    found: list[tuple[ExecutionRecord, list[ResultRecord], list[TaskRecord]]] = []
    for number in range(count):
        found.append(_run(draw, number, usual, world))
    return History(
        executions=tuple(one[0] for one in found),
        results=tuple(result for one in found for result in one[1]),
        tasks=tuple(task for one in found for task in one[2]),
    )


def _run(draw: random.Random, number: int, usual: list[float], world: World) -> tuple[ExecutionRecord, list[ResultRecord], list[TaskRecord]]:
    begin = 86400.0 * number
    pace = math.exp(draw.gauss(0, world.shared)) * world.drift(number)
    hosts = [f"web{at}" for at in range(world.hosts)]
    free = dict.fromkeys(hosts, begin)
    lanes = [begin] * world.forks
    results = []
    tasks = [task(f"task{order}", f"run{number}", module=_module(order), order=order) for order in range(len(usual))]
    for order, host in _turns(hosts, len(usual), free, world.ordering):
        if world.ordering == "linear" and host == hosts[0]:
            free = dict.fromkeys(hosts, max(free.values()))
        changed = draw.random() < world.changing
        duration = _duration(draw, usual[order] * pace * (3 if changed else 1), world)
        lane = min(range(len(lanes)), key=lanes.__getitem__)
        start = max(free[host], lanes[lane])
        free[host] = lanes[lane] = start + duration + world.overhead
        times: Any = {"began": start, "ended": start + duration, "status": "changed" if changed else "ok", "path": "agent"}
        results.append(result(f"run{number}", f"task{order}", host, duration, module=_module(order), **times))
    end = max(free.values())
    return execution(number, started=begin, ended=end, hosts=world.hosts, forks=world.forks, planned_tasks=world.tasks), results, tasks


def _module(order: int) -> str:
    return f"ansible.builtin.{MODULES[order % len(MODULES)]}"


def _turns(hosts: list[str], tasks: int, free: dict[str, float], ordering: str) -> Iterator[tuple[int, str]]:
    """Task by task; or whichever host is free first, when the one before it has been given its time."""
    if ordering == "linear":
        yield from ((order, host) for order in range(tasks) for host in hosts)
        return
    done = dict.fromkeys(hosts, 0)
    while left := [host for host in hosts if done[host] < tasks]:
        host = min(left, key=free.__getitem__)
        yield done[host], host
        done[host] += 1


def _duration(draw: random.Random, seconds: float, world: World) -> float:
    factor = math.exp(draw.gauss(0, world.noise)) if world.lognormal else max(0.05, draw.gauss(1, world.noise))
    return seconds * factor * (5 if draw.random() < world.outliers else 1)
