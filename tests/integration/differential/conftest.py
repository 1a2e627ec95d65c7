# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One test a case."""

from __future__ import annotations

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        connection = metafunc.cls.connection
        metafunc.parametrize("fleet", [{"connection": connection, "proxy": False}], indirect=True, ids=[connection])
        marked = [
            pytest.param(case, id=case.name, marks=pytest.mark.xfail(reason=known, strict=True) if (known := case.known(connection)) else ())
            for case in metafunc.cls.cases()
        ]
        metafunc.parametrize("case", marked)
