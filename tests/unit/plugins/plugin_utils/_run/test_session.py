# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a session does to its process."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.errors import AnsibleError
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import is_known
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import OURS
from ansible_collections.rustle.engine.plugins.plugin_utils._run.session import _rest_collector, _tables


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


def test_entries_of_a_users_stand_above_ours(tmp_path: Path) -> None:
    assert _tables(None) is OURS
    (tmp_path / "e.yml").write_text("acme.tools.x: {scope: host}\n")
    mine = _tables(str(tmp_path / "e.yml"))
    assert is_known("acme.tools.x", mine) and is_known("copy", mine) and not is_known("acme.tools.x")


def test_a_bad_file_of_entries_ends_the_run_in_ansibles_way(tmp_path: Path) -> None:
    (tmp_path / "e.yml").write_text("acme.tools.x: {scope: hosts}\n")
    with pytest.raises(AnsibleError, match=r"e\.yml:1: acme\.tools\.x\.scope: expected none, host or world, found 'hosts'\nhint: did you mean host\?"):
        _tables(str(tmp_path / "e.yml"))
