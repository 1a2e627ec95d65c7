# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One test a case and connection. The many cases over ssh make two groups, so that both of a machine's cores have work to the end."""

from __future__ import annotations

import pytest

from tests.integration.differential.running import cases

PARTS = {"ssh": 2, "local": 1}


def _group(connection: str, part: int) -> str:
    return f"{connection}-{part + 1}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = pytest.mark.xdist_group
    if "case" in metafunc.fixturenames:
        rows = []
        for connection, parts in PARTS.items():
            for number, case in enumerate(cases(connection)):
                group = _group(connection, number % parts)
                known = case.known(connection)
                marks = [mark(group), *([pytest.mark.xfail(reason=known, strict=True)] if known else [])]
                rows.append(pytest.param({"connection": connection, "proxy": False}, case, group, id=f"{connection}-{case.name}", marks=marks))
        metafunc.parametrize(("fleet", "case", "group"), rows, indirect=["fleet"])
    elif "group" in metafunc.fixturenames:
        groups = [_group(connection, part) for connection, parts in PARTS.items() for part in range(parts)]
        metafunc.parametrize("group", [pytest.param(group, marks=mark(group)) for group in groups])
