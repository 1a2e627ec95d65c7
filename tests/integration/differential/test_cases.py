# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every case gives linear's results, over ssh and local."""

from __future__ import annotations

from collections import defaultdict

from tests.integration.differential.judge import judge
from tests.integration.differential.running import Case
from tests.integration.differential.share import Share
from tests.lab.fleet import Fleet

SHARES: dict[str, Share] = defaultdict(Share)


def test_case_gives_linears_results(fleet: Fleet, case: Case, group: str) -> None:
    verdict = judge(fleet, case)
    SHARES[group].add(verdict.tally)
    assert not verdict.report, f"{case.name} over {fleet.connection}\n{verdict.report}"


def test_most_module_results_come_through_the_agent(group: str) -> None:
    SHARES[group].check()
