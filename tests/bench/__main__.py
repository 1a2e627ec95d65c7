# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Strategies against each other on one playbook, interleaved; medians, as a table and as JSON.

    python -m tests.bench                                   assorted, 1 host, 25 ms each way
    python -m tests.bench loops --hosts 1 --delay-ms 25 --only linear+pipelining,rustle
    python -m tests.bench --suite                           every row of the documentation's table (an hour)

Every run starts with empty work folders, and its recaps and files must equal those of the first contestant. `rustle first`
has empty caches on controller and hosts; `rustle` and `rustle host` find what an earlier run left there.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.fleet import Fleet
from tests.lab.play import OURS, ROOT, Contestant, Outcome, differences, play

PLAYBOOKS = Path(__file__).resolve().parent / "playbooks"
RESULTS = ROOT / ".work" / "bench"


@dataclass(frozen=True)
class Case:
    playbook: str
    hosts: int
    delay_ms: float = 25.0
    connection: str = "ssh"
    only: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        where = "local connection" if self.connection == "local" else f"ssh, {self.delay_ms:g} ms each way"
        return f"{self.playbook}: {self.hosts} host{'s' * (self.hosts > 1)}, {where}"


SUITE = (
    Case("assorted", 1),
    Case("assorted", 10),
    Case("assorted", 1, delay_ms=0),
    Case("loops", 1, only=("linear+pipelining", "mitogen", "rustle")),
    Case("cheap", 20, connection="local", only=("linear+pipelining", "mitogen", "rustle")),
    Case("controller", 200, connection="local", only=("linear", "mitogen", "rustle")),
)


def contestants() -> Iterator[Contestant]:
    yield Contestant("linear", "linear", pipelining=False)
    yield Contestant("linear+pipelining", "linear")
    yield Contestant("free+pipelining", "free")
    if found := importlib.util.find_spec("ansible_mitogen"):
        plugins = Path(found.submodule_search_locations[0]) / "plugins" / "strategy"  # type: ignore[index]
        yield Contestant("mitogen", "mitogen_linear", env={"ANSIBLE_STRATEGY_PLUGINS": str(plugins)})
    yield Contestant("rustle first", OURS, fresh=True)
    yield Contestant("rustle", OURS)
    yield Contestant("rustle host", OURS, env={"RUSTLE_ORDERING": "host"})


def measure(case: Case, names: Sequence[str], rounds: int) -> dict[str, list[Outcome]]:
    """All runs by contestant, and complaints on standard error where one is not like the first contestant's."""
    chosen = [c for c in contestants() if not names or c.name in names]
    runs: dict[str, list[Outcome]] = {c.name: [] for c in chosen}
    playbook = PLAYBOOKS / f"{case.playbook}.yml"
    with Fleet(case.hosts, delay_ms=case.delay_ms, connection=case.connection) as fleet:
        warm = next((c for c in chosen if c.strategy == OURS and not c.fresh), None)
        if warm and not any(c.fresh for c in chosen):
            play(fleet, playbook, warm)
        for number in range(rounds):
            shift = number % len(chosen) if any(r for r in runs.values()) else 0
            for contestant in chosen[shift:] + chosen[:shift]:
                outcome = play(fleet, playbook, contestant)
                runs[contestant.name].append(outcome)
                print(f"# {number} {contestant.name}: {outcome.wall:.2f} s, others {outcome.others:.1f}", file=sys.stderr, flush=True)
                if outcome.rc:
                    print(f"#   exit code {outcome.rc}:\n{outcome.stdout[-2000:]}", file=sys.stderr)
                for line in differences(runs[chosen[0].name][0], outcome)[:8]:
                    print(f"#   DIFFERS: {line}", file=sys.stderr)
    return runs


def row(name: str, runs: Sequence[Outcome], reference: Outcome, hosts: int) -> dict[str, Any]:
    """The medians of one contestant; traffic is of one host (round trips: of the busiest)."""

    def median(value: Callable[[Outcome], float]) -> float:
        return round(statistics.median(map(value, runs)), 3)

    out: dict[str, Any] = {
        "contestant": name,
        "wall": median(lambda o: o.wall),
        "walls": [round(o.wall, 3) for o in runs],
        "controller_cpu": median(lambda o: o.controller_cpu),
        "target_cpu": median(lambda o: o.target_cpu),
        "others": median(lambda o: o.others),
        "equal": not any(o.rc for o in runs) and not any(differences(reference, o) for o in runs),
    }
    if runs[0].traffic:
        out |= {
            "turns": median(lambda o: max(t.turns for t in o.traffic.values())),
            "up": median(lambda o: sum(t.up for t in o.traffic.values()) / hosts),
            "down": median(lambda o: sum(t.down for t in o.traffic.values()) / hosts),
        }
    return out


COLUMNS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("time, s", "wall", lambda v: f"{v:.2f}"),
    ("controller CPU, s", "controller_cpu", lambda v: f"{v:.2f}"),
    ("hosts' CPU, s", "target_cpu", lambda v: f"{v:.2f}"),
    ("round trips", "turns", lambda v: f"{v:.0f}"),
    ("kB up", "up", lambda v: f"{v / 1000:.0f}"),
    ("kB down", "down", lambda v: f"{v / 1000:.0f}"),
    ("others' cores", "others", lambda v: f"{v:.1f}"),
)


def table(title: str, rows: Sequence[dict[str, Any]]) -> str:
    slowest = max(r["wall"] for r in rows)
    lines = [f"**{title}**", "", "| | " + " | ".join(c[0] for c in COLUMNS) + " | times the slowest | equal |"]
    lines.append("|---|" + "---:|" * (len(COLUMNS) + 1) + "---|")
    for r in rows:
        cells = [shown(r[key]) if key in r else "-" for _title, key, shown in COLUMNS]
        lines.append(f"| {r['contestant']} | {' | '.join(cells)} | {slowest / r['wall']:.1f} | {'yes' if r['equal'] else '**no**'} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("playbook", nargs="?", default="assorted", choices=sorted(p.stem for p in PLAYBOOKS.glob("*.yml")))
    parser.add_argument("--hosts", type=int, default=1)
    parser.add_argument("--delay-ms", type=float, default=25.0, help="one way")
    parser.add_argument("--connection", default="ssh", choices=("ssh", "local"))
    parser.add_argument("--rounds", "-k", type=int, default=3)
    parser.add_argument("--only", default="", help="names with commas: " + ", ".join(c.name for c in contestants()))
    parser.add_argument("--suite", action="store_true")
    parser.add_argument("--json", type=Path, default=RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.json")
    args = parser.parse_args()
    only = tuple(filter(None, args.only.split(",")))
    cases = SUITE if args.suite else (Case(args.playbook, args.hosts, args.delay_ms, args.connection),)
    if not any(c.name == "mitogen" for c in contestants()):
        print("bench: mitogen is not installed, so it does not take part\nhint: make bench", file=sys.stderr)
    results = []
    for case in cases:
        runs = measure(case, only or case.only, args.rounds)
        reference = next(iter(runs.values()))[0]
        rows = [row(name, outcomes, reference, case.hosts) for name, outcomes in runs.items()]
        results.append({"case": case.title, "rounds": args.rounds, "rows": rows})
        print(table(f"{case.title}, median of {args.rounds}", rows), end="\n\n", flush=True)
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(results, indent=1))
    print(f"all figures: {args.json}")
    return 0 if all(r["equal"] for result in results for r in result["rows"]) else 1


if __name__ == "__main__":
    sys.exit(main())
