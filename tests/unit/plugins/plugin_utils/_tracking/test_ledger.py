# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which records a run leaves, whatever way its events take to the ledger."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, Measures, TaskRef
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import (
    AdaptationRecord,
    BundleRecord,
    ExecutionRecord,
    MetricRecord,
    PlayRecord,
    ResultRecord,
    TaskRecord,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.ledger import MAKERS, Ledger
from hypothesis import given, settings
from hypothesis import strategies as st

COPY = TaskRef(task_id="t1", identity="id1", name="copy it", module="ansible.builtin.copy", path="site.yml:4", play="all", traits=("become",))
STAT = TaskRef(task_id="t2", identity="id2", name="look", module="ansible.builtin.stat", order=1)


def in_order(*given: Event, execution: str = "r") -> list[Event]:
    return [
        dataclasses.replace(one, execution=execution, sequence=number, time=100.0 + number, monotonic=float(number)) for number, one in enumerate(given, 1)
    ]


def kept(stream: Iterable[Event], ledger: Ledger | None = None) -> dict[tuple[Any, ...], Any]:
    """The last record of each key, as a store keeps them."""
    ledger = ledger or Ledger()
    rows: dict[tuple[Any, ...], Any] = {}
    for one in stream:
        for record in (*ledger.handle(one), *ledger.pulse()):
            rows[(type(record), *(getattr(record, name) for name in record.KEY))] = record
    return rows


def of(rows: dict[tuple[Any, ...], Any], kind: type) -> list[Any]:
    return [record for record in rows.values() if type(record) is kind]


START = events.ExecutionStarted(
    playbook="site.yml", identity="x/site.yml", tags=("web", "db"), forks=5, user="bob", controller="here", pid=7, traits=("pipelining",)
)
PLAY = events.PlayStarted(play="all", strategy="linear", hosts=("a", "b"), tasks=2, traits=("serial",))


def test_a_run_is_kept_from_its_beginning_with_its_counts() -> None:
    rows = kept(in_order(
        START, PLAY, events.PlayStarted(strategy="rustle_binary_hybrid", hosts=("b", "c"), tasks=1),
        events.TaskCompleted(task=COPY, host="a", changed=True), events.TaskSkipped(task=COPY, host="b"),
        events.TaskFailed(task=STAT, host="a", ignored=True), events.TaskFailed(task=STAT, host="b"),
    ))  # fmt: skip
    assert of(rows, ExecutionRecord) == [
        ExecutionRecord(
            execution="r", playbook="site.yml", identity="x/site.yml", strategy="linear,rustle_binary_hybrid", tags="web,db", forks=5, user="bob",
            controller="here", pid=7, traits=("pipelining", "serial"), started=101.0, seen=107.0, status="running", hosts=3, planned_tasks=6,
            ok=2, changed=1, failed=1, skipped=1, ignored=1)
    ]  # fmt: skip


def test_the_recap_has_the_last_word_and_the_run_its_numbers() -> None:
    totals = {"ok": 9, "changed": 3, "failed": 1, "unreachable": 0, "skipped": 0, "rescued": 1, "ignored": 0, "unheard": 5}
    measures = Measures(bytes_up=100, bytes_down=30, cpu=0.25)
    rows = kept(in_order(
        START, PLAY, events.TaskCompleted(task=COPY, host="a", measures=measures), events.TaskCompleted(task=COPY, host="b", measures=measures),
        events.ExecutionCompleted(status="failed", totals=totals, round_trips=4, bundles=2),
    ))  # fmt: skip
    (run,) = of(rows, ExecutionRecord)
    assert (run.status, run.ended, run.ok, run.rescued, run.round_trips, run.bundles) == ("failed", 105.0, 9, 1, 4, 2)
    assert {one.name: (one.value, one.unit) for one in of(rows, MetricRecord)} == {
        "makespan": (4.0, "s"), "results": (2, "count"), "round_trips": (4, "count"), "bundles": (2, "count"), "bytes_up": (200, "bytes"),
        "bytes_down": (60, "bytes"), "cpu": (0.5, "s"),
    }  # fmt: skip


def test_what_linear_does_not_tell_is_no_number() -> None:
    rows = kept(in_order(START, events.TaskCompleted(task=COPY, host="a"), events.ExecutionCompleted()))
    assert {one.name for one in of(rows, MetricRecord)} == {"makespan", "results"}
    assert of(rows, ResultRecord)[0].calls is None


def test_includes_make_the_number_of_tasks_unknown() -> None:
    (run,) = of(kept(in_order(START, PLAY, events.PlayStarted(hosts=("a",), tasks=None))), ExecutionRecord)
    assert run.planned_tasks is None


def test_a_task_is_kept_once_and_its_result_from_its_start() -> None:
    ledger = Ledger()
    stream = in_order(START, events.TaskStarted(task=COPY, host="a"), events.TaskStarted(task=COPY, host="b"))
    rows = kept(stream, ledger)
    assert of(rows, TaskRecord) == [
        TaskRecord(
            execution="r", task_id="t1", identity="id1", name="copy it", module="ansible.builtin.copy", path="site.yml:4", play="all", traits=("become",),
            started=102.0)
    ]  # fmt: skip
    assert [(one.host, one.status, one.final, one.began, one.ended) for one in of(rows, ResultRecord)] == [
        ("a", "running", False, 102.0, None), ("b", "running", False, 103.0, None)
    ]  # fmt: skip


def test_an_ended_task_has_its_measures() -> None:
    measures = Measures(start=1.0, end=2.0, cpu=0.5, maxrss=6, block_in=7, block_out=8, bytes_up=9, bytes_down=10, queued=0.1, calls=2)
    ended = events.TaskCompleted(
        task=COPY, host="a", changed=True, duration=0.9, path="agent", path_reason="x", host_class="ssh/linux", measures=measures, items=3
    )
    (found,) = of(kept(in_order(START, events.TaskStarted(task=COPY, host="a"), ended)), ResultRecord)
    assert found == ResultRecord(
        execution="r", task_id="t1", identity="id1", module="ansible.builtin.copy", host="a", host_class="ssh/linux", status="changed", began=102.0,
        ended=103.0, duration=0.9, path="agent", path_reason="x", items=3, start=1.0, end=2.0, cpu=0.5, maxrss=6, block_in=7, block_out=8, bytes_up=9,
        bytes_down=10, queued=0.1, calls=2)  # fmt: skip


def test_each_attempt_is_a_result_and_only_the_one_that_stands_counts() -> None:
    rows = kept(in_order(
        START, events.TaskStarted(task=COPY, host="a"), events.TaskFailed(task=COPY, host="a", final=False, error_class="lock", message="held"),
        events.TaskCompleted(task=COPY, host="a", attempt=2),
    ))  # fmt: skip
    assert [(one.attempt, one.status, one.final, one.began, one.error_class, one.message) for one in of(rows, ResultRecord)] == [
        (1, "failed", False, 102.0, "lock", "held"), (2, "ok", True, 103.0, "", "")
    ]  # fmt: skip
    (run,) = of(rows, ExecutionRecord)
    assert (run.ok, run.failed) == (1, 0)


def test_each_time_that_a_task_runs_on_a_host_is_a_result_of_its_own() -> None:
    begin, failed = events.TaskStarted(task=COPY, host="a"), events.TaskFailed(task=COPY, host="a", final=False)
    rows = kept(in_order(
        START, begin, failed, events.TaskCompleted(task=COPY, host="a", attempt=2), begin, events.TaskCompleted(task=COPY, host="a", changed=True), begin,
        events.TaskCompleted(task=COPY, host="b"),
    ))  # fmt: skip
    assert [(one.host, one.occurrence, one.attempt, one.status, one.began) for one in of(rows, ResultRecord)] == [
        ("a", 1, 1, "failed", 102.0), ("a", 1, 2, "ok", 103.0), ("a", 2, 1, "changed", 105.0), ("a", 3, 1, "running", 107.0), ("b", 1, 1, "ok", None),
    ]  # fmt: skip
    (run,) = of(rows, ExecutionRecord)
    assert (run.ok, run.changed) == (3, 1)


def test_items_of_a_loop_are_counted_while_it_runs() -> None:
    stream = in_order(
        events.TaskStarted(task=COPY, host="a"), events.TaskProgress(task=COPY, host="a", done=1), events.TaskProgress(task=COPY, host="a", done=2),
        events.TaskCompleted(task=COPY, host="a", items=2), events.TaskProgress(task=COPY, host="a", done=3),
    )  # fmt: skip
    ledger = Ledger()
    assert [one.items for one in of(kept(stream[:3], ledger), ResultRecord)] == [2]
    assert [(one.status, one.items) for one in of(kept(stream[3:], ledger), ResultRecord)] == [("ok", 2)]


def test_plays_are_kept_in_their_order_with_what_they_have_before_them() -> None:
    play = dataclasses.replace(PLAY, play_id="p", serial="1", identities=("id1", "id2"))
    rows = kept(in_order(dataclasses.replace(START, plays=1), play, play))
    assert of(rows, PlayRecord) == [
        PlayRecord(execution="r", number=number, play="all", play_id="p", strategy="linear", hosts=("a", "b"), serial="1", tasks=2,
                   identities=("id1", "id2"), started=101.0 + number) for number in (1, 2)
    ]  # fmt: skip
    assert of(rows, ExecutionRecord)[0].plays == 1


def test_round_trips_are_counted_while_a_run_goes_on_and_what_joins_others_costs_none() -> None:
    sent = [events.BundleSent(host="a", bundle=1), events.BundleSent(host="a", bundle=2, joined=True), events.BundleSent(host="b", bundle=3)]
    assert [of(kept(in_order(START, *sent[:count])), ExecutionRecord)[0].round_trips for count in range(4)] == [None, 1, 1, 2]
    interrupted = kept(in_order(START, *sent, events.ExecutionCompleted(status="interrupted")))
    assert of(interrupted, ExecutionRecord)[0].round_trips == 2


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (events.TaskCompleted(task=COPY, host="a"), "ok"),
        (events.TaskCompleted(task=COPY, host="a", changed=True), "changed"),
        (events.TaskSkipped(task=COPY, host="a"), "skipped"),
        (events.TaskFailed(task=COPY, host="a"), "failed"),
        (events.TaskFailed(task=COPY, host="a", unreachable=True), "unreachable"),
        (events.TaskFailed(task=COPY, host="a", unreachable=True, ignored=True), "ignored"),
    ],
)
def test_the_status_of_a_result_is_how_it_ended(event: Event, status: str) -> None:
    assert [one.status for one in of(kept(in_order(event)), ResultRecord)] == [status]


