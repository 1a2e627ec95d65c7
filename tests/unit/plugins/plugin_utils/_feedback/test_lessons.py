# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run teaches at its end: said once, kept always, and never the trouble of a run that is over."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.lessons import drawn
from ansible_collections.rustle.engine.plugins.plugin_utils._learning import analysis
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import StoreError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import MetricRecord, RecommendationRecord, ReportRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore

from tests.lab.history import a_run, run_id

LAST = 11
SLOWER = 'slower: "configure nginx" took 10.3 s on web02, usually 3.4 s (11 results); 3 more'
CHANGE = "change: web02 takes 2.3 times as long as other hosts of its class (slow-host)"


def history(tmp_path: Path, *, count: int = LAST + 1, slower: float = 3.0, said: tuple[int, str] | None = None) -> str:
    """Runs of a playbook, of which the last one is slower, as the writer has left them. ``said``: a run, and the line that was said of it."""
    path = str(tmp_path / "feedback.db")
    store = SqliteStore(path)
    for number in range(count):
        made = a_run(number, faults=False, slower=slower if number == LAST else 1.0)
        made.report, made.recommendations = None, []
        store.put(made.records)
    if said is not None:
        store.put([ReportRecord(execution=run_id(said[0]), lines=(said[1],), time=1.0)])
    store.close()
    return path


def test_what_is_said_is_kept_beside_the_run_with_what_it_stands_on(tmp_path: Path) -> None:
    lines, records = drawn(history(tmp_path), run_id(LAST), "site.yml")
    assert lines == (SLOWER, CHANGE)
    assert Counter(map(type, records)) == {RecommendationRecord: 1, ReportRecord: 1, MetricRecord: 1}
    assert {record.execution for record in records} == {run_id(LAST)}  # type: ignore[attr-defined]
    assert next(record.lines for record in records if isinstance(record, ReportRecord)) == lines
    assert len({record.time for record in records}) == 1  # type: ignore[attr-defined]


def test_the_first_run_of_a_playbook_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    lines, records = drawn(history(tmp_path, count=1), run_id(0), "site.yml")
    assert lines == ()
    assert not any(isinstance(record, MetricRecord) for record in records)


def test_what_was_said_a_run_ago_is_kept_and_not_said_again(tmp_path: Path) -> None:
    lines, records = drawn(history(tmp_path, said=(LAST - 1, CHANGE)), run_id(LAST), "site.yml")
    assert lines == (SLOWER,)
    assert next(record.lines for record in records if isinstance(record, ReportRecord)) == (SLOWER, CHANGE)


@pytest.mark.parametrize(("ago", "lines"), [(10, (SLOWER,)), (11, (SLOWER, CHANGE))])
def test_after_ten_runs_it_is_said_once_more(tmp_path: Path, ago: int, lines: tuple[str, ...]) -> None:
    assert drawn(history(tmp_path, said=(LAST - ago, CHANGE)), run_id(LAST), "site.yml")[0] == lines


def test_runs_of_another_playbook_teach_nothing_here(tmp_path: Path) -> None:
    assert drawn(history(tmp_path), run_id(LAST), "other.yml") == ((), [])


def test_a_run_that_was_not_recorded_teaches_nothing(tmp_path: Path) -> None:
    assert drawn(history(tmp_path, count=LAST), run_id(LAST), "site.yml") == ((), [])


@pytest.mark.parametrize("content", [None, b"this is no database" * 100])
def test_without_a_history_that_can_be_read_nothing_is_said_and_none_is_made(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "feedback.db"
    if content is not None:
        path.write_bytes(content)
    assert drawn(str(path), run_id(LAST), "site.yml") == ((), [])
    assert (path.read_bytes() if path.exists() else None) == content


def test_what_fails_at_the_end_of_a_run_fails_quietly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: object) -> None:
        raise StoreError("the disk is gone")

    path = history(tmp_path)
    monkeypatch.setattr(analysis, "findings", fails)
    assert drawn(path, run_id(LAST), "site.yml") == ((), [])
