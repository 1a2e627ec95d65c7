# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`make conformance`: python -m tests.conformance [--connection local] [TARGET ...]

Linear's results are kept in .work/conformance; ours are made anew. Exit status 1 when there is a regression.
"""

from __future__ import annotations

import argparse
import sys

from tests.conformance.targets import JUDGE, OURS, WORK, Unavailable, passes, prepare, report, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("targets", nargs="*", help="some targets (all that the judge's visible.txt names)")
    parser.add_argument("--connection", choices=("local", "ssh"), action="append", help="local and ssh, when it is not given")
    parser.add_argument("--jobs", type=int, default=2)
    words = parser.parse_args()
    try:
        prepare()
        visible = [line.split("#")[0].strip() for line in (JUDGE.parent / "visible.txt").read_text().splitlines()]
        names = words.targets or [name for name in visible if name]
        lines, lost = [], False
        for connection in words.connection or ("local", "ssh"):
            good = passes(run("linear", names, WORK / f"linear-{connection}.json", connection=connection, jobs=words.jobs, resume="all"))
            ours = run(OURS, good, WORK / f"ours-{connection}.json", connection=connection, jobs=words.jobs)
            lines += report(connection, good, ours)
            lost = lost or len(passes(ours)) < len(good)
    except Unavailable as why:
        print(f"conformance: {why}", file=sys.stderr)
        return 2
    print("", *lines, sep="\n")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
