# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bundle or stock: which way is the faster one, and did the plan choose it? Mixes of tasks x delays x hosts.

    python -m tests.bench.grid                              measure what is missing (hours), then the table
    python -m tests.bench.grid --minutes 10                 a fair sample of it: cells come in an order that was shuffled once and for all
    python -m tests.bench.grid --report --fit               what has been measured, and the costs that fit it (suitability.Costs)

A cell is a mix, a number of hosts and a delay. In each round it is run in three ways, one after another: all on the stock path (linear with
pipelining), all through agents on hosts that have no code yet (cold), and where an earlier run has left it (warm). Forks are Ansible's own five.
Each run is a line of the results' file; started again, it goes on where it was. Medians are compared; a cell in which one way takes 1.6 times as long
as the other after the first round gets no further ones.

On a machine that is busy with other things, --quiet puts a run's time together from its CPU time and round trips, where that is shorter than what was
seen; both say too much rather than too little.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import mixes
from tests.lab.fleet import SYSTEM_PATH, Fleet
from tests.lab.play import OURS, ROOT, Contestant, Outcome, differences, play

RESULTS = ROOT / ".work" / "bench" / "grid.jsonl"
ENTRY = ROOT / "plugins" / "plugin_utils" / "_cli" / "entry.py"
DELAYS = (0.0, 10.0, 25.0, 100.0)  # ms one way
HOSTS = (1, 3, 10)
FORKS = 5
CLEAR = 1.6  # times as long as the other way: one round is enough
NOISE = 0.05  # of the slower way: closer than that is a tie
START = 0.75  # CPU seconds in which nothing else can run yet
WAYS = ("stock", "cold", "warm")


@dataclass(frozen=True, order=True)
class Cell:
    mix: str
    hosts: int
    delay_ms: float


def cells() -> list[Cell]:
    """All of them; without root there is nobody to become without a password."""
    usable = [mix for mix in mixes.MIXES if mix != "2 users" or os.geteuid() == 0]
    found = list(itertools.starmap(Cell, itertools.product(usable, HOSTS, DELAYS)))
    random.Random(3).shuffle(found)
    return found


# -- measuring


def ways(cache: Path) -> dict[str, Contestant]:
    usual = {"ANSIBLE_FORKS": str(FORKS), "RUSTLE_CACHE_DIR": str(cache)}
    agent = Contestant("agent", OURS, env={**usual, "RUSTLE_MODE": "binary"})
    return {"stock": Contestant("stock", "linear", env=usual), "cold": agent, "warm": agent}


def measure(cell: Cell, rounds: int) -> Iterator[dict[str, Any]]:
    """The runs of a cell, round by round; it may be left when enough is known."""
    with Fleet(cell.hosts, delay_ms=cell.delay_ms) as fleet:
        contestants = ways(RESULTS.parent / "cache")
        path = written(cell.mix, fleet.root / "site")
        if cell.mix not in _built:
            once(fleet, path, contestants["warm"], way="warm")  # what is built once for all hosts is built now
            _built.add(cell.mix)
        reference = None
        for _round in range(rounds):
            for way, contestant in contestants.items():
                outcome = once(fleet, path, contestant, way=way)
                reference = reference or outcome
                if complaints := [f"exit code {outcome.rc}: {outcome.stdout[-2000:]}"] * bool(outcome.rc) + differences(reference, outcome)[:8]:
                    raise RuntimeError("\n".join((f"{cell}, {way}: the ways must do the same", *complaints)))
                yield {
                    "mix": cell.mix, "hosts": cell.hosts, "delay_ms": cell.delay_ms, "way": way, "rc": outcome.rc, "wall": round(outcome.wall, 3),
                    "controller_cpu": round(outcome.controller_cpu, 3), "target_cpu": round(outcome.target_cpu, 3),
                    "others": round(outcome.others, 2), "turns": max(t.turns for t in outcome.traffic.values()),
                    "up": max(t.up for t in outcome.traffic.values()),
                }  # fmt: skip


_built: set[str] = set()


def written(mix: str, folder: Path) -> Path:
    """The mix as a playbook with the files that it names."""
    (folder / "files").mkdir(parents=True, exist_ok=True)
    (folder / "files" / "small.sh").write_text("#!/bin/sh\necho here\n")
    (folder / "files" / "large.bin").write_bytes(random.Random(1).randbytes(mixes.LARGE))
    path = folder / "site.yml"
    path.write_text(json.dumps(mixes.playbook(mix)))
    return path


