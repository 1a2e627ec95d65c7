# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which results of workers are looked at before linear has them; the play and the engine are made up."""

from __future__ import annotations

import collections
import threading
import types
from typing import Any

import pytest
from ansible._internal._datatag._tags import TrustedAsTemplate
from ansible.playbook.task import Task
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import compat
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._run.stock_path import StockPath, StockTask
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel

HOST = types.SimpleNamespace(name="web1")


def task(**keywords: Any) -> Task:
    return Task.load({"name": "a file", "ansible.builtin.file": {"path": "/x", "state": "touch"}, **keywords})


class Play:
    """A play with one host. ``holds``: whether whatever fails is held back."""

    def __init__(self, *, adapts: bool = True, holds: bool = True) -> None:
        channel = Channel()
        channel.adviser = types.SimpleNamespace() if adapts else None
        self.asked: list[StockTask] = []
        self.run = types.SimpleNamespace(host=HOST, stock=None, task_vars={})
        self.hosts = {HOST.name: self.run}
        self.strategy = types.SimpleNamespace(_results=collections.deque(), _results_lock=threading.Lock())
        self.adapting = types.SimpleNamespace(takes=lambda stock: self.asked.append(stock) or holds)
        self.before = self.strategy._results
        self.stock_path = StockPath(self, channel)

    def ends(self, of: Task, *, away: bool = False) -> Any:
        """A worker's result comes; then linear has its turn."""
        result = types.SimpleNamespace(host=HOST, task=of, away=away)
        with self.strategy._results_lock:
            self.strategy._results.append(result)
        self.stock_path.look()
        return result

    @property
    def told(self) -> list[Any]:
        return list(self.strategy._results)


@pytest.fixture(autouse=True)
def _results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat, "wire_of", lambda result: result)
    monkeypatch.setattr(compat, "unreachable", lambda wire: wire.away)


def test_where_nobody_adapts_the_results_are_linears_own() -> None:
    play = Play(adapts=False)
    play.stock_path.begins(play.run, task(), Reason.THROTTLE)
    result = play.ends(play.run.stock.task)
    assert play.strategy._results is play.before
    assert (play.told, play.asked) == ([result], [])


def test_what_is_held_back_linear_does_not_hear_of_until_it_is_delivered() -> None:
    play = Play()
    play.stock_path.begins(play.run, task(), Reason.THROTTLE)
    stock = play.run.stock
    result = play.ends(stock.task)
    assert (play.told, play.asked, stock.is_current) == ([], [stock], True)
    play.stock_path.deliver(stock)
    assert (play.told, stock.is_current) == ([result], False)


def test_what_nobody_wants_anything_done_about_is_told_at_once() -> None:
    play = Play(holds=False)
    play.stock_path.begins(play.run, task(), Reason.THROTTLE)
    result = play.ends(play.run.stock.task)
    assert (play.told, len(play.asked), play.run.stock) == ([result], 1, None)


def test_results_that_are_not_of_the_hosts_worker_go_straight_to_linear() -> None:
    play = Play()
    one, other = task(), task()
    nobodys = play.ends(one)
    play.stock_path.begins(play.run, other, Reason.THROTTLE)
    agents = play.ends(one)
    assert (play.told, play.asked) == ([nobodys, agents], [])


@pytest.mark.parametrize(("reason", "keywords"), [
    (Reason.DISABLED, {}), (Reason.DEBUGGER, {"debugger": "on_failed"}), (Reason.MODE_SSH, {"debugger": "on_failed"}),
])
def test_where_a_person_decides_nobody_is_asked(reason: Reason, keywords: dict[str, Any]) -> None:
    play = Play()
    play.stock_path.begins(play.run, task(**keywords), reason)
    result = play.ends(play.run.stock.task)
    assert (play.told, play.asked) == ([result], [])


@pytest.mark.parametrize(("variables", "asked"), [
    ({}, 1), ({"ansible_ssh_retries": 0}, 1), ({"ansible_ssh_retries": 2}, 0), ({"ansible_ssh_retries": TrustedAsTemplate().tag("{{ n }}"), "n": 2}, 0),
    ({"ansible_ssh_retries": TrustedAsTemplate().tag("{{ n }}"), "n": 0}, 1), ({"ansible_ssh_retries": TrustedAsTemplate().tag("{{ n }}")}, 0),
    ({"ansible_ssh_retries": "many"}, 0),
])
def test_a_host_that_ssh_itself_tries_again_to_reach_is_not_waited_for(variables: dict[str, Any], asked: int) -> None:
    play = Play()
    play.run.task_vars = variables
    play.stock_path.begins(play.run, task(), Reason.THROTTLE)
    play.ends(play.run.stock.task, away=True)
    assert len(play.asked) == asked


@pytest.mark.parametrize(("keywords", "told"), [({}, False), ({"loop": [1]}, True), ({"with_items": [1]}, True), ({"async": 5}, True)])
def test_items_and_polls_have_been_shown_already(keywords: dict[str, Any], told: bool) -> None:
    assert StockTask(types.SimpleNamespace(host=HOST), task(**keywords), Reason.ASYNC).told is told


@pytest.mark.parametrize(("away", "started"), [(False, True), (True, None)])
def test_what_a_worker_did_before_its_host_was_away_nobody_knows(away: bool, started: bool | None) -> None:
    stock = StockTask(types.SimpleNamespace(host=HOST), task(), Reason.RAW)
    stock.ended_with = types.SimpleNamespace(away=away)
    assert (stock.away, stock.started) == (away, started)


def test_a_task_that_leaves_its_agent_takes_its_tries_along() -> None:
    play = Play()
    before = types.SimpleNamespace(attempt=2, again_by="a1")
    play.stock_path.begins(play.run, task(), Reason.AGENT_UNAVAILABLE, after=before)
    assert (play.run.stock.attempt, play.run.stock.again_by) == (2, "a1")
