# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a FeedbackStore promises, shown of each implementation."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import (
    AdaptationRecord,
    BundleRecord,
    ExecutionRecord,
    MetricRecord,
    PlanRecord,
    PlayRecord,
    RecommendationRecord,
    ReportRecord,
    ResultRecord,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._store.memory import MemoryStore
from ansible_collections.rustle.engine.plugins.plugin_utils._store.protocol import FeedbackStore
from ansible_collections.rustle.engine.plugins.plugin_utils._store.queries import CHUNK, DAY, Queries, Wanted
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore
from hypothesis import given, settings
from hypothesis import strategies as st

from .builders import KINDS, any_record, result, run, task

Make = Callable[[], Any]


@pytest.fixture(params=["memory", "sqlite"], scope="module")
def make(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Makes empty stores; hypothesis needs one for each example, and a fixture of the module."""
    made: list[FeedbackStore] = []
    numbers = itertools.count()
    folder = tmp_path_factory.mktemp("store")

    def one() -> FeedbackStore:
        while made:
            made.pop().close()
        made.append(MemoryStore() if request.param == "memory" else SqliteStore(str(folder / f"{next(numbers)}.db")))
        return made[-1]

    yield one
    while made:
        made.pop().close()


@pytest.fixture
def store(make: Make) -> FeedbackStore:
    return make()


def ids(records: tuple[Any, ...]) -> list[str]:
    return [record.execution for record in records]


def key(record: Any) -> tuple[Any, ...]:
    return tuple(getattr(record, name) for name in record.KEY)


# --- put ------------------------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(st.lists(st.lists(any_record(), max_size=4), max_size=4))
def test_what_is_put_is_found_again_and_the_last_of_a_key_stands(make: Make, batches: list[list[Any]]) -> None:
    store: Queries = make()
    for batch in batches:
        store.put(batch)
    for kind in KINDS:
        last = {key(one): one for batch in batches for one in batch if type(one) is kind}
        found = store.find(Wanted(kind=kind, order="execution"))
        assert {key(one): one for one in found} == last and len(found) == len(last)


def test_a_batch_is_put_whole_or_not_at_all(store: FeedbackStore) -> None:
    def broken() -> Iterator[ExecutionRecord]:
        yield run("a")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.put(broken())
    assert store.executions() == ()


def test_nothing_is_a_batch_too(store: FeedbackStore) -> None:
    store.put([])
    assert store.executions() == ()


# --- questions --------------------------------------------------------------------------------------------------------------------


def test_runs_come_newest_first_and_filters_narrow_them(store: FeedbackStore) -> None:
    store.put([
        run("a1", started=1), run("a2", started=2, identity="db.yml"), run("b3", started=3, status="success"), run("b4", started=4, controller="there"),
    ])
    assert ids(store.executions()) == ["b4", "b3", "a2", "a1"]
    assert ids(store.executions(limit=2)) == ["b4", "b3"]
    assert ids(store.executions(identity="site.yml", limit=2)) == ["b4", "b3"]
    assert ids(store.executions(status="running", controller="here")) == ["a2", "a1"]
    assert ids(store.executions(starting_with="a")) == ["a2", "a1"]
    assert ids(store.executions(starting_with="%")) == ids(store.executions(starting_with="_")) == []
    assert ids(store.executions(since=3)) == ["b4", "b3"]


def test_results_come_newest_first_and_those_that_go_on_last(store: FeedbackStore) -> None:
    results = [
        result("r1", "copy", ended=5.0, status="changed"), result("r1", "copy", "web2", ended=None, status="running"),
        result("r2", "copy", ended=7.0, status="ok"), result("r1", "stat", ended=6.0), result("r1", "stat", attempt=2, ended=6.0),
    ]  # fmt: skip
    store.put(results)
    assert [results.index(one) for one in store.results()] == [2, 4, 3, 0, 1]
    assert [results.index(one) for one in store.results(identity="id-copy")] == [2, 0, 1]
    assert [results.index(one) for one in store.results(execution="r1", host="web1", limit=2)] == [4, 3]
    assert [results.index(one) for one in store.results(status=("changed", "running"))] == [0, 1]
    assert store.results(status=()) == ()
    assert [results.index(one) for one in store.results(since=6.0)] == [2, 4, 3]


def test_the_paths_that_modules_took_in_some_runs_are_told_once_each(store: FeedbackStore) -> None:
    store.put([
        result("a", "t1", path="agent", host_class="ssh/linux"), result("a", "t1", "web2", path="agent", host_class="ssh/linux"),
        result("b", "t1", path="stock", host_class="ssh/linux"), result("b", "t2"), result("c", "t3", path="controller")])  # fmt: skip
    copy = "ansible.builtin.copy"
    assert store.paths(["a", "b"]) == {(copy, "ssh/linux", "agent"), (copy, "ssh/linux", "stock"), (copy, "", None)}
    assert store.paths([]) == frozenset()


def test_results_of_several_runs_are_narrowed_by_module_and_class_of_hosts(store: FeedbackStore) -> None:
    store.put([result(run, "t1", host, host_class=host, ended=at) for at, run in enumerate("abc") for host in ("x", "y")])
    found = store.results(execution=("a", "c"), module="ansible.builtin.copy", host_class="x")
    assert [(one.execution, one.host) for one in found] == [("c", "x"), ("a", "x")]
    assert store.results(module="ansible.builtin.file") == ()


def test_a_record_that_is_put_again_keeps_its_place_among_its_like(store: FeedbackStore) -> None:
    store.put([result("r", "a"), result("r", "b")])
    store.put([result("r", "a", message="again")])
    assert [one.task_id for one in store.results()] == ["b", "a"]


def test_tasks_and_bundles_of_a_run_come_in_their_order(store: FeedbackStore) -> None:
    store.put([task("r", "t2", order=2), task("r", "t0", order=0), task("r", "t1", order=1, traits=("become",)), task("s", "t0")])
    store.put([BundleRecord(execution="r", bundle=10), BundleRecord(execution="r", bundle=9, failed=True)])
    assert [one.task_id for one in store.tasks("r")] == ["t0", "t1", "t2"]
    assert store.tasks("r")[1].traits == ("become",)
    assert [(one.bundle, one.failed) for one in store.bundles("r")] == [(9, True), (10, False)]


def test_plays_of_a_run_come_in_their_order(store: FeedbackStore) -> None:
    plays = [PlayRecord(execution="r", number=number, hosts=("a", "b"), tasks=None, identities=("x",)) for number in (10, 9)]
    store.put([*plays, PlayRecord(execution="s", number=1)])
    assert store.plays("r") == (plays[1], plays[0])


def test_each_time_that_a_task_runs_on_a_host_is_kept(store: FeedbackStore) -> None:
    times = [result("r", "handler", ended=float(number), occurrence=number, status="changed") for number in (1, 2)]
    tried = result("r", "handler", ended=3.0, occurrence=2, attempt=2)
    store.put([times[0]])
    store.put([times[1], tried])
    assert store.results() == (tried, times[1], times[0])


def test_what_else_is_kept_is_found_by_its_run(store: FeedbackStore) -> None:
    adaptations = [
        AdaptationRecord(execution="r", adaptation="1", policy="retry", requested=1.0, succeeded=False),
        AdaptationRecord(execution="r", adaptation="2", policy="wait", requested=2.0), AdaptationRecord(execution="s", adaptation="1", requested=3.0),
    ]  # fmt: skip
    metrics = [MetricRecord(execution="r", name="bytes_up", value=3.5, time=1.0), MetricRecord(execution="s", name="bytes_up", host="web1", time=2.0)]
    recommendations = [RecommendationRecord(execution=one, code="forks", subject="forks", time=at) for one, at in (("r", 1.0), ("s", 2.0))]
    reports = [ReportRecord(execution=one, lines=("a", "b"), time=at) for one, at in (("r", 1.0), ("s", 2.0))]
    store.put([*adaptations, *metrics, *recommendations, *reports, PlanRecord(execution="r", tasks=4)])
    assert store.adaptations(execution="r") == (adaptations[1], adaptations[0])
    assert store.adaptations(policy="retry") == (adaptations[0],) and store.adaptations(since=2.0, limit=1) == (adaptations[2],)
    assert store.metrics(execution="r") == (metrics[0],) and store.metrics(name="bytes_up", limit=1) == store.metrics(host="web1") == (metrics[1],)
    assert store.recommendations(execution="r") == (recommendations[0],) and store.recommendations(limit=1) == (recommendations[1],)
    assert store.reports(execution="s") == (reports[1],) and store.reports() == (reports[1], reports[0])
    assert store.plan("r") == PlanRecord(execution="r", tasks=4) and store.plan("s") is None


# --- people, and what has happened to a run ------------------------------------------------------------------------------------------


def test_a_run_can_be_rated(store: FeedbackStore) -> None:
    store.put([run("a"), run("b")])
    assert store.rate("a", 4, note="quick") and not store.rate("c", 1)
    assert [(one.execution, one.rating, one.note) for one in store.executions()] == [("b", None, ""), ("a", 4, "quick")]


def test_a_run_whose_process_is_gone_was_interrupted_when_it_was_last_heard_of(store: FeedbackStore) -> None:
    store.put([run("gone", seen=8.0), run("alive"), run("done", status="success"), run("elsewhere", controller="there")])
    assert store.mark_interrupted(controller="here", is_alive=lambda record: record.execution == "alive") == ("gone",)
    states = {one.execution: (one.status, one.ended) for one in store.executions()}
    assert states == {"gone": ("interrupted", 8.0), "alive": ("running", None), "done": ("success", None), "elsewhere": ("running", None)}


def test_a_run_that_ends_just_before_its_process_was_not_interrupted(store: FeedbackStore) -> None:
    store.put([run("a")])

    def ends(record: ExecutionRecord) -> bool:
        store.put([dataclasses.replace(record, status="success")])
        return False

    assert store.mark_interrupted(controller="here", is_alive=ends) == ()
    assert store.executions()[0].status == "success"


# --- retention ----------------------------------------------------------------------------------------------------------------------


def filled(store: FeedbackStore, runs: int, *, results: int = 20) -> None:
    for number in range(runs):
        name = f"r{number:03}"
        store.put([run(name, started=number * DAY, status="success"), task(name, "t"), PlanRecord(execution=name), ReportRecord(execution=name)])
        store.put([PlayRecord(execution=name, number=1)])
        store.put([BundleRecord(execution=name, bundle=1), MetricRecord(execution=name, name="x"), AdaptationRecord(execution=name, adaptation="1")])
        store.put([RecommendationRecord(execution=name, code="c", subject="s")])
        store.put(result(name, "t", f"web{host}", message="x" * 200) for host in range(results))


def test_what_is_older_than_some_days_goes_as_a_whole(store: Queries) -> None:
    filled(store, 5)
    assert store.prune(days=2, size=0, now=4 * DAY) == 2
    for kind in KINDS:
        assert {one.execution for one in store.find(Wanted(kind=kind, order="execution"))} == {"r002", "r003", "r004"}


def test_no_bounds_keep_everything(store: FeedbackStore) -> None:
    filled(store, 3)
    assert store.prune(days=0, size=0, now=10_000 * DAY) == 0


def test_the_oldest_runs_go_until_the_rest_is_small_enough(store: FeedbackStore) -> None:
    filled(store, 12, results=100)  # an empty file of SQLite has some pages already
    limit = store.size() // 2
    forgotten = store.prune(days=0, size=limit, now=0.0)
    assert 3 <= forgotten <= 9 and store.size() <= limit
    assert ids(store.executions()) == [f"r{number:03}" for number in reversed(range(forgotten, 12))]
    assert {one.execution for one in store.results()} == set(ids(store.executions()))


def test_a_run_that_goes_on_is_kept_and_no_more_are_forgotten_than_was_said(store: FeedbackStore) -> None:
    filled(store, 4, results=1)
    store.put([run("going", started=-1.0)])
    assert store.prune(days=1, size=1, now=100 * DAY, limit=3) == 3
    assert store.prune(days=1, size=1, now=100 * DAY, limit=0) == 0
    assert ids(store.executions()) == ["r003", "going"]


def test_many_runs_can_be_forgotten_at_once(store: FeedbackStore) -> None:
    store.put(run(f"r{number}", status="failed") for number in range(2 * CHUNK + 3))
    assert store.prune(days=1, size=0, now=9 * DAY) == 2 * CHUNK + 3
    assert store.executions() == ()


def test_the_last_attempts_of_a_task_are_found_across_runs(store: FeedbackStore) -> None:
    store.put(result(f"r{number}", "copy", ended=float(number), duration=number / 10, host_class="ssh/linux") for number in range(9))
    assert [one.duration for one in store.results(identity="id-copy", limit=3)] == [0.8, 0.7, 0.6]


def test_the_records_are_those_that_the_protocol_speaks_of(store: FeedbackStore) -> None:
    store.put([result("r", "t", duration=None, path="agent", final=False, began=1.5, items=3)])
    assert store.results() == (
        ResultRecord(
            execution="r", task_id="t", identity="id-t", module="ansible.builtin.copy", host="web1", ended=0.0, path="agent", final=False, began=1.5, items=3
        ),
    )
