# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start a fleet from the shell.

python -m tests.lab --hosts 3 --delay-ms 25                 prints the inventory's path, waits for Ctrl-C
python -m tests.lab -- ansible -i INVENTORY all -m ping     runs a command (INVENTORY is replaced), then tells the traffic
python -m tests.lab --state DIR                             leaves DIR/pid and DIR/inventory.json until SIGTERM ends it
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.lab.fleet import Fleet


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.lab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", default="3", help="a number, or names with commas")
    parser.add_argument("--group", action="append", default=[], metavar="NAME=HOST,HOST")
    parser.add_argument("--delay-ms", type=float, default=0.0, help="one way")
    parser.add_argument("--connection", choices=("ssh", "local"), help="default: ssh where there is an sshd")
    parser.add_argument("--state", type=Path)
    parser.add_argument("command", nargs="*")
    args = parser.parse_args()
    hosts = int(args.hosts) if args.hosts.isdigit() else args.hosts.split(",")
    groups = {name: members.split(",") for name, _sep, members in (group.partition("=") for group in args.group)}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Fleet(hosts, delay_ms=args.delay_ms, connection=args.connection, groups=groups) as fleet:
        return run(fleet, args.command) if args.command else wait(fleet, args.state)


def run(fleet: Fleet, command: list[str]) -> int:
    rc = subprocess.run([str(fleet.inventory) if word == "INVENTORY" else word for word in command], check=False).returncode
    for name, seen in fleet.traffic().items():
        print(f"{name}: {seen.connections} connections, {seen.turns} turns, {seen.up} bytes up, {seen.down} down", file=sys.stderr)
    return rc


def wait(fleet: Fleet, state: Path | None) -> int:
    print(fleet.inventory, flush=True)
    if state:
        state.mkdir(parents=True, exist_ok=True)
        (state / "pid").write_text(str(os.getpid()))
        link = state / "inventory.json"
        link.unlink(missing_ok=True)
        link.symlink_to(fleet.inventory)
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        if state:
            link.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
