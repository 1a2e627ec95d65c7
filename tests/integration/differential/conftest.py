# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One test a case: test_local.py and test_ssh.py differ in nothing but the connection."""

from __future__ import annotations

import pytest

from tests.integration.differential.running import cases


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        connection = metafunc.module.CONNECTION
        metafunc.parametrize("fleet", [{"connection": connection, "proxy": False}], indirect=True, ids=[connection])
        marked = [
            pytest.param(case, id=case.name, marks=pytest.mark.xfail(reason=known, strict=True) if (known := case.known(connection)) else ())
            for case in cases(connection)
        ]
        metafunc.parametrize("case", marked)
