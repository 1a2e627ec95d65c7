# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far a host runs ahead of linear; the play and what the iterator would give next are made up."""

from __future__ import annotations

import collections
import types
from typing import Any

import pytest
from ansible.playbook.task import Task
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.execution import Outcome
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._run.ahead import HostRun, LookingAhead


class Execution:
    """A task that waits for its answer."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.outcome, self.done, self.failed, self.final, self.to_judge = Outcome.WAITING, False, False, True, False
        self.waiting_for: object = object()
        self.discovered = self.renews = self.run = self.files_read = None
        self.make_vars: Any = None

    def start(self) -> None:
        self.make_vars()


class World:
    """Two hosts in a play whose tasks never end."""

    def __init__(self, *, lookahead: int = 6) -> None:
        self.submitted: list[str] = []
        settings = types.SimpleNamespace(lookahead=lookahead, mode="auto", enabled=True)
        self.session = types.SimpleNamespace(settings=lambda _variables: settings, batches={}, diary=None)
        rules = types.SimpleNamespace(
            barrier=lambda *_args: None, restarts_agent=lambda *_args: False, any_file=lambda _path: False, on_controller=lambda _host: False)
        self.play = types.SimpleNamespace(
            session=self.session, rules=rules, tally=types.SimpleNamespace(cuts=collections.Counter()), hosts={},
            hub=types.SimpleNamespace(telling=types.SimpleNamespace(cut=lambda *_args: None), submit=lambda lane, _execution: self.submitted.append(lane)),
            strategy=types.SimpleNamespace(_step=False, debugger_active=False, _variable_manager=types.SimpleNamespace(_nonpersistent_fact_cache={})),
            vars_now=lambda _host, _task: {}, new_execution=self._new)
        self.looking = LookingAhead(self.play)

    @staticmethod
    def _new(_host: object, task: Task, *, guard: object, make_vars: Any) -> Execution:
        execution = Execution(task)
        execution.make_vars = make_vars
        return execution

    def host(self, name: str) -> HostRun:
        run = HostRun(types.SimpleNamespace(name=name), name)  # type: ignore[arg-type]
        run.current = Execution(a_task())  # type: ignore[assignment]
        coming = [a_task() for _ in range(20)]
        after = lambda: (coming.pop(), None) if coming else (None, Reason.END)  # noqa: E731
        run.view = types.SimpleNamespace(started=lambda _task: None, next=after)  # type: ignore[assignment]
        run.cut = Reason.LOOKAHEAD_LIMIT
        self.play.hosts[name] = run
        return run


def a_task() -> Task:
    return Task.load({"name": "it", "ansible.builtin.file": {"path": "/x", "state": "touch"}})


@pytest.mark.parametrize(("bound", "ahead"), [(3, 2), (1, 0), (100, 5)])
def test_an_adaptation_bounds_what_is_under_way_for_its_host_and_never_widens_the_setting(bound: int, ahead: int) -> None:
    world = World(lookahead=6)
    world.session.batches["web1"] = bound
    run = world.host("web1")
    world.looking.look(run)
    assert (len(run.ahead), run.cut) == (ahead, Reason.LOOKAHEAD_LIMIT)
    assert world.submitted == ["web1"] * ahead


def test_other_hosts_run_as_far_ahead_as_before() -> None:
    world = World(lookahead=6)
    world.session.batches["web1"] = 1
    run = world.host("web2")
    world.looking.look(run)
    assert len(run.ahead) == 5


def test_a_bound_that_is_narrowed_takes_back_nothing_and_lets_the_host_go_on_when_less_is_under_way() -> None:
    world = World(lookahead=6)
    run = world.host("web1")
    world.looking.look(run)
    world.session.batches["web1"] = 3
    world.looking.look(run)
    assert len(run.ahead) == 5
    for left, sent in ((3, 5), (2, 5), (1, 6)):
        run.current = run.ahead.popleft()  # linear has taken one up
        while len(run.ahead) > left:
            run.ahead.popleft()
        world.looking.look(run)
        assert len(world.submitted) == sent
    assert len(run.under_way()) == 3


def test_a_bound_that_is_widened_again_lets_the_host_go_on_from_where_it_was() -> None:
    world = World(lookahead=6)
    world.session.batches["web1"] = 2
    run = world.host("web1")
    world.looking.look(run)
    (first,) = run.ahead
    world.session.batches["web1"] = 4
    world.looking.look(run)
    assert len(run.ahead) == 3
    assert run.ahead[0] is first