def once(fleet: Fleet, path: Path, contestant: Contestant, *, way: str) -> Outcome:
    fleet.clean(homes=way == "cold")
    for host in fleet.hosts:  # where another user may keep things
        theirs = host.home / "theirs"
        theirs.mkdir(exist_ok=True)
        theirs.chmod(0o1777)
    return play(fleet, path, contestant)


# -- what was found

Seconds = dict[Cell, dict[str, list[float]]]  # cell -> way -> seconds of each run


def read(path: Path, *, quiet: bool = False) -> Seconds:
    found: Seconds = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        row = json.loads(line)
        seconds = min(row["wall"], put_together(row)) if quiet else row["wall"]
        found.setdefault(Cell(row["mix"], row["hosts"], row["delay_ms"]), {}).setdefault(row["way"], []).append(seconds)
    return found


def put_together(row: Mapping[str, Any]) -> float:
    """What a run would have taken on two processors that are its own, if no round trip of a host overlaps another of it."""
    cpu = row["controller_cpu"] + row["target_cpu"]
    alone = min(START, cpu)
    waited = 2 * row["delay_ms"] / 1000 * row["turns"] + mixes.SECONDS.get(row["mix"], 0.0)
    return alone + (cpu - alone) / min(2, row["hosts"]) + waited


def settled(have: Mapping[str, Sequence[float]], rounds: int) -> bool:
    """Enough rounds, or one in which the slower way took so much longer that no other could turn it round."""
    if any(not have.get(way) for way in WAYS):
        return False
    stock, *agent = (statistics.median(have[way]) for way in WAYS)
    clear = all(max(stock, one) > CLEAR * min(stock, one) for one in agent)
    return clear or min(len(have[way]) for way in WAYS) >= rounds


# -- what the plan says