def test_a_bundle_is_one_record_and_gets_the_class_of_its_host_when_that_is_known() -> None:
    rows = kept(in_order(
        events.BundleCut(host="a", bundle=1, reason="register", detail="x"), events.BundleSent(host="a", bundle=1, tasks=4, bytes_up=50),
        events.BundleSent(host="b", bundle=2, tasks=1), events.BundleFinished(host="a", bundle=1, seconds=0.5, done=3, dropped=1, failed=True),
        events.TaskCompleted(task=COPY, host="a", host_class="ssh/linux"), events.BundleSent(host="a", bundle=3, tasks=1),
    ))  # fmt: skip
    assert of(rows, BundleRecord) == [
        BundleRecord(
            execution="r", bundle=1, host="a", host_class="ssh/linux", sent=102.0, tasks=4, bytes_up=50, seconds=0.5, done=3, dropped=1, failed=True,
            cut="register", cut_detail="x"),
        BundleRecord(execution="r", bundle=2, host="b", sent=103.0, tasks=1),
        BundleRecord(execution="r", bundle=3, host="a", host_class="ssh/linux", sent=106.0, tasks=1),
    ]  # fmt: skip


def test_an_adaptation_is_kept_with_what_it_led_to() -> None:
    asked = {"policy": "retry", "what": "retry", "target": "a"}
    rows = kept(in_order(
        events.TaskCompleted(task=COPY, host="a", host_class="ssh/linux"),
        events.AdaptationRequested(adaptation="1", level="minor_adjustment", task="id1", error_class="lock", confidence=0.5, trials=4, **asked),
        events.AdaptationRequested(adaptation="2", advised=True, **asked), events.AdaptationRequested(adaptation="3", **asked),
        events.AdaptationApplied(adaptation="1", succeeded=True, detail="at the second try", **asked),
        events.AdaptationRejected(adaptation="3", reason="limit", **asked), events.AdaptationRejected(adaptation="4", reason="conflict", **asked),
    ))  # fmt: skip
    found = of(rows, AdaptationRecord)
    assert found[0] == AdaptationRecord(
        execution="r", adaptation="1", policy="retry", what="retry", target="a", level="minor_adjustment", task="id1", error_class="lock",
        host_class="ssh/linux", confidence=0.5, trials=4, requested=102.0, ended=105.0, state="applied", succeeded=True,
        detail="at the second try")  # fmt: skip
    assert [(one.state, one.reason) for one in found[1:]] == [("advised", ""), ("rejected", "limit"), ("rejected", "conflict")]


