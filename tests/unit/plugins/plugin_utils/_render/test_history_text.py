# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._render import history_text
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import width
from ansible_collections.rustle.engine.plugins.plugin_utils._render.history_view import Trending, compared, host_histories, task_histories
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lab.history import a_run, runs

from .test_report_html import HOSTILE, replaced, view

WIDE = Style(width=120)
EVERY = list(map(view, runs(8)))


def lines(text: str) -> list[list[str]]:
    return [line.split("  ") for line in text.splitlines()]


def test_runs_are_a_line_each() -> None:
    text = history_text.runs([run.execution for run in reversed(EVERY)], WIDE)
    assert len(text.splitlines()) == 9 and "RATED" not in text
    newest = text.splitlines()[1].split()
    assert newest[:1] == [EVERY[-1].execution.execution[:8]] and "failed" in newest and newest[-1] == "44"


def test_tasks_have_their_history() -> None:
    text = history_text.tasks(task_histories(EVERY), WIDE)
    row = next(line for line in text.splitlines() if line.startswith("check users"))
    assert "▃▅▃▃▅▃▃█" in row and row.endswith(" 3")


def test_hosts_have_their_pace() -> None:
    text = history_text.hosts(host_histories(EVERY), WIDE)
    assert text.splitlines()[1].split()[:3] == ["web02", "8", "2.03"] and "pace: how long" in text


def test_two_runs_show_what_changed() -> None:
    rows = [dataclasses.replace(one, significant=one.name == "check users") for one in compared(EVERY[-2], EVERY[-1])]
    text = history_text.compare(EVERY[-2], EVERY[-1], rows, WIDE)
    assert "took 27 s, then 39 s (+41 %)" in text and "2 tasks as before" in text
    by_name = {line.split("  ")[0]: line for line in text.splitlines()}
    assert "slower" in by_name["check users"] and by_name["check users"].endswith("failed")
    assert "may be chance" in by_name["configure nginx"]
    assert "more tasks that differ (--limit)" in history_text.compare(EVERY[-2], EVERY[-1], rows, WIDE, most=2)


def test_a_run_beside_itself_does_not_differ() -> None:
    assert "no task differs" in history_text.compare(EVERY[0], EVERY[0], compared(EVERY[0], EVERY[0]), WIDE)


def test_what_moves_is_shown_and_the_rest_is_counted() -> None:
    moving = Trending("task", "i", "slow one", "degrading", 1.0, 2.5, 0.001, (1.0, 1.5, 2.5))
    text = history_text.trends([moving, Trending("host", "h1", "h1", "stable", 1.0, 1.0, 0.9, ())], 5, WIDE)
    assert "task  slow one  degrading   1.0 s  2.5 s  2.5 times  ▄▅█" in text and "1 others are stable, in 5 runs" in text
    host = Trending("host", "h1", "h1", "improving", 2.0, 1.0, 0.001, (2.0, 1.0))
    assert "improving    2.00  1.00  -50 %" in history_text.trends([host], 5, WIDE)
    assert "nothing becomes slower or faster" in history_text.trends([dataclasses.replace(host, direction="stable")], 5, WIDE)


@pytest.mark.parametrize("show", [history_text.runs, history_text.tasks, history_text.hosts])
def test_nothing_is_said_to_be_none(show: Callable[..., str]) -> None:
    assert show([], WIDE) == f"no {show.__name__}\n"


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=60) | st.sampled_from(HOSTILE), st.integers(1, 130))
def test_whatever_names_are_lines_fit(text: str, columns: int) -> None:
    style = Style(width=columns)
    one, other = replaced(a_run(1, tasks=6), text), view(a_run(2, tasks=6))
    for shown in (
        history_text.runs([one.execution], style), history_text.tasks(task_histories([one]), style), history_text.hosts(host_histories([one]), style),
        history_text.compare(one, other, compared(one, other), style),
    ):  # fmt: skip
        assert all(width(line) <= style.cells and line.isprintable() for line in shown.split("\n"))
