# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.foreknowledge import Foreknowledge
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import ExecutionStarted
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord, ResultRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore

from tests.lab.history import a_run


def test_what_was_known_of_another_playbook_is_forgotten_when_a_run_begins(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    store = SqliteStore(str(path))
    store.put(a_run().records)
    store.close()
    known = Foreknowledge(str(path))
    known.begin(ExecutionStarted(execution="a", identity="site.yml"), lambda: None, hosts=True)
    assert set(known.expected) == {"web01", "web02", "web03"}
    path.unlink()
    known.begin(ExecutionStarted(execution="b", identity="other.yml"), lambda: None, hosts=True)
    assert known.expected == {}


def test_a_run_in_check_mode_says_nothing_of_how_long_a_host_takes(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    store = SqliteStore(str(path))
    store.put(a_run(check=True).records)
    store.close()
    told: list[bool] = []
    known = Foreknowledge(str(path))
    known.begin(ExecutionStarted(execution="a", identity="site.yml"), lambda: told.append(True), hosts=True)
    assert (told, known.expected) == ([True], {})


def test_the_better_path_is_known_from_results_of_modules_that_went_both_ways(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    store = SqliteStore(str(path))
    runs = [f"run{number}" for number in range(12)]
    store.put(ExecutionRecord(execution=run, identity="site.yml", started=float(number), status="success") for number, run in enumerate(runs))
    for number, run in enumerate(runs):
        by_agent = number % 2 == 0
        both = {"path": "agent" if by_agent else "stock", "duration": 2.0 + number / 100 if by_agent else 1.0 + number / 100}
        store.put([a_result(run, "both", **both), a_result(run, "one", path="agent", duration=5.0)])
    store.close()
    known = Foreknowledge(str(path))
    known.begin(ExecutionStarted(execution="a", identity="site.yml"), lambda: None, hosts=True)
    assert "through the agent" in known.slower_by_agent("ns.col.both", "ssh/linux")
    assert known.slower_by_agent("ns.col.one", "ssh/linux") == known.slower_by_agent("ns.col.both", "local/linux") == ""


def a_result(run: str, module: str, **fields: Any) -> ResultRecord:
    return ResultRecord(
        execution=run, task_id=f"{run} {module}", identity=module, module=f"ns.col.{module}", host="web1", host_class="ssh/linux", status="ok", ended=1.0,
        **fields)  # fmt: skip
