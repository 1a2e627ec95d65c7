# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What recording costs: the same play with and without the callback, in pairs, in CPU seconds of the controller.

    python -m tests.bench.feedback_overhead [--hosts 10] [--pairs 5] [--strategy linear]

Two lengths of the play tell what is fixed from what each event costs. The promise: 0.2 s fixed and 0.3 ms an event, at most.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from tests.lab.fleet import Fleet
from tests.lab.play import OURS, Contestant, play

LENGTHS = (5, 105)


def playbook(tasks: int) -> str:
    lines = ["- hosts: fleet", "  gather_facts: false", "  tasks:"]
    for number in range(tasks):
        lines += [f"    - name: Task {number}", "      ansible.builtin.debug: {msg: text}"]
    return "\n".join(lines) + "\n"


def cpu(fleet: Fleet, path: Path, strategy: str, scratch: Path, *, recorded: bool) -> float:
    env = {"RUSTLE_FEEDBACK_DB": str(scratch / "feedback.db")}
    if recorded:
        env["ANSIBLE_CALLBACKS_ENABLED"] = "rustle.engine.feedback"
    outcome = play(fleet, path, Contestant(strategy, strategy, env=env))
    if outcome.rc:
        raise SystemExit(outcome.stdout)
    return outcome.controller_cpu


def counted(fleet: Fleet, path: Path, strategy: str, scratch: Path) -> int:
    """The events of one run."""
    events = scratch / "events"
    env = {"RUSTLE_FEEDBACK_DB": str(scratch / "other.db"), "RUSTLE_EVENTS_FILE": str(events), "ANSIBLE_CALLBACKS_ENABLED": "rustle.engine.feedback"}
    play(fleet, path, Contestant(strategy, strategy, env=env))
    return len(events.read_bytes().splitlines())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--strategy", default=OURS)
    options = parser.parse_args()
    with Fleet(options.hosts, connection="local") as fleet, tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        found = []
        for tasks in LENGTHS:
            path = scratch / f"play{tasks}.yml"
            path.write_text(playbook(tasks))
            events = counted(fleet, path, options.strategy, scratch)
            pairs = []
            for _ in range(options.pairs):
                without = cpu(fleet, path, options.strategy, scratch, recorded=False)
                with_it = cpu(fleet, path, options.strategy, scratch, recorded=True)
                pairs.append(with_it - without)
            extra = statistics.median(pairs)
            found.append((events, extra))
            print(f"{tasks} tasks, {options.hosts} hosts, {events} events: {extra:.3f} s more CPU ({', '.join(f'{one:.3f}' for one in sorted(pairs))})")
    (few, little), (many, much) = found
    slope = (much - little) / (many - few)
    print(f"each event {slope * 1000:.3f} ms, fixed {little - few * slope:.3f} s")


if __name__ == "__main__":
    main()
