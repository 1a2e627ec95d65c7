# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Failures on the stock path are survived like those of agents, as long as nothing of the task was shown yet."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.surviving.test_faults import FAILING, Server, alongside
from tests.lab.fleet import Fleet
from tests.lab.play import OURS, Contestant, Outcome, play

one_host = pytest.mark.parametrize("fleet", [{"hosts": 1}], indirect=True)


def run(fleet: Fleet, folder: Path, *tasks: dict[str, Any], **env: str) -> tuple[Outcome, list[dict[str, Any]]]:
    """How it went, with all events."""
    path, events = folder / "site.yml", folder / "events"
    path.write_text(json.dumps([{"hosts": "fleet", "gather_facts": False, "tasks": list(tasks)}]))
    given = {"ANSIBLE_CALLBACKS_ENABLED": "rustle.engine.feedback", "RUSTLE_EVENTS_FILE": str(events), **env}
    outcome = play(fleet, path, Contestant("ours", OURS, env=given))
    return outcome, [json.loads(line) for line in events.read_text().splitlines()]


def kinds(events: list[dict[str, Any]], *wanted: str) -> list[str]:
    return [event["kind"] for event in events if event["kind"] in wanted]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    with made.serving():
        yield made


def asking(server: Server, path: str, **keywords: Any) -> dict[str, Any]:
    """A task that workers do, since it is throttled."""
    return {"name": "Ask", "ansible.builtin.uri": {"url": server.url + path}, "throttle": 1, "register": "answer", **keywords}


@one_host
def test_a_task_is_tried_again_and_linear_hears_of_its_last_try_only(fleet: Fleet, tmp_path: Path, server: Server) -> None:
    assert FAILING["/h001/one"] == 503
    seen = {"name": "See", "ansible.builtin.assert": {"that": "answer.status == 200"}}
    outcome, events = run(fleet, tmp_path, asking(server, "/h001/one"), seen)
    assert outcome.rc == 0, outcome.stdout
    assert server.asked["/h001/one"] == 2
    assert "FAILED" not in outcome.stdout
    assert "ok=2" in outcome.recap["h001"]
    ends = [event for event in events if event["kind"] in ("task_completed", "task_failed") and event["task"]["name"] == "Ask"]
    assert [(one["kind"], one.get("final"), one["attempt"], one["path"]) for one in ends] == [
        ("task_failed", False, 1, "stock"), ("task_completed", None, 2, "stock")]  # fmt: skip
    assert ends[1]["path_reason"] == "throttle"
    assert kinds(events, "adaptation_requested", "adaptation_applied")[0] == "adaptation_requested"
    started = [event for event in events if event["kind"] == "task_started" and event["task"]["name"] == "Ask"]
    assert len(started) == 1


@one_host
def test_items_of_a_loop_were_shown_and_are_not_asked_for_again(fleet: Fleet, tmp_path: Path, server: Server) -> None:
    outcome, events = run(fleet, tmp_path, asking(server, "/h001/{{ item }}", loop=["one", "two"]))
    assert outcome.rc == 2
    assert (server.asked["/h001/one"], server.asked["/h001/two"]) == (1, 1)
    assert kinds(events, "adaptation_applied") == []


@one_host
def test_where_the_engine_is_off_for_a_task_nothing_is_done_about_it(fleet: Fleet, tmp_path: Path, server: Server) -> None:
    outcome, _events = run(fleet, tmp_path, asking(server, "/h001/one", vars={"rustle_enabled": False}))
    assert outcome.rc == 2
    assert server.asked["/h001/one"] == 1


@pytest.mark.parametrize("fleet", [{"hosts": 2, "groups": {"mirrors": ["h001", "h002"]}}], indirect=True)
def test_what_is_delegated_stays_where_the_play_wants_it(fleet: Fleet, tmp_path: Path) -> None:
    command = f"echo $HOME >> {tmp_path}/where; echo 'Connection timed out' >&2; exit 1"
    declared = {"rustle_retry": True, "rustle_interchangeable": "mirrors"}
    task = {"name": "Here", "ansible.builtin.shell": command, "delegate_to": "localhost", "vars": declared}
    outcome, _events = run(fleet, tmp_path, task, RUSTLE_ADAPTATION_LEARNING="0")
    assert outcome.rc == 2
    assert (tmp_path / "where").read_text().split() == [str(fleet.controller_home)] * 6


def away(fleet: Fleet, *, events: Path) -> AbstractContextManager[None]:
    """The host refuses connections from the end of its first task on, until the events tell that this was noticed."""
    name = fleet.hosts[0].name

    def watch(over: threading.Event) -> None:
        # not as soon as the task has done something: what it answers is on its way then
        while not over.wait(0.05) and not (events.exists() and "task_completed" in events.read_text()):
            pass
        fleet.close(name)
        while not over.wait(0.05) and "host_unavailable" not in events.read_text():
            pass
        fleet.open(name)

    return alongside(watch)


@one_host
@pytest.mark.parametrize("repeatable", [True, False])
def test_a_host_that_goes_away_is_waited_for_where_the_task_may_be_repeated(fleet: Fleet, tmp_path: Path, repeatable: bool) -> None:
    work = fleet.hosts[0].work
    begin = {"name": "Begin", "ansible.builtin.file": {"path": f"{work}/begun", "state": "touch"}}
    # on the controller: the host is away by the time that the next task asks for it
    wait = {"name": "Give it time", "ansible.builtin.pause": {"seconds": 2}}
    file = {"ansible.builtin.file": {"path": f"{work}/end", "state": "touch"}}
    action: dict[str, Any] = file if repeatable else {"ansible.builtin.shell": f"echo end >> {work}/end"}
    with away(fleet, events=tmp_path / "events"):
        outcome, events = run(fleet, tmp_path, begin, wait, {"name": "End", **action}, RUSTLE_MODE="ssh", ANSIBLE_SSH_ARGS="-o ControlMaster=no")
    said = [line for line in outcome.stdout.splitlines() if line.startswith("rustle: [")]
    if repeatable:
        assert outcome.rc == 0, outcome.stdout
        assert ["waits for its host" in line for line in said] == [True]
        assert kinds(events, "host_unavailable", "host_recovered") == ["host_unavailable", "host_recovered"]
        assert (work / "end").exists()
    else:
        assert outcome.rc == 4, outcome.stdout
        assert said == []
        assert not (work / "end").exists()
