# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._render import run_text
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import width
from ansible_collections.rustle.engine.plugins.plugin_utils._render.history_view import past_of
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import Past, Run
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lab.history import a_run, runs

from .test_report_html import HOSTILE, replaced, view

WIDE = Style(width=120)


@pytest.fixture(scope="module")
def run() -> Run:
    return view(a_run(1))


def test_a_run_tells_what_failed_what_took_time_what_was_done_and_what_to_change(run: Run) -> None:
    text = run_text.run(run, Past(), WIDE)
    assert text.startswith("site.yml: failed\n")
    for line in (
        "12 tasks · 3 hosts · 1 failed, 9 changed, 22 ok, 4 skipped · 44 round trips · 8 bundles",
        "> check the database is 40 % slower than usual on web02",
        "failed: check users on web01 (timeout)\n  Timeout when waiting for 10.0.0.7:8080",
        "critical: Turn host key checking on\n  host_key_checking: it was off in all of 10 runs\n    [defaults]\n    host_key_checking = True",
    ):
        assert line in text, line
    rows = {line.split()[0]: line for line in text.splitlines() if line.startswith(("retry ", "host_reallocation "))}
    assert "helped" in rows["retry"] and "check log rotation" in rows["retry"] and "rejected (not-allowed)" in rows["host_reallocation"]


def test_tasks_are_the_slowest_or_all_in_order(run: Run) -> None:
    slowest, every = (run_text.run(run, Past(), WIDE, tasks=tasks) for tasks in (False, True))
    assert "SLOWEST TASKS" in slowest and "install nginx " not in slowest
    assert [line.task.name for line in run.task_lines] == [
        line.split("  ")[0] for line in every.split("TASK  ")[1].split("\n\n")[0].splitlines()[1:]
    ]


def test_history_tells_what_is_usual(run: Run) -> None:
    every = list(map(view, runs(8)))
    text = run_text.run(every[-1], past_of(every[:-1]), WIDE)
    assert "usually 27 s, in 7 earlier runs" in text
    line = next(line for line in text.splitlines() if line.startswith("configure nginx"))
    assert "+93 %" in line and "▅▅▅▅▅▄▅█" in line


def test_a_run_that_has_just_begun_is_one_of_few_lines() -> None:
    text = run_text.run(Run(ExecutionRecord(execution="0" * 32, playbook="a.yml", started=1_790_000_000.0)), Past(), WIDE)
    assert text.startswith("a.yml: running\n") and len(text.splitlines()) == 3


def test_a_change_of_little_is_none() -> None:
    assert [run_text.times(now, 100.0) for now in (104.0, 96.0, 157.0, 50.0, 210.0, None)] == ["", "", "+57 %", "-50 %", "2.1 times", ""]
    assert run_text.times(1.0, 0.0) == ""


def test_sparks_are_parts_of_the_greatest() -> None:
    assert run_text.sparks([1.0, 2.0, 8.0]) == "▂▃█" and run_text.sparks([1.0]) == "" and run_text.sparks([0.0, 0.0]) == ""
    assert len(run_text.sparks([float(n) for n in range(50)])) == 12


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=60) | st.sampled_from(HOSTILE), st.integers(1, 130), st.booleans())
def test_whatever_names_are_lines_fit_and_move_no_cursor(text: str, columns: int, tasks: bool) -> None:
    style = Style(width=columns)
    shown = run_text.run(replaced(a_run(1, tasks=6), text), Past(), style, tasks=tasks)
    assert all(width(line) <= style.cells and line.isprintable() for line in shown.split("\n"))


def test_recommendations_come_by_severity_and_gain(run: Run) -> None:
    first = run.recommendations[0]
    every = [dataclasses.replace(first, title=title, gain=gain) for title, gain in (("some", 1.0), ("more", 9.0), ("no speed", None))]
    text = run_text.recommendations([*every, run.recommendations[1]], {}, WIDE)
    titles = [line for line in text.splitlines() if not line.startswith(" ")]
    assert titles == ["critical: Turn host key checking on", "info: more (saves about 9.0 s a run)", "info: some (saves about 1.0 s a run)", "info: no speed"]
    assert run_text.recommendations([], {}, WIDE) == "nothing to recommend\n"


def test_a_run_shows_the_first_recommendations_and_counts_the_others(run: Run) -> None:
    many = tuple(dataclasses.replace(run.recommendations[0], code=str(number), title=f"advice {number}", gain=float(number)) for number in range(8))
    text = run_text.run(dataclasses.replace(run, recommendations=many), Past(), WIDE)
    assert "advice 7" in text and "advice 3" in text and "advice 2" not in text and "3 more: rustle-feedback recommend" in text


def test_who_is_named_in_the_title_is_not_named_again(run: Run) -> None:
    one = dataclasses.replace(run.recommendations[0], title='"install nginx" always reports changed', evidence="all 5 results of 5 runs")
    assert "\n  all 5 results of 5 runs\n" in run_text.recommendations([one], run.names, WIDE)
