# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts wait for each other wherever somebody could notice: the cases of docs/ordering.md, and random plays. Order only, never time.

RUSTLE_TEST_PLAYS sets how many random plays are tried (3), RUSTLE_TEST_SEED where they begin.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.ordering.scene import Mark, Step, act, violations
from tests.lab.fleet import PORT, Fleet
from tests.lab.play import OURS, RUSTLE, Contestant, play

SSH = [{"connection": "ssh", "proxy": False}]
FREE = Contestant("free", "free")
HOST = Contestant("rustle, host", OURS, env={"RUSTLE_ORDERING": "host"})
APPS, DB = ("h001", "h002"), ("h003",)
SEED = int(os.environ.get("RUSTLE_TEST_SEED", "1"))
PLAYS = int(os.environ.get("RUSTLE_TEST_PLAYS", "3"))

copy = Step("copy", {"content": "x", "dest": "/etc/app.conf"})
lineinfile = Step("lineinfile", {"path": "/etc/app.conf", "line": "x"})
stat = Step("stat", {"path": "/run/app.pid"})
shell = Step("shell", {"_raw_params": "app status"})

# name -> steps, and the pairs that a person has labelled
CASES: dict[str, tuple[Sequence[Step], Sequence[tuple[int, int]]]] = {
    "a health check, then the database goes down": (
        [copy, Step("uri", {"url": "http://localhost/health"}, on=APPS), Step("service", {"name": "db", "state": "stopped"}, on=DB), stat],
        [(0, 1), (1, 2), (2, 3)],
    ),
    "stop all, upgrade, start all": (
        [
            Step("service", {"name": "x", "state": "stopped"}),
            Step("package", {"name": "x", "state": "latest"}),
            lineinfile,
            Step("service", {"name": "x", "state": "started"}),
        ],
        [(0, 1), (1, 3), (2, 3)],
    ),
    "keys for everybody, then rsync from one": (
        [Step("ansible.posix.authorized_key", {"user": "x", "key": "y"}), Step("command", {"_raw_params": "rsync -a x:/a /b"}, on=("h002",)), stat],
        [(0, 1), (1, 2)],
    ),
    "a file in a served folder, then a download from elsewhere": (
        [
            lineinfile,
            Step("copy", {"src": "x", "dest": "/var/www/x"}, on=("h001",)),
            Step("get_url", {"url": "http://h001/x", "dest": "/x"}, on=("h002", "h003")),
        ],
        [(1, 2)],
    ),
    "a key comes from one and goes to the other": (
        [copy, Step("fetch", {"src": "/key", "dest": "/srv/"}, on=("h001",)), Step("copy", {"src": "/srv/key", "dest": "/b"}, on=("h002",))],
        [(1, 2)],
    ),
    "what a task reports is no argument": (
        [copy, Step("command", {"_raw_params": "kubectl apply -f x"}, keywords={"changed_when": False}), Step("command", {"_raw_params": "kubectl get x"})],
        [(0, 1), (1, 2)],
    ),
}


def check(fleet: Fleet, steps: Sequence[Step], seed: int, **more: object) -> list[Mark]:
    marks = act(fleet, steps, seed)
    found = violations(steps, marks, **more)  # type: ignore[arg-type]
    assert not found, f"seed {seed}:\n" + "\n".join(found)
    return marks


@pytest.mark.parametrize("fleet", SSH, indirect=True, ids=["ssh"])
@pytest.mark.parametrize("name", CASES)
def test_a_case_keeps_its_order(fleet: Fleet, name: str) -> None:
    steps, truth = CASES[name]
    marks = check(fleet, steps, SEED, truth=truth)
    assert len(marks) == sum(len(step.on) or 3 for step in steps)


@pytest.mark.parametrize("fleet", SSH, indirect=True, ids=["ssh"])
def test_two_names_of_one_machine_take_turns_even_to_read(fleet: Fleet) -> None:
    steps = [copy, stat, lineinfile, stat]
    admin = {"h001-admin": {"ansible_host": fleet.hosts[0].address, "ansible_port": PORT, "workdir": "/nowhere", "hostno": 9}}
    marks = act(fleet, steps, SEED, more_hosts=admin)
    assert violations(steps, marks, one_machine=frozenset({"h001", "h001-admin"})) == []
    assert {mark.host for mark in marks} == {"h001", "h002", "h003", "h001-admin"}


