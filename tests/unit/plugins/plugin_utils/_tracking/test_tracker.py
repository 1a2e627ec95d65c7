# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.tracker import ExecutionTracker, Progress, Remaining
from hypothesis import given
from hypothesis import strategies as st

HOSTS = ("a", "b", "c")


def task(name: str) -> events.TaskRef:
    return events.TaskRef(task_id=f"id-{name}", identity=name, name=name, module="ansible.builtin.command")


def numbered(told: Sequence[events.Event]) -> list[events.Event]:
    """With their places, a second apart."""
    return [dataclasses.replace(one, execution="e", sequence=n, time=1000.0 + n, monotonic=float(n)) for n, one in enumerate(told, 1)]


def run(names: Sequence[str] = ("one", "two"), *, hosts: Sequence[str] = HOSTS, plays: int = 1) -> list[events.Event]:
    told: list[events.Event] = [events.ExecutionStarted(playbook="site.yml", plays=plays)]
    for number in range(plays):
        ids = [f"{number}-{name}" for name in names]
        told.append(events.PlayStarted(play=f"play {number}", play_id=f"p{number}", hosts=tuple(hosts), tasks=len(ids), identities=tuple(ids)))
        for name in ids:
            told += [events.TaskStarted(task=task(name), host=host) for host in hosts]
            told += [events.TaskCompleted(task=task(name), host=host, duration=1.0, changed=host == "a") for host in hosts]
    told.append(events.ExecutionCompleted(status="success"))
    return numbered(told)


def tracked(told: Sequence[events.Event]) -> ExecutionTracker:
    tracker = ExecutionTracker()
    for one in told:
        tracker.take(one)
    return tracker


def pictures(told: Sequence[events.Event]) -> list[Progress]:
    tracker = ExecutionTracker()
    found = []
    for one in told:
        tracker.take(one)
        found.append(tracker.progress())
    return found


def test_a_run_from_its_beginning_to_its_end() -> None:
    told = run()
    middle = tracked(told[:8]).progress()  # a and b of the first task begun, all ended: 2 + 3 + 3 events
    assert (middle.status, middle.play, middle.done, middle.total, middle.ok, middle.changed) == ("running", "play 0", 3, 6, 3, 1)
    assert middle.share == pytest.approx(0.5)
    assert middle.active == ()
    end = tracked(told).progress()
    assert (end.status, end.done, end.total, end.share, end.hosts, end.errors) == ("success", 6, 6, 1.0, 3, 0.0)


def test_what_runs_now_is_there_with_its_beginning() -> None:
    active = tracked(run()[:4]).progress(now=10.0).active
    assert [(one.host, one.task.name, one.since) for one in active] == [("a", "0-one", 3.0), ("b", "0-one", 4.0)]


@given(plays=st.integers(1, 3), names=st.lists(st.sampled_from("uvwxyz"), min_size=1, max_size=4, unique=True))
def test_the_share_never_goes_back_and_is_whole_only_at_the_end(plays: int, names: list[str]) -> None:
    shares = [picture.share for picture in pictures(run(names, plays=plays)) if picture.share is not None]
    assert shares == sorted(shares)
    assert all(share < 1 for share in shares[:-1])
    assert shares[-1] == 1.0


@given(seed=st.integers(0, 10_000))
def test_order_and_copies_of_events_do_not_change_the_end(seed: int) -> None:
    told = run(plays=1)
    chance = random.Random(seed)
    first, rest = told[:2], told[2:]
    mixed = rest + chance.choices(rest, k=10)
    chance.shuffle(mixed)
    one, other = tracked(told).progress(), tracked([*first, *mixed]).progress()
    for name in ("status", "done", "total", "share", "ok", "changed", "failed", "hosts", "active"):
        assert getattr(one, name) == getattr(other, name)


def test_tasks_that_nobody_knew_of_make_the_whole_larger() -> None:
    told = run()
    extra = [events.TaskStarted(task=task("included"), host="a"), events.TaskCompleted(task=task("included"), host="a")]
    pictured = tracked(numbered([*told[:5], *extra])).progress()
    assert (pictured.done, pictured.total) == (1, 7)


def test_a_failed_host_has_nothing_before_it_any_more() -> None:
    told = run()
    failed = events.TaskFailed(task=task("0-one"), host="a", message="no")
    pictured = tracked(numbered([*told[:5], failed])).progress()
    assert (pictured.failed, pictured.hosts_failed, pictured.done, pictured.total) == (1, 1, 1, 5)
    assert pictured.errors == 1.0


def test_a_host_that_was_rescued_goes_on() -> None:
    told = run()
    failed = events.TaskFailed(task=task("0-one"), host="a", message="no")
    rescue = events.TaskStarted(task=task("0-two"), host="a")
    pictured = tracked(numbered([*told[:5], failed, rescue])).progress()
    assert (pictured.failed, pictured.hosts_failed, pictured.total) == (1, 0, 6)