def test_resources_are_kept_at_their_worst_and_hosts_with_the_time_they_were_away() -> None:
    rows = kept(in_order(
        *(events.ResourceConstraint(host="a", resource="disk", used=used, limit=10.0) for used in (9.1, 9.6, 9.3)),
        events.ResourceConstraint(resource="descriptors", used=5.0, limit=0.0),
        events.HostRecovered(host="a", seconds=20.0), events.HostRecovered(host="a", seconds=5.0),
    ))  # fmt: skip
    assert {(one.name, one.host): (one.value, one.unit) for one in of(rows, MetricRecord)} == {
        ("disk", "a"): (0.96, "ratio"), ("unavailable", "a"): (25.0, "s"), ("away", "a"): (0.0, "count"),
    }  # fmt: skip


def test_an_interrupted_run_keeps_the_counts_it_had() -> None:
    rows = kept(in_order(START, events.TaskCompleted(task=COPY, host="a"), events.ExecutionCompleted(status="interrupted")))
    (run,) = of(rows, ExecutionRecord)
    assert (run.status, run.ok) == ("interrupted", 1)


def test_a_run_that_has_not_moved_has_no_pulse() -> None:
    ledger = Ledger()
    for one in in_order(START):
        ledger.handle(one)
    assert len(ledger.pulse()) == 1 and ledger.pulse() == []


