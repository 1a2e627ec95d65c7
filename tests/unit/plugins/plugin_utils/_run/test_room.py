# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done where descriptors are short; the hub is a double that counts them."""

from __future__ import annotations

import os
import resource
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import OutOfDescriptors
from ansible_collections.rustle.engine.plugins.plugin_utils._run.room import Room, used_and_limit


class Connection:
    def __init__(self) -> None:
        self.closed = False

    def kill(self) -> None:
        self.closed = True


class House:
    """A hub of which each agent holds three descriptors until its connection is closed."""

    def __init__(self, *idle: str, used: int, limit: int, at_work: bool = False) -> None:
        self.at_work = at_work
        self.base, self.limit = used, limit
        self.retired: list[str] = []
        self.timers: list[Any] = []
        self.gone: set[str] = set()
        self.busy: set[str] = set()
        self.owners: dict[Any, Any] = {}
        for name in idle:
            connection = Connection()
            self.owners[connection] = SimpleNamespace(target=SimpleNamespace(key=name, label=name), connection=connection, retired=False)
        self.room = Room(self, look=lambda: (self.used, self.limit))

    @property
    def agents(self) -> dict[str, Any]:
        return {agent.target.key: agent for agent in self.owners.values() if not agent.retired}

    @property
    def used(self) -> int:
        return self.base + 3 * sum(not agent.connection.closed for agent in self.owners.values())

    def needed_agents(self) -> set[str]:
        return self.agents.keys() - self.gone

    def idle_agents(self) -> list[Any]:
        return [agent for name, agent in self.agents.items() if name not in self.busy]

    def retire_agent(self, key: str) -> None:
        next(agent for agent in self.owners.values() if agent.target.key == key).retired = True
        self.retired.append(key)

    def after(self, seconds: float, callback: Any) -> None:
        self.timers.append(callback)


def test_where_there_is_room_nobody_is_let_go() -> None:
    house = House("a", "b", used=10, limit=1024)
    house.room.for_worker()
    assert house.room.for_agent() and house.retired == []


def test_what_is_short_is_asked_of_one_agent_at_a_time_and_the_host_waits() -> None:
    house = House("a", "b", "c", used=80, limit=100)
    assert not house.room.for_agent() and house.retired == ["c"]
    assert not house.room.for_agent() and house.retired == ["c"], "it has not ended yet"
    house.timers.pop()()
    assert not house.room.for_agent() and house.retired == ["c", "b"]


def test_that_it_is_short_is_said_once() -> None:
    house, said = House("a", "b", used=76, limit=100), []
    house.room.on_short = lambda used, limit: said.append((used, limit))
    house.room.for_worker()
    assert (house.retired, said) == (["b"], [(82, 100)])
    house.base += 3
    house.room.for_worker()
    assert (house.retired, said) == (["b", "a"], [(82, 100)])


def test_a_host_that_does_not_go_on_is_the_first_to_be_let_go() -> None:
    house = House("a", "b", "c", used=80, limit=100)
    house.gone.add("b")
    assert not house.room.for_agent() and house.retired == ["b"]


def test_while_others_are_at_work_one_waits_for_them() -> None:
    assert not House(used=90, limit=100, at_work=True).room.for_agent()
    house = House("a", used=90, limit=100)
    house.busy.add("a")
    assert not house.room.for_agent() and house.retired == [], "what waits for that agent is about to be sent"


def test_where_nothing_can_be_let_go_the_run_ends_with_what_to_do() -> None:
    with pytest.raises(OutOfDescriptors) as raised:
        House(used=90, limit=100).room.for_agent()
    assert str(raised.value) == "an agent cannot be started: too many files are open (90 of 100)\nhint: raise the limit (ulimit -n), or lower forks"


def test_a_worker_gets_its_room_at_once() -> None:
    house = House("a", "b", "c", used=76, limit=100, at_work=True)
    house.room.for_worker()
    assert house.retired == ["c", "b"] and house.used + 20 <= 100
    with pytest.raises(OutOfDescriptors, match=r"^a worker cannot be started: too many files are open \(81 of 100\)"):
        House(used=81, limit=100, at_work=True).room.for_worker()


def test_what_cannot_be_known_is_not_short() -> None:
    room = Room(SimpleNamespace(), look=lambda: None)
    room.for_worker()
    assert room.for_agent()


def test_descriptors_are_counted() -> None:
    before = used_and_limit()
    assert before is not None and before[1] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    descriptors = os.pipe()
    try:
        now = used_and_limit()
        assert now is not None and now[0] == before[0] + 2
    finally:
        for one in descriptors:
            os.close(one)