def plans(delay_ms: float, hosts: int) -> dict[str, dict[str, Any]]:
    """What rustle-plan says of each mix when it knows the latency."""
    with tempfile.TemporaryDirectory() as name:
        inventory = {"fleet": {"hosts": {f"h{number}": {"workdir": "/srv/work"} for number in range(hosts)}}}
        (Path(name) / "inventory.yml").write_text(json.dumps(inventory))
        paths = [written(mix, Path(name) / str(number)) for number, mix in enumerate(mixes.MIXES)]
        command = [ENTRY, "-i", f"{name}/inventory.yml", *paths, "--output", "json", "--latency", str(2 * delay_ms), "--forks", str(FORKS)]
        env = {"PATH": SYSTEM_PATH, "HOME": name, "LANG": "C.UTF-8", "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".work" / "collections")}
        done = subprocess.run([sys.executable, *map(str, command)], env=env, capture_output=True, text=True, check=True, cwd=name)
    plan = json.loads(done.stdout)
    return dict(zip(mixes.MIXES, plan["suitability"], strict=True))


@dataclass(frozen=True)
class Verdict:
    """One way of the agent (cold or warm) against the stock path in one cell."""

    cell: Cell
    way: str
    stock: float
    agent: float
    eligible: int
    chosen: bool  # the agent
    estimates: tuple[float, float]  # of both ways

    @property
    def tie(self) -> bool:
        return abs(self.stock - self.agent) <= NOISE * max(self.stock, self.agent)

    def right(self, chosen: bool) -> bool:
        return self.tie or chosen == (self.agent < self.stock)


def judged(found: Seconds) -> list[Verdict]:
    said = {key: plans(*key) for key in {(cell.delay_ms, cell.hosts) for cell in found}}
    verdicts = []
    for cell in sorted(found):
        medians = {way: statistics.median(seconds) for way, seconds in found[cell].items()}
        one = said[cell.delay_ms, cell.hosts][cell.mix]
        verdicts += [
            Verdict(cell, way, medians["stock"], medians[way], one["eligible"], one["suitable"], (one["saved_seconds"], one["cost_seconds"]))
            for way in ("cold", "warm")
            if len(medians) == len(WAYS)
        ]
    return verdicts


def table(verdicts: Sequence[Verdict]) -> str:
    lines = ["| mix | hosts | ms one way | | stock, s | agent, s | plan: stock | plan: agent | chosen | |", "|---|--:|--:|---|--:|--:|--:|--:|---|---|"]
    for one in verdicts:
        word = "tie" if one.tie else "right" if one.right(one.chosen) else f"**wrong** by {abs(one.stock - one.agent) / max(one.stock, one.agent):.0%}"
        lines.append(
            f"| {one.cell.mix} | {one.cell.hosts} | {one.cell.delay_ms:g} | {one.way} | {one.stock:.2f} | {one.agent:.2f} "
            f"| {one.estimates[0]:.2f} | {one.estimates[1]:.2f} | {'agent' if one.chosen else 'stock'} | {word} |"
        )
    return "\n".join([*lines, "", *summary(verdicts)])


def summary(verdicts: Sequence[Verdict]) -> Iterator[str]:
    ties = sum(one.tie for one in verdicts)
    faster = sum(one.agent < one.stock for one in verdicts if not one.tie)
    slower = [one for one in verdicts if one.stock < 0.9 * one.agent]
    yield f"{len(verdicts)} comparisons: the agent was faster in {faster}, stock in {len(verdicts) - ties - faster}, and {ties} were ties (within {NOISE:.0%})."
    yield f"The plan chose right in {_share(verdicts, [one.right(one.chosen) for one in verdicts])}; ties count as right."
    for threshold in (1, 2, 3, 5):
        yield f"Without a latency, from {threshold} tasks on: {_share(verdicts, [one.right(one.eligible >= threshold) for one in verdicts])}."
    yield f"Stock was faster by 10 % or more in {len(slower)}: {', '.join(f'{v.cell.mix}/{v.cell.hosts}/{v.cell.delay_ms:g}/{v.way}' for v in slower)}"


def _share(verdicts: Sequence[Verdict], right: Sequence[bool]) -> str:
    return f"{sum(right)} of {len(verdicts)} ({sum(right) / len(verdicts):.1%})"


def fitted(found: Seconds) -> str:
    from ansible_collections.rustle.engine.plugins.plugin_utils._planner.suitability import Work

    from tests.bench.fit import FITTED, Run, fit

    said = {key: plans(*key) for key in {(cell.delay_ms, cell.hosts) for cell in found}}
    runs = []
    for cell, by_way in found.items():
        if cell.mix in mixes.ODD:
            continue
        one = said[cell.delay_ms, cell.hosts][cell.mix]
        work = Work(calls=one["calls"], stock_trips=one["stock_round_trips"], bundles=one["bundles"], agents=one["agents"], hosts=cell.hosts)
        known = mixes.SECONDS.get(cell.mix, 0.0)
        runs += [Run(way, statistics.median(seconds), 2 * cell.delay_ms / 1000, work, known) for way, seconds in by_way.items()]
    best = fit(runs)
    lines = [f"fit to {len(runs)} medians, mean error {best.error:.0%}:", f"  crowd = {best.costs.crowd:.2f}"]
    return "\n".join([*lines, *(f"  {name} = {value:.3f}" for name, value in best.common.items()), *(f"  {n} = {getattr(best.costs, n):.3f}" for n in FITTED)])


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.grid", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", "-k", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=0.0, help="begin no cell after so many")
    parser.add_argument("--mix", choices=mixes.MIXES, action="append")
    parser.add_argument("--hosts", type=int, choices=HOSTS, action="append")
    parser.add_argument("--delay-ms", type=float, choices=DELAYS, action="append", help="one way")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--report", action="store_true", help="measure nothing")
    parser.add_argument("--quiet", action="store_true", help="times as on a machine of its own")
    parser.add_argument("--fit", action="store_true")
    args = parser.parse_args()
    start = time.monotonic()
    args.results.parent.mkdir(parents=True, exist_ok=True)
    for cell in () if args.report else cells():
        if any(chosen and value not in chosen for chosen, value in ((args.mix, cell.mix), (args.hosts, cell.hosts), (args.delay_ms, cell.delay_ms))):
            continue
        if args.minutes and time.monotonic() - start > 60 * args.minutes:
            break
        have = read(args.results).get(cell, {})
        if not settled(have, args.rounds):
            with args.results.open("a") as out:
                for row in measure(cell, args.rounds):
                    print(json.dumps(row), file=out, flush=True)
                    have.setdefault(row["way"], []).append(row["wall"])
                    if row["way"] == WAYS[-1] and settled(have, args.rounds):
                        break
            print(f"# {time.monotonic() - start:.0f} s {cell}: {have}", file=sys.stderr, flush=True)
    found = read(args.results, quiet=args.quiet)
    print(table(judged(found)))
    if args.fit:
        print(fitted(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
