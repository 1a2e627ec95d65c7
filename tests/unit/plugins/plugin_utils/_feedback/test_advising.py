# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from pathlib import Path

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.config import EngineConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.engine import Engine
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.advising import Advising
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.foreknowledge import Foreknowledge
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import (
    AdaptationApplied,
    AdaptationRequested,
    BundleFinished,
    Event,
    ExecutionStarted,
    HostUnavailable,
    PlayStarted,
    TaskCompleted,
    TaskFailed,
    TaskRef,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel

TASK = TaskRef(task_id="t", identity="i", name="Install", module="ansible.builtin.apt")
LOCKED = "Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1234 (apt-get)"


class World:
    def __init__(self, tmp_path: Path, config: EngineConfig | None = None) -> None:
        self.channel = Channel()
        self.said: list[str] = []
        self.heard: list[Event] = []
        missing = Foreknowledge(str(tmp_path / "none.db"))
        self.advising = Advising(Engine(config or EngineConfig()), self.channel, missing, say=self.said.append, warn=self.said.append)
        self.channel.listen(self.advising)
        self.channel.listen(self.heard.append)
        self.channel.begin("e")
        self.channel.publish(ExecutionStarted())
        self.channel.publish(PlayStarted(hosts=("web1",), strategy="linear"))

    def fails(self, *, final: bool) -> None:
        self.channel.publish(TaskFailed(task=TASK, host="web1", message=LOCKED, final=final, idempotent=True, started=True))


def test_under_a_strategy_that_cannot_act_it_is_said_what_would_be_done(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.fails(final=True)
    assert not world.channel.instructions
    assert len(world.said) == 1
    assert world.said[0].startswith("rustle: [web1] the task would be tried again under rustle_binary_hybrid: ")
    assert [one.advised for one in world.heard if isinstance(one, AdaptationRequested)] == [True]


def test_under_such_a_strategy_it_is_said_that_a_host_would_be_waited_for_unless_its_task_is_left_alone(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.channel.publish(HostUnavailable(host="web1", message="Connection refused", final=True, declared=True))
    assert world.said == []
    world.channel.publish(HostUnavailable(host="web1", message="Connection refused", final=True))
    assert [line.partition(":")[2].partition(":")[0] for line in world.said] == [" [web1] the host would be waited for under rustle_binary_hybrid"]


def test_where_somebody_acts_a_host_whose_task_linear_has_been_told_of_is_not_waited_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.advising.act()
    world.channel.publish(HostUnavailable(host="web1", message="Connection refused", final=True))
    assert not world.channel.instructions
    assert not any(isinstance(one, AdaptationRequested) for one in world.heard)
    world.channel.publish(HostUnavailable(host="web1", message="Connection refused"))
    assert [one.decision.kind for one in world.channel.instructions] == [AdaptationKind.WAIT]


def test_advice_that_a_task_asks_for_is_said_and_kept_and_nobody_is_to_act_on_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.advising.act()
    world.advising.advise(TaskFailed(task=TASK, host="web1", message=LOCKED, final=False, idempotent=True, started=True, advise=True))
    world.fails(final=True)
    assert not world.channel.instructions
    assert [line[:79] for line in world.said] == ["rustle: [web1] the task would be tried again with rustle_adaptation: on: anothe"]
    assert [one.advised for one in world.heard if isinstance(one, AdaptationRequested)] == [True]


def test_where_the_run_wants_no_adaptation_nothing_is_said_under_any_strategy(tmp_path: Path) -> None:
    world = World(tmp_path, EngineConfig(run_wide="off"))
    world.fails(final=True)
    assert not world.channel.instructions
    assert world.said == []
    assert not any(isinstance(one, AdaptationRequested) for one in world.heard)


def test_where_somebody_acts_the_instruction_is_there_when_the_failure_was_published(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.advising.act()
    world.fails(final=False)
    assert [one.decision.kind for one in world.channel.instructions] == [AdaptationKind.RETRY]
    assert world.said == []


def test_a_failure_that_stands_is_nothing_to_act_on(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.advising.act()
    world.fails(final=True)
    assert not world.channel.instructions


def test_the_next_play_may_be_run_by_somebody_else(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.advising.act()
    world.channel.publish(PlayStarted(hosts=("web1",), strategy="linear"))
    world.fails(final=True)
    assert len(world.said) == 1


def test_what_the_engine_tells_of_a_lasting_adaptation_does_not_come_back_to_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.advising.act()
    world.channel.publish(TaskCompleted(task=TASK, host="web1", host_class="ssh", path="agent", duration=1.0))
    for number in range(1, 5):
        world.channel.publish(BundleFinished(host="web1", bundle=number, seconds=1.0, dropped=1, failed=True))
    (toggle,) = (one for one in world.channel.instructions if one.decision.kind is AdaptationKind.TOGGLE)
    world.advising.applied(toggle.adaptation, None)
    world.advising.applied(toggle.adaptation, True)
    assert len([one for one in world.heard if isinstance(one, AdaptationApplied)]) <= 2
