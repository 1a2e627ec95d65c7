# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done about a failure before linear hears of it; the engine and the play are made up."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import pytest
from ansible.playbook.task import Task
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.config import EngineConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import compat
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.execution import Execution as BridgeExecution
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Decision, Instruction, Level, Rejection
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, HostRecovered, HostUnavailable, TaskFailed
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import TargetLost
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import OURS
from ansible_collections.rustle.engine.plugins.plugin_utils._run.adapting import Adapting
from ansible_collections.rustle.engine.plugins.plugin_utils._run.hub import START_LIMIT
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.settings import Settings
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel

HOST = types.SimpleNamespace(name="web1", vars={}, get_groups=list)


class Engine:
    """Says what it was told to say, to each failure that is held back."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.answers: list[Instruction] = []
        self.heard: list[Event] = []
        self.advised: list[Any] = []
        self.told: list[tuple[str, Any]] = []

    def __call__(self, event: Event) -> None:
        self.heard.append(event)
        if isinstance(event, TaskFailed) and self.answers:
            self.channel.instructions.append(self.answers.pop(0))

    def act(self) -> None: ...

    def advise(self, event: Event) -> None:
        self.advised.append(event)

    def by_stock(self, module: str, host_class: str) -> str:
        return ""

    def tick(self) -> None: ...

    def applied(self, adaptation: str, succeeded: bool | None, detail: str = "") -> None:
        self.told.append((adaptation, succeeded))

    def rejected(self, adaptation: str, reason: Rejection) -> None:
        self.told.append((adaptation, reason))


class Execution:
    """A task on a host that has ended."""

    def __init__(
        self, *, failed: bool = True, lost: TargetLost | None = None, told: bool = False, attempt: int = 1, task: Task | None = None
    ) -> None:
        self.host = HOST
        self.task = task or Task.load({"name": "a file", "ansible.builtin.file": {"path": "/x", "state": "touch"}})
        self.failed, self.lost_with, self.told, self.attempt = failed, lost, told, attempt
        self.again_by: Instruction | None = None
        self.begun = False
        self.run: Any = types.SimpleNamespace(task_vars={}, current=self, host=HOST)

    path = "agent"
    is_current = BridgeExecution.is_current
    away = BridgeExecution.away
    started = BridgeExecution.started

    def result(self) -> object:
        return self


class Play:
    """A play with one host; timers run when they are told to."""

    def __init__(self, settings: Settings) -> None:
        self.hub = types.SimpleNamespace(after=lambda seconds, act: self.timers.append((seconds, act)), forks=5, order={}, start_limit=120.0)
        self.session = types.SimpleNamespace(settings=lambda variables: settings, tables=OURS, by_stock=set(), overrides={})
        self.strategy = types.SimpleNamespace(
            debugger_active=False, _inventory=types.SimpleNamespace(get_hosts=lambda group: [HOST, types.SimpleNamespace(name="web2")]))
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.begun: list[tuple[Execution, Task]] = []
        self.delivered: list[Execution] = []
        self.play = None
        self.forks = 5
        self.halted = False

    def begin_again(self, execution: Execution, task: Task) -> Execution:
        fresh = Execution(task=task)
        fresh.run = execution.run
        fresh.run.current = fresh
        self.begun.append((fresh, task))
        return fresh

    def go_on(self, fresh: Execution) -> None: ...

    def deliver(self, execution: Execution) -> None:
        self.delivered.append(execution)

    def halt(self) -> None:
        self.halted = True


class World:
    def __init__(self, **settings: Any) -> None:
        self.channel = Channel()
        self.engine = Engine(self.channel)
        self.channel.listen(self.engine)
        self.channel.adviser = self.engine
        self.play = Play(Settings(**settings))
        self.adapting = Adapting(self.play, self.channel)

    def says(self, kind: AdaptationKind, *, target: str = "web1", **changes: Any) -> None:
        decision = Decision(level=Level.MINOR, kind=kind, target=target, changes=changes, rationale="why")
        self.engine.answers.append(Instruction(adaptation=kind.value, policy="p", decision=decision))


@pytest.fixture(autouse=True)
def _results(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are made up, too."""
    monkeypatch.setattr(compat, "unreachable", lambda wire: wire.lost_with is not None)
    monkeypatch.setattr(compat, "shown_result", lambda wire, task: {"msg": "Could not get lock"})
    path = "ansible_collections.rustle.engine.plugins.plugin_utils._run.adapting.vaulted"
    monkeypatch.setattr(path, types.SimpleNamespace(look_at=lambda *args: None))


