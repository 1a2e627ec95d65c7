# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tests of a connection: every case gives linear's results. The test files hold a part each, since a worker takes whole files."""

from __future__ import annotations

from typing import ClassVar

from tests.integration.differential.judge import judge
from tests.integration.differential.running import Case, cases
from tests.integration.differential.share import Share
from tests.lab.fleet import Fleet


class Differential:
    connection: ClassVar[str]
    part: ClassVar[slice] = slice(None)
    share: ClassVar[Share]

    @classmethod
    def cases(cls) -> list[Case]:
        return cases(cls.connection)[cls.part]

    @classmethod
    def setup_class(cls) -> None:
        cls.share = Share()

    def test_case_gives_linears_results(self, fleet: Fleet, case: Case) -> None:
        verdict = judge(fleet, case)
        self.share.add(verdict.tally)
        assert not verdict.report, f"{case.name} over {fleet.connection}\n{verdict.report}"

    def test_most_module_results_come_through_the_agent(self) -> None:
        self.share.check(of=len(self.cases()))
