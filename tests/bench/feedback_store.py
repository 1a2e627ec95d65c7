# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What recording costs: CPU seconds of a run for the start and for each event, and what one store takes in. No host is needed.

    python -m tests.bench.feedback_store
    python -m tests.bench.feedback_store --hosts 100 --tasks 400 --runs 1000
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator

from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, Measures, TaskRef
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore
from ansible_collections.rustle.engine.plugins.plugin_utils._store.writer import Writer, sqlite_at
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.ledger import Ledger

START = """
import sys, time
import ansible.cli.playbook
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import ExecutionStarted
begin = time.process_time()
from ansible_collections.rustle.engine.plugins.plugin_utils._store.writer import Writer, sqlite_at
writer = Writer(sqlite_at(sys.argv[1]), warn=print, every=0.0)
writer.take(ExecutionStarted(execution=sys.argv[2], sequence=1, time=time.time()))
writer.close(timeout=60)
print(time.process_time() - begin)
"""


def run_of(hosts: int, tasks: int, execution: str) -> Iterator[Event]:
    """The events of a run under our strategy: a start and an end for each task and host, and a bundle for each ten."""
    clock, numbers = itertools.count(1_700_000_000), itertools.count(1)
    names = [f"host{number:04}.example.org" for number in range(hosts)]

    def told(kind: type[Event], **given: object) -> Event:
        return kind(execution=execution, sequence=next(numbers), time=float(next(clock)), **given)  # type: ignore[arg-type]

    yield told(events.ExecutionStarted, playbook="site.yml", identity="x/site.yml", pid=os.getpid(), controller="here")
    yield told(events.PlayStarted, play="all", strategy="rustle_binary_hybrid", hosts=tuple(names), tasks=tasks)
    for number in range(tasks):
        task = TaskRef(
            task_id=f"{execution[:8]}-0000-0000-0000-{number:012}", identity=f"{number:016x}", name=f"task number {number}", module="ansible.builtin.copy",
            path=f"/srv/site.yml:{number}", play="all", order=number)  # fmt: skip
        for at, host in enumerate(names):
            if number % 10 == 0:
                bundle = number // 10 * hosts + at + 1
                yield told(events.BundleSent, host=host, bundle=bundle, tasks=10, bytes_up=4000)
                yield told(events.BundleFinished, host=host, bundle=bundle, seconds=0.5, done=10)
            yield told(events.TaskStarted, task=task, host=host)
        for host in names:
            measures = Measures(start=1.0, end=1.1, cpu=0.05, maxrss=20_000, block_in=0, block_out=8, bytes_up=400, bytes_down=900, queued=0.01, calls=1)
            yield told(events.TaskCompleted, task=task, host=host, changed=True, duration=0.1, path="agent", host_class="ssh/linux/x86_64/3.11",
                       measures=measures)  # fmt: skip
    yield told(events.ExecutionCompleted, round_trips=tasks, bundles=tasks // 10 * hosts)


def start_up(path: str, execution: str) -> float:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", START, path, execution], env=env, capture_output=True, text=True, check=True)
    return float(done.stdout)


def measure(title: str, path: str, stream: Iterable[Event], *, pause: float = 0.0) -> None:
    """``pause``: seconds between two events, as in a run; without one, the question is how many a second are taken in."""
    some = list(stream)
    said: list[str] = []
    writer = Writer(sqlite_at(path), warn=said.append)
    wall, cpu, own = time.perf_counter(), time.process_time(), 0.0
    for event in some:
        begin = time.thread_time()
        writer.take(event)
        own += time.thread_time() - begin
        if pause:
            time.sleep(pause)
    whole = writer.close(timeout=600)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if said or not whole:
        raise SystemExit(f"{title}: {said}")
    print(f"{title:44} {len(some):7} events  {len(some) / wall:7.0f} a second  {1e6 * cpu / len(some):5.0f} us of CPU an event,"
          f" {1e6 * own / len(some):4.1f} of them in the callback", flush=True)  # fmt: skip


def mixed(streams: list[Iterator[Event]]) -> Iterator[Event]:
    """One of each in turn, until all have ended."""
    return (event for round_ in itertools.zip_longest(*streams) for event in round_ if event is not None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--runs", type=int, default=1000, help="runs at once")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/feedback.db"
        print(f"start and end of recording, new database     {start_up(path, 'a'):.3f} s of CPU")
        print(f"start and end of recording, as ever          {min(start_up(path, name) for name in 'bcd'):.3f} s of CPU")
        ledger, some = Ledger(), list(run_of(chosen.hosts, chosen.tasks, "e" * 32))
        begin = time.process_time()
        for event in some:
            ledger.handle(event)
        print(f"events to records, nothing written           {1e6 * (time.process_time() - begin) / len(some):.0f} us of CPU an event")
        measure("one run, as fast as it goes", path, some)
        measure("one run, an event each millisecond", path, run_of(5, 100, "f" * 32), pause=0.001)
        measure(f"{chosen.runs} runs at once", path, mixed([run_of(2, 10, f"{number:032x}") for number in range(chosen.runs)]))
        store = SqliteStore(path)
        begin = time.process_time()
        found = store.results(identity=f"{7:016x}", limit=200)
        print(f"the last {len(found)} results of a task                 {1e3 * (time.process_time() - begin):.1f} ms of CPU;"
              f" {len(store.executions())} runs in {store.size() / 2**20:.0f} MiB")  # fmt: skip
        store.close()


if __name__ == "__main__":
    main()
