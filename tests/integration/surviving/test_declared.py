# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a task, a play or a run says of adaptations is kept to, in real runs through agents and by the stock path.

Each try of a task leaves a line in its host's journal.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab.fleet import Fleet
from tests.lab.play import LINEAR, OURS, Contestant, Outcome, play

CALLBACK = {"ANSIBLE_CALLBACKS_ENABLED": "rustle.engine.feedback"}
PASSING = "Connection timed out"  # of the class timeout: tried again after 2 seconds

Run = Callable[..., Outcome]


def failing(*, words: str = PASSING, times: int = 1) -> str:
    """A command that fails so many times and then goes well."""
    return f"echo try >> {{{{ workdir }}}}/journal; test $(wc -l < {{{{ workdir }}}}/journal) -gt {times} || {{ echo '{words}' >&2; exit 1; }}"


def task(**variables: Any) -> dict[str, Any]:
    return {"name": "Do it", "ansible.builtin.shell": failing(), "vars": variables}


AFTER = {"name": "Go on", "ansible.builtin.shell": "echo after >> {{ workdir }}/journal"}


@pytest.fixture(params=["auto", "ssh"])
def run(fleet: Fleet, tmp_path: Path, request: pytest.FixtureRequest) -> Run:
    mode = {"RUSTLE_MODE": request.param}

    def run(*tasks: dict[str, Any], of_play: dict[str, Any] | None = None, callback: bool = True, strategy: str = OURS, **env: str) -> Outcome:
        document = [{"hosts": "fleet", "gather_facts": False, "tasks": [*tasks, AFTER], **(of_play or {})}]
        path = tmp_path / "site.yml"
        path.write_text(json.dumps(document))
        return play(fleet, path, Contestant("ours", strategy, env=(CALLBACK if callback else {}) | mode | env))

    return run


def journal(fleet: Fleet, number: int = 0) -> list[str]:
    path = fleet.hosts[number].work / "journal"
    return path.read_text().split() if path.exists() else []


def said(outcome: Outcome) -> list[str]:
    return [line for line in outcome.stdout.splitlines() if line.startswith("rustle: [")]


one_host = pytest.mark.parametrize("fleet", [{"hosts": 1}], indirect=True)
two_hosts = pytest.mark.parametrize("fleet", [{"hosts": 2, "groups": {"mirrors": ["h001", "h002"]}}], indirect=True)


@one_host
def test_a_command_is_not_run_again_by_itself(fleet: Fleet, run: Run) -> None:
    outcome = run(task())
    assert outcome.rc == 2
    assert journal(fleet) == ["try"]
    assert said(outcome) == []


@one_host
def test_a_command_is_run_again_where_the_task_says_that_it_may(fleet: Fleet, run: Run) -> None:
    outcome = run(task(rustle_retry=True))
    assert outcome.rc == 0, outcome.stdout
    assert journal(fleet) == ["try", "try", "after"]
    assert len(said(outcome)) == 1
    assert "tried again" in said(outcome)[0]


@one_host
def test_a_module_that_is_idempotent_is_not_run_again_where_the_task_forbids_it(fleet: Fleet, run: Run) -> None:
    nobody = {"name": "Ask", "ansible.builtin.uri": {"url": "http://127.0.0.1:1/"}, "vars": {"rustle_retry": False}}
    outcome = run(nobody)
    assert outcome.rc == 2
    assert said(outcome) == []


@one_host
def test_a_task_that_may_be_left_out_is_left_out_when_it_fails_for_good(fleet: Fleet, run: Run) -> None:
    outcome = run(task(rustle_skippable=True))
    assert outcome.rc == 0, outcome.stdout
    assert journal(fleet) == ["try", "after"]
    assert "left out" in said(outcome)[0]
    assert "skipped=1" in outcome.recap["h001"]


@one_host
@pytest.mark.parametrize("stance", ["off", "advise"])
@pytest.mark.parametrize("place", ["task", "play", "run"])
def test_where_adaptation_is_not_on_nothing_runs_twice(fleet: Fleet, run: Run, stance: str, place: str) -> None:
    tasks = [task(rustle_retry=True, **({"rustle_adaptation": stance} if place == "task" else {}))]
    of_play = {"vars": {"rustle_adaptation": stance}} if place == "play" else {}
    env = {"RUSTLE_ADAPTATION": stance} if place == "run" else {}
    outcome = run(*tasks, of_play=of_play, **env)
    assert outcome.rc == 2
    assert journal(fleet) == ["try"]
    lines = said(outcome)
    if stance == "off":
        assert lines == []
    else:
        assert len(lines) == 1
        assert lines[0].startswith("rustle: [h001] the task would be tried again with rustle_adaptation: on")


