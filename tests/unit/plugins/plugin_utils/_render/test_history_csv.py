# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import csv
import io

from ansible_collections.rustle.engine.plugins.plugin_utils._render import history_csv
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lab.history import a_run

from .test_report_html import HOSTILE, replaced, view


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_there_is_a_line_for_each_attempt_with_its_run_and_task() -> None:
    run = view(a_run(1))
    found = rows(history_csv.text([run]))
    assert len(found) == len(run.results) and tuple(found[0]) == history_csv.COLUMNS
    failed = next(row for row in found if row["status"] == "failed" and row["final"] == "1")
    assert (failed["task"], failed["task_path"], failed["path"], failed["host"]) == ("check users", "/srv/site.yml:50", "agent", "web01")
    assert failed["message"] == "Timeout when waiting for 10.0.0.7:8080" and failed["run_status"] == "failed"
    assert float(failed["duration"]) > 0 and next(row for row in found if row["path"] == "stock")["cpu"] == ""


@settings(max_examples=20)
@given(st.text(st.characters(exclude_characters="\r\n\0"), min_size=1, max_size=30) | st.sampled_from([*HOSTILE, 'a,b"c', "two\nlines"]))
def test_any_text_comes_back_from_it(text: str) -> None:
    assert {row["task"] for row in rows(history_csv.text([replaced(a_run(1, tasks=3), text)]))} == {text}
