# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import ctypes.util
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.watching import Watch


def test_a_folder_that_somebody_only_makes_sure_of_still_counts(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    watch = Watch(installed=())
    watch.start()
    try:
        os.makedirs(tmp_path / "there", exist_ok=True)
        os.makedirs(tmp_path / "new")
        for name in ("there", "new"):
            os.path.exists(tmp_path / name / "x")
    finally:
        watch.stop()
    looked = {path for _kind, path in watch.lasting()}
    assert str(tmp_path / "there" / "x") in looked
    assert str(tmp_path / "new" / "x") not in looked


@pytest.mark.parametrize("prefix", [None, "elsewhere"])
def test_byte_code_counts_as_its_source_wherever_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefix: str | None) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", prefix and str(tmp_path / prefix))
    installed, mine = tmp_path / "installed" / "code.py", tmp_path / "mine.py"
    watch = Watch(installed=[str(installed.parent)])
    for source in (installed, mine):
        watch.look("file", importlib.util.cache_from_source(str(source)))
    watch.look("file", str(tmp_path / "other.pyc"))
    assert watch.lasting() == [("file", str(mine)), ("file", str(tmp_path / "other.pyc"))]


def test_a_program_is_a_reason_against_remembering_but_for_one_that_finds_a_library() -> None:
    watch = Watch(installed=())
    watch.is_loaded = True
    watch.start()
    try:
        ctypes.util.find_library("c")
        assert watch.against is None
        subprocess.run(["true"], check=True)
    finally:
        watch.stop()
    assert watch.against == "a program was run"
