# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import Record
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import width
from ansible_collections.rustle.engine.plugins.plugin_utils._render.progress import Progress, shown, text
from ansible_collections.rustle.engine.plugins.plugin_utils._render.style import Style
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking import tracker
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.tracker import ExecutionTracker
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.history import a_run

WIDE = Style(width=120)


def under_way(seconds: float, *, plays: bool = True) -> tuple[list[Record], float]:
    """Records of a run as the history has them after so many seconds."""
    run = a_run(1, faults=False, plays=plays)
    now = run.execution.started + seconds
    results = [
        one if (one.ended or 0) <= now else dataclasses.replace(one, status="running", final=False, ended=None, duration=None)
        for one in run.results
        if (one.began or 0) <= now
    ]
    execution = dataclasses.replace(run.execution, status="running", ended=None, round_trips=None, seen=now)
    bundles = [one for one in run.bundles if (one.sent or 0) <= now]
    return [execution, *run.plays, *run.tasks, *results, *bundles], now


def pictured(seconds: float, *, plays: bool = True, left: tuple[float, float] | None = (20.0, 31.0)) -> tuple[tracker.Progress, Progress]:
    records, now = under_way(seconds, plays=plays)
    picture = ExecutionTracker.from_records(records, forecast=lambda remaining: left).progress(now)
    return picture, shown(picture, now=now)


def test_every_figure_is_the_trackers() -> None:
    picture, one = pictured(8)
    renamed = {"throughput": picture.rate, "low": 20.0, "high": 31.0}
    for field in dataclasses.fields(Progress):
        if field.name != "active":
            assert getattr(one, field.name) == renamed.get(field.name, getattr(picture, field.name, "")), field.name
    assert sum(len(active.hosts) for active in one.active) == len(picture.active) > 0


def test_a_task_that_runs_on_several_hosts_is_one_line_with_its_longest_time() -> None:
    task = tracker.TaskRef(task_id="t", identity="t", name="Install", module="m")
    active = tuple(tracker.Active(task=task, host=host, since=since) for host, since in (("web2", 3.0), ("web1", 5.0)))
    one = shown(dataclasses.replace(pictured(8)[0], active=active), now=10.0)
    assert [(each.task, each.hosts, each.seconds) for each in one.active] == [("Install", ("web1", "web2"), 7.0)]
    assert text("site.yml", one, WIDE).splitlines()[-1] == "  Install on web1, web2 for 7.0 s"


def test_a_run_that_goes_on_has_a_share_and_what_runs_now() -> None:
    _picture, one = pictured(8)
    assert one.total == 36 and 0 < (one.share or 0) < 1 and one.elapsed == pytest.approx(8)
    lines = text("site.yml", one, WIDE).splitlines()
    assert lines[0] == f"site.yml: running, {one.share:.0%}, play Web servers".replace("%", " %")
    assert f"{one.done} of 36 results · 8.0 s · 20 s to 31 s left" in lines[1] and f"3 hosts · {one.round_trips} round trips" in lines[1]
    assert lines[-1].startswith("  ") and " on web0" in lines[-1] and " for " in lines[-1]


def test_without_history_nothing_is_made_up() -> None:
    assert "no history yet" in text("site.yml", pictured(8, left=None)[1], WIDE)
    _picture, one = pictured(8, plays=False)
    assert (one.total, one.share) == (None, None) and "%" not in text("site.yml", one, WIDE)


@pytest.mark.parametrize("plays", [True, False])
def test_a_run_that_has_ended_is_done_and_its_clock_stands(plays: bool) -> None:
    run = a_run(1, plays=plays)
    picture = ExecutionTracker.from_records(run.records).progress(run.execution.started + 9999)
    one = shown(picture, now=run.execution.started + 9999)
    assert (one.status, one.done, one.total, one.share, one.failed, one.active) == ("failed", 36, 36, 1.0, 1, ())
    assert one.elapsed == pytest.approx((run.execution.ended or 0) - run.execution.started)
    lines = text("site.yml", one, WIDE)
    assert lines.startswith("site.yml: failed\n") and "1 failure (2.8 %)" in lines and "left" not in lines


@given(st.floats(0, 60), st.integers(1, 130))
def test_shares_are_shares_and_lines_fit(seconds: float, columns: int) -> None:
    _picture, one = pictured(seconds, left=(0.0, 1e6))
    assert 0 <= (one.share or 0) <= 1 and (one.total or 0) >= one.done
    assert all(width(line) <= Style(width=columns).cells for line in text("site.yml", one, Style(width=columns)).splitlines())