def lost(*, started: bool) -> TargetLost:
    return TargetLost("gone", phase="connect", rc=255, stderr="", started=started)


def test_without_an_adviser_nothing_is_held_back() -> None:
    world = World()
    world.channel.adviser = None
    assert not world.adapting.takes(Execution())  # type: ignore[arg-type]
    assert world.engine.heard == []


def test_a_failure_that_nobody_wants_anything_done_about_goes_to_linear() -> None:
    world = World()
    assert not world.adapting.takes(Execution())  # type: ignore[arg-type]
    assert [type(one) for one in world.engine.heard] == [TaskFailed]
    assert world.play.timers == []


def test_what_went_well_is_no_matter_of_the_engine() -> None:
    world = World()
    assert not world.adapting.takes(Execution(failed=False))  # type: ignore[arg-type]
    assert world.engine.heard == []


def test_a_retry_holds_the_failure_back_and_begins_the_task_again_later() -> None:
    world = World()
    world.says(AdaptationKind.RETRY, after=2.5)
    execution = Execution()
    assert world.adapting.takes(execution)  # type: ignore[arg-type]
    assert [seconds for seconds, _act in world.play.timers] == [2.5]
    assert world.play.begun == []
    world.play.timers[0][1]()
    ((fresh, task),) = world.play.begun
    assert (fresh.attempt, task) == (2, execution.task)
    assert world.engine.told == [("retry", None)]


def test_the_end_of_the_second_try_is_the_outcome_of_the_retry() -> None:
    world = World()
    world.says(AdaptationKind.RETRY, after=0.0)
    world.adapting.takes(Execution())  # type: ignore[arg-type]
    world.play.timers[0][1]()
    fresh = world.play.begun[0][0]
    fresh.failed = False
    assert not world.adapting.takes(fresh)  # type: ignore[arg-type]
    assert world.engine.told[-1] == ("retry", True)


def test_what_linear_has_heard_of_already_is_not_begun_again() -> None:
    world = World()
    world.says(AdaptationKind.RETRY, after=0.0)
    assert not world.adapting.takes(Execution(told=True))  # type: ignore[arg-type]
    assert world.engine.heard == []


@pytest.mark.parametrize("stance", ["off", "advise"])
def test_a_task_that_must_not_be_adapted_is_not(stance: Any) -> None:
    world = World(adaptation=stance)
    world.says(AdaptationKind.RETRY, after=0.0)
    assert not world.adapting.takes(Execution())  # type: ignore[arg-type]
    assert world.play.timers == []
    assert world.engine.heard == []
    assert [event.advise for event in world.engine.advised] == ([True] if stance == "advise" else [])


def test_a_play_that_has_gone_on_is_left_alone() -> None:
    world = World()
    world.says(AdaptationKind.RETRY, after=0.0)
    execution = Execution()
    world.adapting.takes(execution)  # type: ignore[arg-type]
    execution.run.current = None  # interrupted
    world.play.timers[0][1]()
    assert world.play.begun == []


def test_a_host_that_is_away_is_asked_again_until_it_answers() -> None:
    world = World()
    world.says(AdaptationKind.WAIT, until=float("inf"), every=5.0)
    assert world.adapting.takes(Execution(lost=lost(started=False)))  # type: ignore[arg-type]
    assert [type(one) for one in world.engine.heard] == [HostUnavailable, TaskFailed]
    for _ in range(2):
        world.play.timers.pop()[1]()
        fresh = world.play.begun[-1][0]
        fresh.lost_with = lost(started=False)
        assert world.adapting.takes(fresh)  # type: ignore[arg-type]
    world.play.timers.pop()[1]()
    back = world.play.begun[-1][0]
    back.failed = False
    assert not world.adapting.takes(back)  # type: ignore[arg-type]
    assert back.attempt == 1  # waiting has used up no try
    assert isinstance(world.engine.heard[-1], HostRecovered)
    assert world.engine.told[-1][1] is True


@pytest.mark.parametrize("ignored", [False, True])
def test_that_a_host_is_away_is_told_with_what_its_task_says_of_that(ignored: bool) -> None:
    world = World()
    execution = Execution(lost=lost(started=False))
    execution.task.ignore_unreachable = ignored
    assert not world.adapting.takes(execution)  # type: ignore[arg-type]
    (away,) = (event for event in world.engine.heard if isinstance(event, HostUnavailable))
    assert (away.declared, away.final) == (ignored, False)