@pytest.mark.parametrize("fleet", SSH, indirect=True, ids=["ssh"])
@pytest.mark.parametrize("seed", range(SEED, SEED + PLAYS))
def test_a_random_play_keeps_its_order(fleet: Fleet, seed: int) -> None:
    dice = random.Random(seed)
    private = [copy, lineinfile, stat, Step("file", {"path": "/x", "state": "touch"}), Step("user", {"name": "bob"})]
    worldly = [shell, Step("uri", {"url": "http://x"}), Step("service", {"name": "x", "state": "started"})]
    unseen = [Step("set_fact", {"a": "{{ inventory_hostname }}"}), Step("debug", {"msg": "{{ a | default('') }}"})]
    keywords = [{}, {}, {}, {"register": "a"}, {"ignore_errors": True}, {"throttle": 1}, {"any_errors_fatal": True}, {"run_once": True}]
    steps = []
    for _ in range(12):
        step = dice.choice(dice.choice([private, private, private, worldly, unseen]))
        on = tuple(dice.sample(["h001", "h002", "h003"], dice.choice([1, 2]))) if dice.random() < 0.3 else ()
        chosen = dice.choice(keywords) if step not in unseen else {}
        steps.append(Step(step.action, step.args, on=() if "run_once" in chosen else on, keywords=chosen))
    check(fleet, steps, seed)


# the checker can fail: the first host waits in its first step until another one has begun the second, which linear does not allow
LET_PASS = [Step(copy.action, copy.args, await_start_of={"h001": 1}), shell]


@pytest.mark.parametrize("fleet", SSH, indirect=True, ids=["ssh"])
@pytest.mark.parametrize("contestant", [FREE, HOST], ids=["free", "host"])
def test_the_checker_sees_a_host_that_runs_ahead(fleet: Fleet, contestant: Contestant) -> None:
    found = violations(LET_PASS, act(fleet, LET_PASS, SEED, contestant=contestant), truth=[(0, 1)])
    assert any(f"1 shell began on {other} before 0 copy ended on h001" in line for other in ("h002", "h003") for line in found), found


@pytest.mark.parametrize("fleet", SSH, indirect=True, ids=["ssh"])
def test_hosts_do_run_ahead_where_nobody_can_notice(fleet: Fleet) -> None:
    steps = [Step(copy.action, copy.args, await_start_of={"h001": 1}), lineinfile]
    marks = check(fleet, steps, SEED)
    ended = next(mark.end for mark in marks if (mark.number, mark.host) == (0, "h001"))
    assert any(mark.number == 1 and mark.start < ended for mark in marks), "every host waited for the slowest"


@pytest.mark.parametrize("fleet", SSH, indirect=True, ids=["ssh"])
def test_hosts_run_past_their_own_results_while_another_is_slow(fleet: Fleet) -> None:
    """The first host ends its first step only when another has begun the third, which reads what the two before it have registered."""
    steps = [
        Step(copy.action, copy.args, await_start_of={"h001": 2}, keywords={"register": "one", "changed_when": "one is not failed"}),
        Step(lineinfile.action, lineinfile.args, keywords={"register": "two", "when": "one is changed"}),
        Step(stat.action, stat.args, keywords={"when": "two is not skipped"}),
    ]
    marks = check(fleet, steps, SEED)
    assert len(marks) == 9
    ended = next(mark.end for mark in marks if (mark.number, mark.host) == (0, "h001"))
    assert any(mark.number == 2 and mark.start < ended for mark in marks), "every host waited for the slowest"


@pytest.mark.parametrize("fleet", [{"connection": "ssh", "delay_ms": [0, 10, 40]}], indirect=True, ids=["ssh"])
def test_real_modules_keep_their_order_on_links_of_different_speed(fleet: Fleet, tmp_path: Path) -> None:
    """Every step writes a file of its own: when that was written says when the step ran."""
    dice = random.Random(SEED)
    choices = [
        Step("copy", {"content": "x", "dest": "AT"}),
        Step("file", {"path": "AT", "state": "touch"}),
        Step("lineinfile", {"path": "AT", "line": "x", "create": True}),
        Step("shell", {"_raw_params": "touch AT"}),
        Step("command", {"_raw_params": "touch AT"}),
    ]
    steps = [choices[number] if number < len(choices) else dice.choice(choices) for number in range(12)]
    dice.shuffle(steps)
    tasks = [json.loads(json.dumps({step.action: dict(step.args)}).replace("AT", f"{{{{ workdir }}}}/{number}")) for number, step in enumerate(steps)]
    playbook = tmp_path / "real.yml"
    playbook.write_text(json.dumps([{"hosts": "fleet", "gather_facts": False, "tasks": tasks}]))
    outcome = play(fleet, playbook, RUSTLE)
    assert outcome.rc == 0, outcome.stdout
    written = {(int(path.name), host.name): path.stat().st_mtime_ns for host in fleet.hosts for path in host.work.iterdir()}
    assert len(written) == len(steps) * len(fleet.hosts)
    marks = [Mark(number, host, start=at, end=at) for (number, host), at in written.items()]
    assert violations(steps, marks) == []
