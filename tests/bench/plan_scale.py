# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What planning costs, from tasks and hosts to a valid plan: CPU seconds, memory, edges. No host and no playbook is needed.

    python -m tests.bench.plan_scale                        the table: 100 to 10,000 tasks, 1,000 hosts, every mix
    python -m tests.bench.plan_scale --tasks 1000 --mix files --profile
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import random
import resource
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan, PlanMetadata, PlanningOptions
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass, PlaySource, SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.planner import make_plan

CONTROLLER = frozenset({"debug", "set_fact", "assert", "meta"})
CLASSES = 10


def _task(number: int, action: str, args: dict[str, Any], **given: Any) -> SourceTask:
    return SourceTask(
        task_id=f"task_{number}", name=f"task number {number}", module=action, node=TaskNode(action=action, args=args), args=args,
        on_target=action not in CONTROLLER, where=f"site.yml:{number}", modules=(f"ansible.builtin.{action}",), **given)


def _files(number: int, pick: random.Random) -> SourceTask:
    folder = f"/srv/app{number // 20}"
    kinds = [
        ("file", {"path": f"{folder}/d{number}", "state": "directory"}), ("copy", {"content": "x", "dest": f"{folder}/f{number}"}),
        ("template", {"src": "a.j2", "dest": f"/etc/app{number}.conf", "owner": "app"}), ("lineinfile", {"path": f"/etc/l{number % 50}", "line": "x"}),
        ("stat", {"path": f"{folder}/f{number - 1}"}), ("file", {"path": folder, "state": "directory"}),
    ]  # fmt: skip
    return _task(number, *pick.choice(kinds), notify=("restart",) if number % 7 == 0 else ())


def _registers(number: int, pick: random.Random) -> SourceTask:
    if number % 3 == 0:
        return _task(number, "command", {"_raw_params": "cat /etc/os-release"}, sets=(f"r{number}",))
    if number % 3 == 1:
        return _task(number, "debug", {"msg": "x"}, reads={f"r{number - 1}": "", "ansible_distribution": ""})
    return _task(number, "copy", {"content": "{{ x }}", "dest": f"/etc/c{number}"}, reads={f"r{max(0, number - 3 * pick.randrange(1, 20)) // 3 * 3}": "x"})


def _packages(number: int, pick: random.Random) -> SourceTask:
    name = f"p{number % 100}"
    kinds = [("package", {"name": name}), ("service", {"name": name, "state": "started"}), ("template", {"src": "a", "dest": f"/etc/{name}/{number}.conf"}),
             ("user", {"name": name, "home": f"/srv/{name}"}), ("file", {"path": f"/var/{number}", "owner": name, "state": "directory"})]  # fmt: skip
    return _task(number, *pick.choice(kinds), notify=(f"restart {number % 10}",), become="sudo:root")


def _unknown(number: int, pick: random.Random) -> SourceTask:
    kinds = [("acme.tools.thing", {"x": number}), ("shell", {"_raw_params": "x"}), ("command", {"_raw_params": "id"}),
             ("copy", {"content": "x", "dest": "{{ somewhere }}"}), ("copy", {"content": "x", "dest": f"/etc/{number}"})]  # fmt: skip
    return _task(number, *pick.choice(kinds), reads_any=number % 50 == 0)


def _readers(number: int, pick: random.Random) -> SourceTask:
    """The worst for an index: tasks that look at everything, among tasks that write different things."""
    return _task(number, "command", {"_raw_params": "df"}) if number % 2 else _task(number, "copy", {"content": "x", "dest": f"/etc/{number}"})


def _mixed(number: int, pick: random.Random) -> SourceTask:
    return pick.choices([_files, _registers, _packages, _unknown, _readers], [10, 4, 4, 1, 1])[0](number, pick)


MIXES: dict[str, Callable[[int, random.Random], SourceTask]] = {
    "mixed": _mixed, "files": _files, "registers": _registers, "packages": _packages, "unknown": _unknown, "readers": _readers}  # fmt: skip


def play_of(tasks: int, hosts: int, mix: str, *, batch: int = 0) -> PlaySource:
    """One play; ``batch``: hosts of each batch of serial, 0 for one batch. Equal arguments make equal plays."""
    pick = random.Random(7)
    names = tuple(f"host{number:05}" for number in range(hosts))
    size = max(1, hosts // CLASSES)
    classes = tuple(HostClass(class_id=f"class-{start // size}", hosts=names[start:start + size]) for start in range(0, hosts, size))
    flush = SourceTask(
        task_id="flush_0", name="", module="meta", node=TaskNode(action="meta", args={"_raw_params": "flush_handlers"}), flush=True, on_target=False)
    handlers = tuple(
        SourceTask(task_id=f"handler_{number}", name="restart" if not number else f"restart {number}", module="service",
                   node=TaskNode(action="service", args={"name": f"p{number}"})) for number in range(10))  # fmt: skip
    return PlaySource(
        play_id="play-0", name="play", hosts=names, classes=classes, tasks=(*(MIXES[mix](number, pick) for number in range(tasks)), flush), handlers=handlers,
        batches=tuple(names[start:start + (batch or hosts)] for start in range(0, hosts, batch or hosts)), serial=(str(batch),) if batch else ())


def plan_of(play: PlaySource) -> ExecutionPlan:
    options = PlanningOptions(forks=50)
    metadata = PlanMetadata(
        created_at="2026-01-02T03:04:05Z", rustle_plan_version="0", playbook_hash="0", inventory_hash="0", planning_options=options)
    return make_plan([play], options=options, metadata=metadata)


def edges_of(plan: ExecutionPlan) -> int:
    return sum(len(task.dependencies) for task in plan.plays[0].batches[0].tasks)


def _measure(tasks: int, hosts: int, mix: str, batch: int) -> None:
    play = play_of(tasks, hosts, mix, batch=batch)
    gc.collect()
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    plan = plan_of(play)
    seconds, after = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    edges, batches = edges_of(plan), len(plan.plays[0].batches)
    del plan
    tracemalloc.start()
    again = plan_of(play)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del again
    print(f"{mix:10} {tasks:6} tasks {hosts:6} hosts {batches:5} batches  {seconds:6.2f} s  {1e6 * seconds / tasks / batches:6.0f} us a task and batch"
          f"  plan {held / 2**20:6.1f} MiB, peak {peak / 2**20:6.1f} MiB, RSS +{(after - before) / 1024:5.1f} MiB  {edges:7} edges", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=0, help="hosts of a batch of serial")
    parser.add_argument("--mix", choices=MIXES)
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    plan_of(play_of(10, 10, "mixed"))  # imports and tables
    if chosen.profile:
        play = play_of(chosen.tasks or 1000, chosen.hosts, chosen.mix or "mixed", batch=chosen.batch)
        profiler = cProfile.Profile()
        profiler.runcall(plan_of, play)
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
        return
    for mix in [chosen.mix] if chosen.mix else MIXES:
        for tasks in [chosen.tasks] if chosen.tasks else [100, 1000, 10000]:
            _measure(tasks, chosen.hosts, mix, chosen.batch)


if __name__ == "__main__":
    main()
