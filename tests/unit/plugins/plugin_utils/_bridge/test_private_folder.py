# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.private_folder import PrivateFolder


def made(path: Path, limit: int = 100) -> PrivateFolder:
    return PrivateFolder(str(path / "cache"), limit=limit, endings=(".x",))


def test_what_is_written_is_for_us_alone(tmp_path: Path) -> None:
    assert made(tmp_path).write("a.x", b"data")
    assert made(tmp_path).read("a.x") == b"data"
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("cache", "cache/a.x")] == [0o700, 0o600]


def test_a_folder_that_others_may_write_to_is_neither_believed_nor_used(tmp_path: Path) -> None:
    made(tmp_path).write("a.x", b"data")
    (tmp_path / "cache").chmod(0o770)
    assert made(tmp_path).read("a.x") is None
    assert not made(tmp_path).write("b.x", b"data")


def test_the_least_recently_used_go_first_and_files_of_others_stay(tmp_path: Path) -> None:
    folder = made(tmp_path)
    for number, name in enumerate(("old.x", "used.x", "new.x", "other")):
        folder.write(name, b"-" * 50)
        os.utime(tmp_path / "cache" / name, (number, number))
    folder.touch("used.x")
    folder.prune()
    assert sorted(os.listdir(tmp_path / "cache")) == ["new.x", "other", "used.x"]
