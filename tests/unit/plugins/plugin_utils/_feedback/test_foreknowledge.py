# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from pathlib import Path

from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.foreknowledge import Foreknowledge
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import ExecutionStarted
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore

from tests.lab.history import a_run


def test_what_was_known_of_another_playbook_is_forgotten_when_a_run_begins(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    store = SqliteStore(str(path))
    store.put(a_run().records)
    store.close()
    known = Foreknowledge(str(path))
    known.begin(ExecutionStarted(execution="a", identity="site.yml"), lambda: None, wait=True)
    assert set(known.expected) == {"web01", "web02", "web03"}
    path.unlink()
    known.begin(ExecutionStarted(execution="b", identity="other.yml"), lambda: None, wait=True)
    assert known.expected == {}


def test_a_run_in_check_mode_says_nothing_of_how_long_a_host_takes(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    store = SqliteStore(str(path))
    store.put(a_run(check=True).records)
    store.close()
    told: list[bool] = []
    known = Foreknowledge(str(path))
    known.begin(ExecutionStarted(execution="a", identity="site.yml"), lambda: told.append(True), wait=True)
    assert (told, known.expected) == ([True], {})
