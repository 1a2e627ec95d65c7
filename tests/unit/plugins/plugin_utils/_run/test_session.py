# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a session does to its process."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._run.session import _rest_collector


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.parametrize(("young", "then"), [(700, 50_000), (60_000, 60_000), (0, 0)], ids=["as Python has it", "the user wants more", "switched off"])
def test_the_collector_comes_less_often(young: int, then: int) -> None:
    gc.set_threshold(young, 10, 10)
    _rest_collector()
    assert gc.get_threshold() == (then, 10, 10)
    assert gc.get_freeze_count() > 0
