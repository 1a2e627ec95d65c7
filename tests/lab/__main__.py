# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start a fleet from the shell.

python -m tests.lab --hosts 3 --delay-ms 25                 prints the inventory's path, waits for Ctrl-C
python -m tests.lab -- ansible -i INVENTORY all -m ping     runs a command (INVENTORY is replaced), then tells the traffic
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys

from tests.lab.fleet import Fleet


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.lab", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="one way")
    parser.add_argument("--connection", choices=("ssh", "local"))
    parser.add_argument("command", nargs="*")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Fleet(args.hosts, delay_ms=args.delay_ms, connection=args.connection) as fleet:
        if not args.command:
            print(fleet.inventory, flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
            return 0
        rc = subprocess.run([str(fleet.inventory) if word == "INVENTORY" else word for word in args.command], check=False).returncode
        for name, seen in fleet.traffic().items():
            print(f"{name}: {seen.connections} connections, {seen.turns} turns, {seen.up} bytes up, {seen.down} down", file=sys.stderr)
        return rc


if __name__ == "__main__":
    sys.exit(main())
