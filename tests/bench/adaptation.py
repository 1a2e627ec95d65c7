# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How long the adaptation engine takes for an event: `python -m tests.bench.adaptation [--runs 1000]`.

One engine serves all runs at once, their events mixed. Each run has 20 hosts and some trouble: one task in twenty fails and passes, a host goes away
and comes back, memory fills. Printed is the CPU time of `handle` by kind of event, and of one `tick` over all runs: what else the machine does is not
the engine's.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.config import EngineConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.engine import Engine
from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events

HOSTS = tuple(f"web{number:02}" for number in range(20))
TASKS = 10
PROMISE = 1.0  # milliseconds for a decision
MESSAGES = ("Connection refused", "HTTP Error 503: Service Unavailable", "Could not get lock /var/lib/dpkg/lock. It is held by process 7", "boom " * 200)


def run(number: int) -> Iterator[events.Event]:
    """The events of one run, without times."""
    execution = f"run{number}"
    yield events.ExecutionStarted(execution=execution, forks=10)
    yield events.PlayStarted(execution=execution, hosts=HOSTS)
    for place in range(TASKS):
        task = events.TaskRef(task_id=f"t{place}", identity=f"i{place}", name=f"Task {place}", module="ansible.builtin.command")
        for host_number, host in enumerate(HOSTS):
            ended = {"execution": execution, "task": task, "host": host, "host_class": "ssh/linux/x86_64/3.11", "path": "agent"}
            if (number + place * 7 + host_number) % 20 == 0:
                yield events.TaskFailed(**ended, final=False, idempotent=True, message=MESSAGES[(number + place) % len(MESSAGES)])
                yield events.TaskCompleted(**ended, duration=0.5, attempt=2)
            else:
                yield events.TaskCompleted(**ended, duration=0.5 + host_number / 100)
            yield events.BundleFinished(execution=execution, host=host, done=1)
        yield events.ResourceConstraint(execution=execution, resource="memory", used=0.5 + place * 0.05, limit=1.0)
    yield events.HostUnavailable(execution=execution, host=HOSTS[number % len(HOSTS)])
    yield events.HostRecovered(execution=execution, host=HOSTS[number % len(HOSTS)], seconds=12)


def measure(runs: int) -> tuple[dict[str, list[float]], float, int]:
    """Milliseconds of each `handle` by kind of event, of one `tick`, and how many instructions there were."""
    engine = Engine(EngineConfig())
    streams = [run(number) for number in range(runs)]
    times: dict[str, list[float]] = defaultdict(list)
    told, now, sequence = 0, 0.0, 0
    while streams:
        left = []
        sequence += 1
        for stream in streams:
            event = next(stream, None)
            if event is None:
                continue
            left.append(stream)
            now += 0.001
            object.__setattr__(event, "sequence", sequence)
            begin = time.thread_time()
            instructions = engine.handle(event, now)
            times[event.kind].append((time.thread_time() - begin) * 1000)
            told += len(instructions)
        streams = left
        engine.news()
    begin = time.thread_time()
    engine.tick(now + 1)
    return times, (time.thread_time() - begin) * 1000, told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    given = parser.parse_args()
    times, tick, told = measure(given.runs)
    everything = sorted(one for some in times.values() for one in some)
    print(f"{given.runs} runs at once, {len(everything)} events, {told} instructions; milliseconds for an event:")
    print(f"  {'event':22}{'number':>9}{'median':>9}{'99 %':>9}{'99.9 %':>9}{'most':>9}")
    for kind, some in (*sorted(times.items()), ("all", everything)):
        some = sorted(some)
        cuts = [some[int(len(some) * share)] for share in (0.5, 0.99, 0.999)]
        print(f"  {kind:22}{len(some):9}" + "".join(f"{cut:9.3f}" for cut in (*cuts, some[-1])))
    print(f"a look at all runs (tick): {tick:.1f} ms, {tick / given.runs:.4f} ms a run")
    late = sum(one > PROMISE for one in everything) / len(everything)
    print(f"mean {statistics.fmean(everything):.4f} ms; {late:.4%} of the events took longer than the {PROMISE:g} ms that are promised")


if __name__ == "__main__":
    main()
