# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who listens to a run and who reads its records see the same picture."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, TaskRef
from ansible_collections.rustle.engine.plugins.plugin_utils._store.memory import MemoryStore
from ansible_collections.rustle.engine.plugins.plugin_utils._store.protocol import FeedbackStore
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.ledger import Ledger
from ansible_collections.rustle.engine.plugins.plugin_utils._tracking.tracker import ExecutionTracker, Outlook, Progress, Remaining
from hypothesis import given, settings
from hypothesis import strategies as st

HOSTS = ("a", "b", "c")
CLASS = "ssh/linux"


def story(dice: random.Random) -> Iterator[Event]:
    """A run in which anything may happen that happens in runs, some of it more than once."""
    yield events.ExecutionStarted(playbook="site.yml", identity="x/site.yml", forks=2, plays=2)
    refs: dict[str, TaskRef] = {}
    for number in range(dice.randint(1, 3)):
        names = [f"{number}-{name}" for name in range(dice.randint(1, 3))]
        yield events.PlayStarted(
            play=f"play {number // 2}", play_id=f"p{number // 2}", strategy="linear", hosts=HOSTS[: dice.randint(1, 3)],
            tasks=None if dice.random() < 0.1 else len(names), identities=tuple(names))  # fmt: skip
        busy: set[str] = set()
        for name in [*names, f"{number}-included", f"{number}-handler", f"{number}-handler"]:
            task = TaskRef(task_id=f"id-{name}", identity=name, name=name, module="m", order=len(refs), traits=("loop",))
            yield from on_hosts(refs.setdefault(name, task), dice, busy)
    if dice.random() < 0.5:
        yield events.ExecutionCompleted(status=dice.choice(("success", "failed", "interrupted")), round_trips=dice.choice((None, 7)))


def on_hosts(task: TaskRef, dice: random.Random, busy: set[str]) -> Iterator[Event]:
    """``busy``: hosts that are at a task which does not end in this play."""
    hosts = [host for host in HOSTS if host not in busy and dice.random() < 0.8]
    for host in hosts:
        yield events.TaskStarted(task=task, host=host)
        if dice.random() < 0.4:
            yield events.BundleSent(host=host, bundle=dice.randrange(10**6), tasks=1, joined=dice.random() < 0.5)
    for host in hosts:
        for done in range(dice.choice((0, 0, 2))):
            yield events.TaskProgress(task=task, host=host, done=done + 1)
        attempt = 1
        if dice.random() < 0.2:
            yield events.TaskFailed(task=task, host=host, final=False, host_class=CLASS)
            attempt = 2
            for done in range(dice.choice((0, 3))):
                yield events.TaskProgress(task=task, host=host, done=done + 1)
        if dice.random() < 0.1:
            busy.add(host)
            continue
        known: dict[str, Any] = {"task": task, "host": host, "attempt": attempt, "duration": dice.choice((None, 0.5, 2.0)), "host_class": CLASS}
        end = dice.randrange(6)
        if end == 0:
            yield events.TaskSkipped(**known)
        elif end == 1:
            yield events.TaskFailed(ignored=dice.random() < 0.5, **known)
        elif end == 2:
            yield events.HostUnavailable(host=host)
            yield events.TaskFailed(unreachable=True, **known)
        else:
            yield events.TaskCompleted(changed=end == 3, **known)
        if dice.random() < 0.1:
            yield events.HostRecovered(host=host, seconds=3.0)


def told(dice: random.Random) -> list[Event]:
    """Both clocks are one here, which goes in steps of any length."""
    now, found = 1000.0, []
    for number, one in enumerate(story(dice), 1):
        found.append(dataclasses.replace(one, execution="r", sequence=number, time=now, monotonic=now))
        now += dice.choice((0.001, 0.5, 12.0))
    return found


def foreseen(remaining: Remaining) -> Outlook:
    """A number that differs wherever something of what is asked differs."""
    return float(len(repr(remaining))), remaining.elapsed + sum(len(one.left) + one.since for one in remaining.queues)


def from_store(store: FeedbackStore, now: float) -> Progress:
    records = (
        *store.executions(), *store.plays("r"), *store.tasks("r"), *store.results(execution="r"), *store.bundles("r"), *store.metrics(execution="r"),
    )  # fmt: skip
    return ExecutionTracker.from_records(records, forecast=foreseen).progress(now)


def compared(stream: list[Event], store: FeedbackStore) -> None:
    """After each event, whenever a listener has looked before."""
    listening, ledger = ExecutionTracker(forecast=foreseen), Ledger()
    for one in stream:
        listening.take(one)
        store.put([*ledger.handle(one), *ledger.pulse()])
        now = one.time + 0.25
        listening._forecast_at = float("-inf")  # else it would say what it has said a moment ago, less that moment
        heard, read = listening.progress(now), from_store(store, now)
        for field in dataclasses.fields(Progress):
            assert getattr(read, field.name) == getattr(heard, field.name), (field.name, one)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_records_show_the_same_figures_as_events(seed: int) -> None:
    compared(told(random.Random(seed)), MemoryStore())


@pytest.mark.parametrize("seed", range(3))
def test_and_so_they_do_when_they_come_from_a_file(seed: int, tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "feedback.db"))
    try:
        compared(told(random.Random(seed)), store)
    finally:
        store.close()


def test_without_records_there_is_the_picture_of_a_run_that_has_told_nothing() -> None:
    assert ExecutionTracker.from_records([]).progress() == ExecutionTracker().progress()