def test_a_task_that_may_have_begun_meanwhile_is_not_begun_again() -> None:
    world = World()
    world.says(AdaptationKind.WAIT, until=float("inf"), every=5.0)
    world.adapting.takes(Execution(lost=lost(started=False)))  # type: ignore[arg-type]
    world.play.timers.pop()[1]()
    fresh = world.play.begun[-1][0]
    fresh.lost_with = lost(started=True)
    assert not world.adapting.takes(fresh)  # type: ignore[arg-type]


@pytest.mark.parametrize(("action", "retry", "waits"), [
    ("ansible.builtin.file", None, True), ("ansible.builtin.file", False, False), ("ansible.builtin.command", None, False),
    ("ansible.builtin.command", True, True),
])
def test_where_nobody_knows_whether_it_began_meanwhile_it_has_to_be_repeatable(action: str, retry: bool | None, waits: bool) -> None:
    world = World(retry=retry)
    world.says(AdaptationKind.WAIT, until=float("inf"), every=5.0)
    task = Task.load({"name": "a task", action: {"path": "/x"} if action.endswith("file") else "x"})
    world.adapting.takes(Execution(lost=lost(started=False), task=task))  # type: ignore[arg-type]
    world.play.timers.pop()[1]()
    by_worker = types.SimpleNamespace(
        host=HOST, task=task, run=world.play.begun[-1][0].run, attempt=1, again_by=world.play.begun[-1][0].again_by, told=False, path="stock",
        failed=True, away=True, started=None, is_current=True, result=lambda: Execution(lost=lost(started=False)))
    assert world.adapting.takes(by_worker) is waits  # type: ignore[arg-type]


def test_a_host_is_not_waited_for_beyond_the_bound() -> None:
    world = World()
    world.says(AdaptationKind.WAIT, until=0.0, every=5.0)
    world.adapting.takes(Execution(lost=lost(started=False)))  # type: ignore[arg-type]
    world.play.timers.pop()[1]()
    fresh = world.play.begun[-1][0]
    fresh.lost_with = lost(started=False)
    assert not world.adapting.takes(fresh)  # type: ignore[arg-type]


def test_while_a_person_debugs_nothing_is_held_back() -> None:
    world = World()
    world.play.strategy.debugger_active = True
    assert not world.adapting.takes(Execution())  # type: ignore[arg-type]
    assert world.engine.heard == []


def test_a_halt_gives_linear_what_was_held_back_and_nothing_is_begun_again() -> None:
    world = World()
    world.says(AdaptationKind.RETRY, after=2.0)
    held = Execution()
    assert world.adapting.takes(held)  # type: ignore[arg-type]
    other = Execution()
    world.says(AdaptationKind.HALT, target="*")
    assert not world.adapting.takes(other)  # type: ignore[arg-type]
    assert (world.play.halted, world.play.delivered) == (True, [held])
    for _seconds, act in world.play.timers:
        act()
    assert world.play.begun == []


def test_report_gives_linear_what_was_held_back() -> None:
    world = World()
    world.says(AdaptationKind.WAIT, until=float("inf"), every=5.0)
    execution = Execution(lost=lost(started=False))
    world.adapting.takes(execution)  # type: ignore[arg-type]
    decision = Decision(level=Level.NONE, kind=AdaptationKind.REPORT, target="web1")
    world.channel.instructions.append(Instruction(adaptation="r", policy="p", decision=decision))
    world.adapting.obey()
    assert world.play.delivered == [execution]
    world.play.timers.pop()[1]()
    assert world.play.begun == []


def test_an_instruction_about_another_host_holds_nothing_back_and_is_refused() -> None:
    world = World()
    world.says(AdaptationKind.RETRY, target="web2", after=0.0)
    assert not world.adapting.takes(Execution())  # type: ignore[arg-type]
    assert world.engine.told == [("retry", Rejection.NOT_POSSIBLE)]


def test_another_host_does_it_by_delegation() -> None:
    world = World(interchangeable="web")
    world.says(AdaptationKind.REALLOCATE, host="web2")
    assert world.adapting.takes(Execution())  # type: ignore[arg-type]
    assert isinstance(world.engine.heard[0], TaskFailed)
    assert world.engine.heard[0].interchangeable == ("web2",)
    world.play.timers[0][1]()
    assert world.play.begun[0][1].delegate_to == "web2"