# --- whatever way they come ------------------------------------------------------------------------------------------------------------

HOSTS = st.sampled_from("ab")
TASKS = st.sampled_from([COPY, STAT])
ADAPTATION = {"adaptation": st.sampled_from("12"), "policy": st.just("p"), "what": st.just("w"), "target": HOSTS}
BUNDLE = {"host": HOSTS, "bundle": st.integers(1, 3)}
ANY_EVENT = st.one_of(
    st.builds(events.PlayStarted, hosts=st.lists(HOSTS).map(tuple), tasks=st.none() | st.integers(0, 9), strategy=st.sampled_from(["linear", "free"])),
    st.builds(events.TaskStarted, task=TASKS, host=HOSTS),
    st.builds(events.TaskProgress, task=TASKS, host=HOSTS),
    st.builds(events.TaskCompleted, task=TASKS, host=HOSTS, changed=st.booleans(), attempt=st.integers(1, 2), host_class=st.sampled_from(["", "ssh/x"]),
              measures=st.none() | st.builds(Measures, bytes_up=st.integers(0, 9), cpu=st.floats(0, 9))),
    st.builds(events.TaskFailed, task=TASKS, host=HOSTS, final=st.booleans(), ignored=st.booleans(), unreachable=st.booleans()),
    st.builds(events.TaskSkipped, task=TASKS, host=HOSTS),
    st.builds(events.HostUnavailable, host=HOSTS),
    st.builds(events.HostRecovered, host=HOSTS, seconds=st.floats(0, 9)),
    st.builds(events.ResourceConstraint, host=HOSTS, used=st.floats(0, 9), limit=st.floats(0, 9)),
    st.builds(events.BundleSent, **BUNDLE), st.builds(events.BundleFinished, **BUNDLE), st.builds(events.BundleCut, **BUNDLE),
    st.builds(events.AdaptationRequested, **ADAPTATION), st.builds(events.AdaptationApplied, **ADAPTATION),
    st.builds(events.AdaptationRejected, **ADAPTATION),
)  # fmt: skip
RUN = st.lists(ANY_EVENT, max_size=25).map(lambda some: in_order(START, *some, events.ExecutionCompleted()))


@settings(deadline=None)
@given(RUN, st.randoms())
def test_events_that_come_again_change_nothing(stream: list[Event], pick: random.Random) -> None:
    again = []
    for at, one in enumerate(stream):
        again += [one, *pick.choices(stream[: at + 1], k=pick.randrange(3))]
    assert kept(again) == kept(stream)


@settings(deadline=None)
@given(RUN, RUN, st.randoms())
def test_runs_do_not_mix(one: list[Event], other: list[Event], pick: random.Random) -> None:
    other = [dataclasses.replace(event, execution="s") for event in other]
    waiting, mixed = [list(one), list(other)], []
    while any(waiting):
        mixed.append(pick.choice([some for some in waiting if some]).pop(0))
    assert kept(mixed) == kept(one) | kept(other)


@settings(deadline=None)
@given(st.lists(ANY_EVENT | st.just(START) | st.just(events.ExecutionCompleted()), max_size=20))
def test_any_order_of_events_leaves_one_record_a_key_and_one_run(some: list[Event]) -> None:
    ledger = Ledger()
    for event in in_order(*some):
        records = ledger.handle(event)
        keys = [(type(record), *(getattr(record, name) for name in record.KEY)) for record in records]
        assert len(keys) == len(set(keys)) and {record.execution for record in records} <= {"r"}
    assert len([record for record in ledger.pulse() if isinstance(record, ExecutionRecord)]) <= 1


def test_every_kind_of_event_is_kept() -> None:
    kinds = {one for one in vars(events).values() if isinstance(one, type) and issubclass(one, Event) and one.kind}
    assert kinds == set(MAKERS)
