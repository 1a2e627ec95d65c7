# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A controller whose descriptors are nearly used up has fewer hosts at work at once, and the run ends well."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.event_json import decode

from tests.lab.fleet import Fleet
from tests.lab.play import OURS, Contestant, play

PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Begin
      ansible.builtin.ping:
    - name: Leak
      ansible.builtin.command: sleep 6
    - name: Release
      ansible.builtin.command: sleep 6
"""
LEAK = """
import os
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'aggregate'
    CALLBACK_NAME = 'leak'
    opened = []

    def v2_playbook_on_task_start(self, task, is_conditional):
        while task.get_name() == 'Leak' and len(os.listdir('/proc/self/fd')) < %(many)d:
            self.opened.append(open(os.devnull))
        while task.get_name() == 'Release' and self.opened:
            self.opened.pop().close()
"""
DESCRIPTORS = 256
MANY = 240


@contextlib.contextmanager
def few_descriptors(count: int) -> Iterator[None]:
    """What is started meanwhile has no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("fleet", [{"hosts": 4}], indirect=True)
def test_descriptors_that_run_short_make_fewer_lanes_and_are_told_once_more_when_they_are_free(fleet: Fleet, tmp_path: Path) -> None:
    out, playbook, plugins = tmp_path / "events.jsonl", tmp_path / "site.yml", tmp_path / "callbacks"
    playbook.write_text(PLAYBOOK)
    plugins.mkdir()
    (plugins / "leak.py").write_text(LEAK % {"many": MANY})
    env = {"ANSIBLE_CALLBACK_PLUGINS": str(plugins), "ANSIBLE_CALLBACKS_ENABLED": "rustle.engine.feedback,leak", "RUSTLE_EVENTS_FILE": str(out)}
    with few_descriptors(DESCRIPTORS):
        outcome = play(fleet, playbook, Contestant("few", OURS, env=env), arguments=["--forks", "4"])
    assert outcome.rc == 0, outcome.stdout
    told = [decode(line) for line in out.read_bytes().splitlines()]
    short = [event for event in told if isinstance(event, events.ResourceConstraint) and event.resource == "descriptors"]
    assert {(event.host, event.limit) for event in short} == {("", DESCRIPTORS)}
    assert short[0].used >= 0.9 * DESCRIPTORS
    assert short[-1].used < 0.7 * DESCRIPTORS
    wanted = next(event for event in told if isinstance(event, events.AdaptationRequested) and "descriptors is at" in event.rationale)
    assert (wanted.what, wanted.target) == ("resource_scaling", "*")
    assert "2 hosts at work at once instead of 4" in wanted.rationale
    assert wanted.adaptation in {event.adaptation for event in told if isinstance(event, events.AdaptationApplied)}