def test_what_another_host_could_not_do_either_is_offered_to_no_third_one() -> None:
    world = World(interchangeable="web")
    world.says(AdaptationKind.REALLOCATE, host="web2")
    world.adapting.takes(Execution())  # type: ignore[arg-type]
    world.play.timers.pop()[1]()
    assert not world.adapting.takes(world.play.begun[0][0])  # type: ignore[arg-type]
    again = world.engine.heard[-1]
    assert isinstance(again, TaskFailed)
    assert again.interchangeable == ()


@pytest.mark.parametrize("action", ["ansible.builtin.setup", "ansible.builtin.service_facts", "ansible.builtin.getent", "gather_facts"])
def test_no_other_host_can_tell_of_this_one(action: str) -> None:
    world = World(interchangeable="web")
    world.adapting.takes(Execution(task=Task.load({"name": "facts", action: {}})))  # type: ignore[arg-type]
    assert [event.interchangeable for event in world.engine.heard if isinstance(event, TaskFailed)] == [()]


def test_what_the_play_delegates_is_done_there_or_nowhere() -> None:
    world = World(interchangeable="web")
    execution = Execution()
    execution.task.delegate_to = "localhost"
    world.adapting.takes(execution)  # type: ignore[arg-type]
    assert [event.interchangeable for event in world.engine.heard if isinstance(event, TaskFailed)] == [()]


def test_facts_that_another_host_has_found_are_those_of_the_host_in_whose_place_it_has() -> None:
    world = World(interchangeable="web")
    world.says(AdaptationKind.REALLOCATE, host="web2")
    execution = Execution()
    execution.task.delegate_facts = True  # without delegate_to it says nothing
    world.adapting.takes(execution)  # type: ignore[arg-type]
    world.play.timers.pop()[1]()
    assert not world.play.begun[0][1].delegate_facts


def test_a_host_is_not_back_because_another_one_has_done_its_task() -> None:
    world = World(interchangeable="web")
    world.says(AdaptationKind.REALLOCATE, host="web2")
    world.adapting.takes(Execution(lost=lost(started=False)))  # type: ignore[arg-type]
    world.play.timers.pop()[1]()
    elsewhere = world.play.begun[0][0]
    elsewhere.failed = False
    world.adapting.takes(elsewhere)  # type: ignore[arg-type]
    assert not any(isinstance(event, HostRecovered) for event in world.engine.heard)


def test_a_task_that_cannot_even_be_left_out_has_failed() -> None:
    world = World(skippable=True)
    world.says(AdaptationKind.SKIP)
    world.adapting.takes(Execution())  # type: ignore[arg-type]
    world.play.timers.pop()[1]()
    world.adapting.takes(world.play.begun[0][0])  # type: ignore[arg-type]
    assert [event.skippable for event in world.engine.heard if isinstance(event, TaskFailed)] == [True, False]


def test_a_task_that_is_left_out_is_begun_as_one_that_is_skipped() -> None:
    world = World(skippable=True)
    world.says(AdaptationKind.SKIP)
    assert world.adapting.takes(Execution())  # type: ignore[arg-type]
    world.play.timers[0][1]()
    assert world.play.begun[0][1].when == [False]


def test_the_run_is_scaled_within_its_forks_halted_and_ordered() -> None:
    world = World()
    for kind, changes in (
        (AdaptationKind.SCALE, {"lanes": 2}), (AdaptationKind.REORDER, {"hosts": ("b", "a")}), (AdaptationKind.STRATEGY, {"ordering": "linear"}),
        (AdaptationKind.PARAMETERS, {"batch": 3}), (AdaptationKind.TOGGLE, {"host_class": "ssh", "path": "stock"}), (AdaptationKind.HALT, {}),
    ):
        decision = Decision(level=Level.MINOR, kind=kind, target="*", changes=changes)
        world.channel.instructions.append(Instruction(adaptation=kind.value, policy="p", decision=decision))
    world.adapting.obey()
    assert (world.play.hub.forks, world.play.hub.order, world.play.halted) == (2, {"b": 0, "a": 1}, True)
    assert world.play.session.overrides == {"ordering": "linear", "lookahead": 3}
    assert world.play.session.by_stock == {"ssh"}
    assert {name for name, _outcome in world.engine.told} == {
        "resource_scaling", "task_reordering", "strategy_change", "parameter_adjustment", "bundle_toggle", "halt"}


def test_the_engine_changes_the_time_to_start_from_what_the_hub_has() -> None:
    assert EngineConfig().connect_timeout == START_LIMIT
