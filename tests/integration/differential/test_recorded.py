# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The same with the feedback callback: while nothing is wrong that passes, recording and adapting change nothing."""

from __future__ import annotations

import dataclasses

from tests.integration.differential.cases import Differential
from tests.integration.differential.running import Case


class TestRecorded(Differential):
    connection = "local"

    @classmethod
    def cases(cls) -> list[Case]:
        return [dataclasses.replace(case, recorded=True) for case in super().cases()]