@two_hosts
@pytest.mark.parametrize("declared", [True, False])
def test_another_host_does_it_only_where_the_play_says_that_it_may(fleet: Fleet, run: Run, declared: bool) -> None:
    here = fleet.hosts[0]
    command = (
        f"echo {{{{ inventory_hostname }}}} >> $HOME/../who; case $HOME in *{here.name}/*) echo '{PASSING}' >&2; exit 1;; esac")
    tasks = [{"name": "Do it", "ansible.builtin.shell": command, "vars": {"rustle_retry": True}}]
    of_play = {"vars": {"rustle_interchangeable": "mirrors"}} if declared else {}
    outcome = run(*tasks, of_play=of_play, RUSTLE_ADAPTATION_LEARNING="0")  # tries that have not helped in one case are none in the next
    who = [(host.folder / "who").read_text().split() for host in fleet.hosts]
    for host in fleet.hosts:
        (host.folder / "who").unlink()
    lines = [line for line in said(outcome) if "does it instead" in line]
    assert who[0] == ["h001"] * 3
    if declared:
        assert outcome.rc == 0, outcome.stdout
        assert sorted(who[1]) == ["h001", "h002"]
        assert [line[9:13] for line in lines] == ["h001"]
        assert journal(fleet, 0) == ["after"]
    else:
        assert outcome.rc == 2
        assert who[1] == ["h002"]
        assert lines == []


@two_hosts
def test_what_no_host_can_do_fails(fleet: Fleet, run: Run) -> None:
    tasks = [{"name": "Do it", "ansible.builtin.shell": failing(times=20), "vars": {"rustle_retry": True}}]
    outcome = run(*tasks, of_play={"vars": {"rustle_interchangeable": "mirrors"}}, RUSTLE_ADAPTATION_LEARNING="0")
    assert outcome.rc == 2, outcome.stdout
    instead = len([line for line in said(outcome) if "does it instead" in line])
    assert instead in (1, 2)  # a host that has failed for good does nothing for the other one
    assert len(journal(fleet, 0) + journal(fleet, 1)) == 6 + instead


@one_host
def test_a_task_that_fails_before_it_can_be_left_out_fails(fleet: Fleet, run: Run) -> None:
    nowhere = {"name": "Do it", "ansible.builtin.command": "true", "delegate_to": "{{ nobody }}", "vars": {"rustle_skippable": True}}
    outcome = run(nowhere, RUSTLE_ADAPTATION_LEARNING="0")
    assert outcome.rc == 2
    assert len([line for line in said(outcome) if "left out" in line]) == 1


@one_host
def test_without_the_callback_nothing_is_adapted(fleet: Fleet, run: Run) -> None:
    outcome = run(task(rustle_retry=True, rustle_skippable=True), callback=False)
    assert outcome.rc == 2
    assert journal(fleet) == ["try"]
    assert "rustle:" not in outcome.stdout


@one_host
def test_under_linear_it_is_said_what_would_have_been_done(fleet: Fleet, run: Run) -> None:
    outcome = run({"name": "Ask", "ansible.builtin.uri": {"url": "http://127.0.0.1:1/"}}, strategy=LINEAR.strategy)
    assert outcome.rc == 2
    assert journal(fleet) == []
    assert [line[:45] for line in said(outcome)] == ["rustle: [h001] the task would be tried again "]


@one_host
def test_under_linear_nothing_is_said_where_the_run_wants_no_adaptation(fleet: Fleet, run: Run) -> None:
    outcome = run({"name": "Ask", "ansible.builtin.uri": {"url": "http://127.0.0.1:1/"}}, strategy=LINEAR.strategy, RUSTLE_ADAPTATION="off")
    assert outcome.rc == 2
    assert said(outcome) == []


@one_host
def test_a_task_may_be_adapted_in_a_run_that_is_not(fleet: Fleet, run: Run) -> None:
    outcome = run(task(rustle_retry=True, rustle_adaptation="on"), RUSTLE_ADAPTATION="off")
    assert outcome.rc == 0, outcome.stdout
    assert journal(fleet) == ["try", "try", "after"]
