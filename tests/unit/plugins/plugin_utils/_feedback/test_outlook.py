# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said, while a run goes on, of the time that its tasks and its rest usually take."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.outlook import Outlooks, ordering_of
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import ExecutionStarted, TaskRef
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.tracker import Active, Placed, Queue, Remaining

from tests.lab.history import a_run

BEGUN = ExecutionStarted(execution="now", identity="site.yml", forks=5)


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = str(tmp_path / "feedback.db")
    store = SqliteStore(path)
    for number in range(6):
        store.put(a_run(number, faults=False).records)
    store.close()
    return path


def rest(outlooks: Outlooks, strategy: str = "linear") -> Remaining:
    """Two tasks that the history knows, on one of its hosts; asked for once, and what is known of them is there by then."""
    result = next(one for one in a_run(faults=False).results)
    left = tuple(Placed(f"site.yml:{order}", "ansible.builtin.copy", order) for order in range(2))
    remaining = Remaining(elapsed=0.0, strategy=strategy, queues=(Queue(host=result.host, host_class=result.host_class, left=left),))
    assert outlooks.left(remaining) is None  # nobody waits for the history
    for thread in threading.enumerate():
        if thread.name == "rustle history":
            thread.join(60)
    return remaining


def active(order: int = 0) -> Active:
    result = next(one for one in a_run(faults=False).results)
    task = TaskRef(task_id="t", identity=f"site.yml:{order}", name="it", module="ansible.builtin.copy")
    return Active(task=task, host=result.host, since=0.0, host_class=result.host_class)


def test_once_the_history_was_read_the_rest_of_the_play_and_its_tasks_have_a_usual_time(database: str) -> None:
    outlooks = Outlooks(database)
    outlooks.begin(BEGUN)
    assert outlooks.usual(active()) is None
    remaining = rest(outlooks)
    left, usual = outlooks.left(remaining), outlooks.usual(active())
    assert left is not None and 0 < left[0] <= left[1]
    assert usual is not None and 0 < usual[0] <= usual[1]
    assert outlooks.overdue(active(), fixed=0.0).seconds == usual[1]


def test_what_was_known_of_another_playbook_is_not_said_of_this_one(database: str) -> None:
    outlooks = Outlooks(database)
    outlooks.begin(BEGUN)
    rest(outlooks)
    outlooks.begin(ExecutionStarted(execution="next", identity="other.yml"))
    assert outlooks.usual(active()) is None
    assert outlooks.overdue(active(), fixed=10.0).rationale == "no history yet"
    assert outlooks.left(rest(outlooks)) is None


@pytest.mark.parametrize("content", [None, b"this is no database" * 100])
def test_without_a_history_that_can_be_read_nothing_is_said_and_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    raised: list[object] = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    path = tmp_path / "feedback.db"
    if content is not None:
        path.write_bytes(content)
    outlooks = Outlooks(str(path))
    outlooks.begin(BEGUN)
    assert outlooks.left(rest(outlooks)) is None
    assert (path.read_bytes() if path.exists() else None) == content
    assert not raised


@pytest.mark.parametrize(
    ("strategy", "ordering"),
    [
        ("linear", "linear"), ("ansible.builtin.linear", "linear"), ("debug", "linear"), ("free", "free"), ("ansible.builtin.free", "free"),
        ("host_pinned", "free"), ("ansible.builtin.host_pinned", "free"), ("rustle.engine.rustle_binary_hybrid", "free"),
    ],
)
def test_whether_hosts_wait_for_each_other_does_not_depend_on_how_the_strategy_is_written(strategy: str, ordering: str) -> None:
    assert ordering_of(strategy) == ordering
