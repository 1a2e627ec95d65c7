# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import TaskRef
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import width
from ansible_collections.rustle.engine.plugins.plugin_utils._render.live import live, plain, still
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.tracker import Active, ExecutionTracker, Progress
from hypothesis import given
from hypothesis import strategies as st

ACTIVE = Active(task=TaskRef(task_id="t", identity="i", name="Install nginx", module="ansible.builtin.apt"), host="web3", since=100.0)
GOING = dataclasses.replace(
    ExecutionTracker().progress(), done=63, total=150, share=0.42, hosts=10, active=(ACTIVE,), slowest="web7", left=(40.0, 61.0), bundles=12, round_trips=9)


def line(progress: Progress, *, columns: int = 200, usual: tuple[float, float] | None = None, now: float = 114.0) -> str:
    return live(progress, Style(width=columns), now=now, usual=lambda active: usual)


def test_the_line_says_all_there_is_to_say() -> None:
    assert line(GOING, usual=(6.0, 9.0)) == (
        "━━━━━─────── 42 %, 63/150 tasks · web3: Install nginx 14 s (usually 6 to 9 s) · 40 s to 1 min 01 s left · 10 hosts · slowest web7 · 9 round trips")


def test_without_history_it_says_so() -> None:
    assert "no history yet" in line(dataclasses.replace(GOING, left=None))


def test_what_went_wrong_is_counted() -> None:
    assert "10 hosts (2 failed, 1 away)" in line(dataclasses.replace(GOING, hosts_failed=2, hosts_away=("a",)))


def test_others_that_run_are_counted() -> None:
    assert "Install nginx 14 s and 2 more" in line(dataclasses.replace(GOING, active=(ACTIVE,) * 3))


@given(columns=st.integers(1, 250), name=st.text(max_size=60), share=st.none() | st.floats(0, 1))
def test_it_is_never_wider_than_the_terminal(columns: int, name: str, share: float | None) -> None:
    active = dataclasses.replace(ACTIVE, task=dataclasses.replace(ACTIVE.task, name=name))
    text = line(dataclasses.replace(GOING, active=(active,), share=share), columns=columns)
    assert width(text) <= max(columns, 14)
    assert "\n" not in text
    assert "\x1b" not in text


def test_a_task_of_ten_seconds_is_held_against_its_usual_time() -> None:
    assert "usually" not in line(GOING, usual=(6.0, 9.0), now=109.0)
    assert still(ACTIVE, now=112.0, usual=(6.0, 9.0)) == "still running on web3: Install nginx, for 12 s (it usually takes 6 to 9 s)"
    assert still(dataclasses.replace(ACTIVE, done=2, total=5), now=112.0, usual=None) == (
        "still running on web3: Install nginx, for 12 s, item 3 of 5 (no history yet)")


def test_a_log_gets_words_only() -> None:
    assert plain(GOING, now=114.0, usual=lambda active: None) == (
        "progress: 42 %, 63/150 tasks, 10 hosts, web3: Install nginx 14 s, 40 s to 1 min 01 s left")


@pytest.mark.parametrize(
    ("left", "text"),
    [((0.2, 0.4), "0 s left"), ((6.0, 9.0), "6 to 9 s left"), ((6.0, 59.6), "6 s to 1 min 00 s left"), ((59.2, 3780.0), "59 s to 1 h 03 min left")],
)
def test_both_ends_of_a_range_are_read_in_the_unit_that_stands_behind_them(left: tuple[float, float], text: str) -> None:
    assert text in line(dataclasses.replace(GOING, left=left)).split(" · ")


@pytest.mark.parametrize(("now", "text"), [(100.4, "Install nginx 0 s"), (108.7, "Install nginx 9 s"), (225.0, "Install nginx 2 min 05 s")])
def test_what_still_grows_is_told_in_whole_seconds(now: float, text: str) -> None:
    assert f"web3: {text}" in line(GOING, now=now).split(" · ")
