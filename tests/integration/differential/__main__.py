# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One case, or any playbook, outside of pytest: python -m tests.integration.differential [--connection local] copies my.yml ..."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.integration.differential.judge import judge
from tests.integration.differential.running import PLAYBOOKS, Case
from tests.lab.fleet import Fleet


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.integration.differential", description=__doc__)
    parser.add_argument("playbooks", nargs="+", help="name of a case, or path of a playbook")
    parser.add_argument("--connection", choices=("ssh", "local"), default="ssh")
    parser.add_argument("--lines", type=int, default=30, help="lines of a difference that are shown")
    parser.add_argument("--believe", action="store_true", help="do not ask linear again before a difference is believed")
    words = parser.parse_args()
    differing = 0
    with Fleet(3, connection=words.connection, proxy=False) as fleet:
        for name in words.playbooks:
            path = Path(name).resolve() if name.endswith(".yml") else PLAYBOOKS / f"{name}.yml"
            start = time.monotonic()
            verdict = judge(fleet, Case(path), lines=words.lines, believe=words.believe)
            differing += bool(verdict.report)
            print(f"{'DIFFERS' if verdict.report else 'equal  '} {path.stem:20} {time.monotonic() - start:6.1f} s", *verdict.tally, sep="\n    ", flush=True)
            print(verdict.report)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