def test_a_failure_that_is_held_back_is_none() -> None:
    told = run()
    held = events.TaskFailed(task=task("0-one"), host="a", final=False)
    pictured = tracked(numbered([*told[:5], held])).progress()
    assert (pictured.failed, pictured.done, len(pictured.active)) == (0, 0, 3)


def test_without_numbers_beforehand_there_is_no_share() -> None:
    told = numbered([events.ExecutionStarted(), events.PlayStarted(hosts=("a",), tasks=None), events.TaskStarted(task=task("x"), host="a")])
    pictured = tracked(told).progress()
    assert (pictured.total, pictured.share, pictured.left) == (None, None, None)


def test_who_joins_in_the_middle_sees_what_happens_from_then_on() -> None:
    pictured = tracked(run()[6:]).progress()
    assert (pictured.status, pictured.done, pictured.share) == ("success", 5, 1.0)


def test_another_runs_events_are_passed_over() -> None:
    told = run()
    other = [dataclasses.replace(one, execution="other") for one in told]
    assert tracked([*told[:3], *other]).progress() == tracked(told[:3]).progress()


def test_hosts_that_are_away_are_named_until_they_are_back() -> None:
    told = numbered([*run()[:3], events.HostUnavailable(host="b"), events.HostUnavailable(host="c"), events.HostRecovered(host="b")])
    assert tracked(told).progress().hosts_away == ("c",)


def test_the_forecast_gets_what_is_left_of_each_host() -> None:
    asked: list[Remaining] = []

    def forecast(remaining: Remaining) -> tuple[float, float]:
        asked.append(remaining)
        return 1.0, 2.0

    tracker = ExecutionTracker(forecast=forecast)
    for one in run()[:7]:
        tracker.take(one)
    assert tracker.progress().left == (1.0, 2.0)
    assert [(one.host, [task.identity for task in one.left]) for one in asked[0].queues] == [(host, ["0-two"]) for host in HOSTS]
    assert [[task.identity for task in one.done] for one in asked[0].queues] == [["0-one"], ["0-one"], []]
    assert [one.running and one.running.identity for one in asked[0].queues] == [None, None, "0-one"]
    assert asked[0].queues[2].since == 7.0 - 5.0


def test_between_two_forecasts_the_last_one_shrinks() -> None:
    asked: list[Remaining] = []

    def forecast(remaining: Remaining) -> tuple[float, float]:
        asked.append(remaining)
        return 0.2, 9.0

    tracker = ExecutionTracker(forecast=forecast)
    for one in run()[:7]:
        tracker.take(one)
    assert tracker.progress(10.0).left == (0.2, 9.0)
    assert tracker.progress(10.5).left == (0.0, 8.5)
    assert len(asked) == 1
    assert tracker.progress(11.5).left == (0.2, 9.0)
    assert len(asked) == 2


def test_the_slowest_host_and_the_rate() -> None:
    told = run()[:2]
    ends = [events.TaskCompleted(task=task("0-one"), host=host, duration=seconds) for host, seconds in zip(HOSTS, (1.0, 5.0, 2.0), strict=True)]
    pictured = tracked(numbered([*told, *ends])).progress()
    assert pictured.slowest == "b"
    assert pictured.rate == pytest.approx(3 / 4)


def test_a_handler_that_runs_again_counts_again() -> None:
    handler = task("handler")
    begin, end = events.TaskStarted(task=handler, host="a"), events.TaskCompleted(task=handler, host="a", changed=True)
    told = [*run()[:5], begin, end, begin]
    again = tracked(numbered(told)).progress()
    assert (again.done, again.changed, again.total, [one.task.name for one in again.active]) == (1, 1, 8, ["0-one", "0-one", "0-one", "handler"])
    assert tracked(numbered([*told, end])).progress().done == 2


def test_a_task_that_the_play_has_twice_is_expected_twice() -> None:
    pictured = pictures(run(("one", "one")))
    assert {picture.total for picture in pictured[1:]} == {6} and pictured[-1].done == 6


def test_round_trips_move_with_each_bundle_and_the_run_has_the_last_word() -> None:
    sent = [events.BundleSent(host="a", bundle=1), events.BundleSent(host="a", bundle=2, joined=True), events.BundleSent(host="b", bundle=3)]
    told = [events.ExecutionStarted(), *sent, events.ExecutionCompleted(round_trips=5)]
    assert [(picture.bundles, picture.round_trips) for picture in pictures(numbered(told))] == [(0, None), (1, 1), (2, 1), (3, 2), (3, 5)]


def test_the_clock_of_a_run_stands_when_it_has_ended() -> None:
    told = run()
    assert tracked(told).progress(told[-1].monotonic + 100).elapsed == told[-1].monotonic - told[0].monotonic
