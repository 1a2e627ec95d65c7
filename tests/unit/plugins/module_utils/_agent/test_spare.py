# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The child that waits while another module runs: when there is one, and that it is never another than a new one would be."""

from __future__ import annotations

import os
import signal
import time

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent import messages

from .conftest import UNTIL_SPARE, children, gone

PID = "import os; result['pid'] = os.getpid()"


@pytest.fixture
def agent(python, launch):
    agent = launch(python)
    agent.probe("")  # of modules that the agent does not know yet none is waited for
    return agent


def in_turn(agent, *codes: str):
    """Run pieces of code one after another in one lane; return how each has ended, as far as it was begun."""
    return agent.in_turn(*(agent.module("ansible.legacy.probe", {"code": code}) for code in codes))


def test_the_next_module_runs_in_the_child_that_waited(agent):
    first, second = in_turn(agent, UNTIL_SPARE + "result['spare'] = spare", PID)
    assert second.result["pid"] == first.result["spare"]


def test_a_later_step_of_the_same_entry_does_too(agent):
    steps = [agent.module("ansible.legacy.probe", {"code": code}) for code in (UNTIL_SPARE + "result['spare'] = spare", PID)]
    done = agent.run(*steps)
    assert f'"spare": {done.result["pid"]}'.encode() in done.out[0]


def test_it_ends_when_nothing_is_left_to_run(agent):
    first, second = (agent.entry(agent.module("ansible.legacy.probe", {"code": code})) for code in (UNTIL_SPARE + "module.fail_json('no')", PID))
    agent.send(messages.message("run", entries=[first, second]))
    assert agent.done(first["id"]).stop == "failed"
    agent.receive("dropped", ids=[second["id"]])
    agent.probe("")
    assert children(agent) == []


def test_when_it_was_killed_another_takes_its_place(agent):
    kill = "os.kill(spare, 9)\nwhile spare in children(os.getppid()):\n    time.sleep(.005)\nresult['spare'] = spare"
    first, second = in_turn(agent, UNTIL_SPARE + kill, PID)
    assert second.stop is None
    assert second.result["pid"] != first.result["spare"]


def test_it_goes_with_an_agent_that_is_killed(agent):
    entries = [agent.entry(agent.module("ansible.legacy.probe", {"code": code})) for code in (UNTIL_SPARE + "time.sleep(300)", PID)]
    agent.send(messages.message("run", entries=entries))
    until = time.monotonic() + 30
    while len(children(agent)) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    runs, waits = sorted(children(agent))
    agent.process.send_signal(signal.SIGKILL)
    assert gone(waits)
    os.kill(runs, signal.SIGKILL)


def test_a_module_of_any_size_reaches_it(agent):
    text = "x" * 3_000_000
    first, second = in_turn(agent, UNTIL_SPARE + "result['spare'] = spare", f"text = '{text}'; result['size'] = len(text)\n" + PID)
    assert (second.result["size"], second.result["pid"]) == (3_000_000, first.result["spare"])
