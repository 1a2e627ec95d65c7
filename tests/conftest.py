# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fixtures for all tests.

`fleet` gives ssh hosts on loopback, clean, with the counters at zero. Its default is three hosts behind the proxy without
a delay; others are asked for by what Fleet takes:

    @pytest.mark.parametrize("fleet", [{"hosts": 5, "delay_ms": 10}], indirect=True)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.lab.fleet import Fleet, find_sshd


@pytest.fixture(scope="session")
def _fleets() -> Iterator[Callable[[dict[str, Any]], Fleet]]:
    """Fleets that were started, by what they were asked for: starting one takes longer than most tests."""
    with ExitStack() as stack:
        started: dict[str, Fleet] = {}

        def get(wanted: dict[str, Any]) -> Fleet:
            key = repr(sorted(wanted.items()))
            if key not in started or not started[key].alive():
                started[key] = stack.enter_context(Fleet(**wanted))
            return started[key]

        yield get


@pytest.fixture
def fleet(request: pytest.FixtureRequest, _fleets: Callable[[dict[str, Any]], Fleet]) -> Iterator[Fleet]:
    wanted = getattr(request, "param", {})
    if wanted.get("connection", "ssh") == "ssh" and find_sshd() is None:
        pytest.skip("no sshd was found: nothing is shown over ssh here")
    fleet = _fleets({"connection": "ssh", **wanted})
    fleet.clean()
    fleet.traffic(reset=True)
    yield fleet
    fleet.open()
    fleet.end_sessions()
