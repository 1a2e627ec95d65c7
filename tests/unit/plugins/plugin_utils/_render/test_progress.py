# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import width
from ansible_collections.rustle.engine.plugins.plugin_utils._render.progress import coming, progress, text
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import Run
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.history import a_run

from .test_report_html import view

LIKE = view(a_run(0, faults=False))
WIDE = Style(width=120)


def under_way(seconds: float) -> tuple[Run, float]:
    """The next run, as the history has it after so many seconds."""
    run = view(a_run(1, faults=False))
    now = run.execution.started + seconds
    results = tuple(
        one if (one.ended or 0) <= now else dataclasses.replace(one, status="running", ended=None, duration=None)
        for one in run.results
        if (one.began or 0) <= now
    )
    execution = dataclasses.replace(run.execution, status="running", ended=None, seen=now)
    return Run(execution, tasks=tuple(one for one in run.tasks if any(result.task_id == one.task_id for result in results)), results=results), now


def test_what_is_to_come_is_what_the_last_run_had() -> None:
    run, _now = under_way(8)
    left = coming(run, LIKE)
    assert len(left) + len(run.last) == len(LIKE.last)
    assert not {(one.host, one.identity) for one in left} & {(one.host, one.identity) for one in run.last}
    assert coming(run, None) == ()


def test_a_new_host_is_expected_to_do_what_others_did() -> None:
    run, _now = under_way(8)
    renamed = dataclasses.replace(run, results=tuple(dataclasses.replace(one, host="new") for one in run.results if one.host == "web01"))
    assert {one.host for one in coming(renamed, LIKE)} == {"new"} and len(coming(renamed, LIKE)) == 12 - len(renamed.last)


def test_a_run_that_goes_on_has_a_share_and_what_runs_now() -> None:
    run, now = under_way(8)
    one = progress(run, coming(run, LIKE), now=now, low=20.0, high=31.0)
    assert one.total == 36 and 0 < (one.share or 0) < 1 and one.elapsed == pytest.approx(8)
    shown = text(run.name, one, WIDE).splitlines()
    assert shown[0] == f"site.yml: running, {one.done / 36:.0%}".replace("%", " %")
    assert f"{one.done} of 36 results · 8.0 s · 20 s to 31 s left" in shown[1]
    assert shown[2].startswith("  ") and " on web0" in shown[2] and " for " in shown[2]


def test_without_history_nothing_is_made_up() -> None:
    run, now = under_way(8)
    one = progress(run, None, now=now)
    assert (one.total, one.low) == (36, None) and "no history yet" in text(run.name, one, WIDE)
    unplanned = dataclasses.replace(run, execution=dataclasses.replace(run.execution, planned_tasks=None))
    one = progress(unplanned, None, now=now)
    assert (one.total, one.share) == (None, None) and "%" not in text(run.name, one, WIDE)


def test_a_run_that_has_ended_is_done() -> None:
    run = view(a_run(1))
    one = progress(run, None, now=run.execution.started + 9999)
    assert (one.status, one.done, one.total, one.failed, one.active) == ("failed", 36, 36, 1, ())
    shown = text(run.name, one, WIDE)
    assert shown.startswith("site.yml: failed\n") and "1 failure (2.8 %)" in shown and "left" not in shown


@given(st.floats(0, 60), st.integers(1, 130))
def test_shares_are_shares_and_lines_fit(seconds: float, columns: int) -> None:
    run, now = under_way(seconds)
    one = progress(run, coming(run, LIKE), now=now, low=0.0, high=1e6)
    assert 0 <= (one.share or 0) <= 1 and (one.total or 0) >= one.done
    assert all(width(line) <= Style(width=columns).cells for line in text(run.name, one, Style(width=columns)).splitlines())
