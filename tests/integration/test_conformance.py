# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A quick part of `make conformance`: targets of ansible-core that take seconds each."""

from __future__ import annotations

import pytest

from tests.conformance.targets import OURS, WORK, Unavailable, by_path, passes, prepare, run, share, targets_dir

QUICK = [
    *("args", "changed_when", "failed_when", "ignore_errors", "register", "split"),
    *("stat", "task_ordering", "tempfile", "var_inheritance"),
]
FLOOR = 0.85


def test_quick_targets_of_ansible_core_pass_where_linear_does() -> None:
    try:
        prepare()
        targets_dir()
    except Unavailable as why:
        pytest.skip(str(why))
    linear = run("linear", QUICK, WORK / "quick-linear.json", resume="passes")
    good = passes(linear)
    assert good, f"linear passes none of the quick targets\n{linear[QUICK[0]]['tail']}"
    ours = run(OURS, good, WORK / "quick-ours.json")
    lost = {name: result["tail"][-1500:] for name, result in ours.items() if result["status"] != "pass"}
    assert not lost, "\n".join(f"{name}:\n{tail}" for name, tail in lost.items())
    paths = by_path(ours)
    assert share(paths) >= FLOOR, paths
