# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`make demo`: one realistic site, run under linear with pipelining and under rustle, on three ssh hosts 25 ms away.

Exit status 1 when the two runs did not leave the same recaps and the same files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.lab.fleet import Fleet
from tests.lab.play import LINEAR, ROOT, RUSTLE, Outcome, differences, play

SITE = ROOT / "playbooks" / "demo" / "site.yml"
MACHINES = {"web": ["web1", "web2"], "db": ["db1"]}
DELAY_MS = 25.0

Row = tuple[str, Callable[[Outcome], float], Callable[[float], str]]
ROWS: tuple[Row, ...] = (
    ("time", lambda o: o.wall, lambda v: f"{v:.1f} s"),
    ("controller CPU", lambda o: o.controller_cpu, lambda v: f"{v:.1f} s"),
    ("hosts' CPU", lambda o: o.target_cpu, lambda v: f"{v:.1f} s"),
)
NETWORK_ROWS: tuple[Row, ...] = (
    ("round trips, most of a host", lambda o: max(t.turns for t in o.traffic.values()), lambda v: f"{v:.0f}"),
    ("sent, all hosts", lambda o: sum(t.up for t in o.traffic.values()), lambda v: f"{v / 1000:.0f} kB"),
    ("received, all hosts", lambda o: sum(t.down for t in o.traffic.values()), lambda v: f"{v / 1000:.0f} kB"),
)


def table(stock: Outcome, ours: Outcome) -> str:
    lines = [f"  {'':30}{LINEAR.name:>20}{RUSTLE.name:>12}{'ratio':>10}"]
    for title, value, shown in ROWS + (NETWORK_ROWS if stock.traffic else ()):
        a, b = value(stock), value(ours)
        ratio = f"{a / b:.1f} x" if b else "-"
        lines.append(f"  {title:30}{shown(a):>20}{shown(b):>12}{ratio:>10}")
    return "\n".join(lines)


def run(fleet: Fleet) -> int:
    outcomes = []
    for contestant in (LINEAR, RUSTLE):
        print(f"  {contestant.name} ...", end=" ", flush=True)
        outcomes.append(play(fleet, SITE, contestant))
        print(f"{outcomes[-1].wall:.1f} s", flush=True)
    stock, ours = outcomes
    if stock.rc:
        print(f"{stock.stdout}\ndemo: the site fails under linear itself (exit code {stock.rc})")
        return 1
    if found := differences(stock, ours):
        print("\n  DIFFERENT, so there is nothing to compare:", *found[:20], sep="\n    ")
        print(f"    ({len(found)} differences)\n{ours.stdout[-4000:]}")
        return 1
    print(f"\n{table(stock, ours)}\n")
    for host, counters in sorted(ours.recap.items()):
        print(f"  {host}: {counters}")
    files = sum(len(tree) for tree in ours.files.values())
    print(f"\n  Equal: {len(ours.recap)} recaps, and {files} files and folders with their modes and contents.")
    return 0


def main() -> int:
    with Fleet([name for names in MACHINES.values() for name in names], delay_ms=DELAY_MS, groups=MACHINES) as fleet:
        where = f"{len(fleet.hosts)} hosts over ssh, {DELAY_MS:g} ms away each way"
        if fleet.connection == "local":
            where = f"{len(fleet.hosts)} hosts over the local connection: no sshd was found, so nothing travels and there is less to gain"
        print(f"demo: a site of 60 tasks, {where}")
        return run(fleet)


if __name__ == "__main__":
    sys.exit(main())
