# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every case gives linear's results over the connection ssh."""

from __future__ import annotations

from tests.integration.differential.judge import judge
from tests.integration.differential.running import Case
from tests.integration.differential.share import Share
from tests.lab.fleet import Fleet

CONNECTION = "ssh"
SHARE = Share()


def test_case_gives_linears_results(fleet: Fleet, case: Case) -> None:
    verdict = judge(fleet, case)
    SHARE.add(verdict.tally)
    assert not verdict.report, f"{case.name} over {fleet.connection}\n{verdict.report}"


def test_most_module_results_come_through_the_agent() -> None:
    SHARE.check()
