# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How much of the cases goes through agents, by the tally that each play prints with -vv."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import pytest

FLOOR = 0.85
#: reasons of the stock path for what is not meant for the agent: it stays there by design, or the user said so
NOT_ELIGIBLE = frozenset({"async", "mode-ssh", "raw", "throttle", "delegate_to", "debugger", "connection", "non-python-module"})
_CALLS = re.compile(r"module calls (\d+)")
_STOCK = re.compile(r"stock path: (.*)$")


class Share:
    def __init__(self) -> None:
        self.cases = 0
        self.agent = 0
        self.stock: Counter[str] = Counter()

    def add(self, tally: Iterable[str]) -> None:
        self.cases += 1
        for line in tally:
            if calls := _CALLS.search(line):
                self.agent += int(calls[1])
            if stock := _STOCK.search(line):
                for part in stock[1].split(", "):
                    reason, _space, count = part.rpartition(" ")
                    self.stock[reason] += int(count)

    def check(self, *, of: int) -> None:
        if self.cases < of:
            pytest.skip("only some of the cases have been run")
        eligible = {reason: count for reason, count in self.stock.items() if reason not in NOT_ELIGIBLE}
        share = self.agent / (self.agent + sum(eligible.values()))
        assert share >= FLOOR, f"{share:.0%} of the module results came through the agent, {self.agent} of them; the rest: {eligible}"
