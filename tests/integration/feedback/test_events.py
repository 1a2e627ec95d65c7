# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run tells of itself, under linear and under ours: the same ends of the same tasks, and no secret."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model import event as events
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.event_json import decode

from tests.lab.fleet import Fleet
from tests.lab.play import LINEAR, OURS, Contestant, play

PLAYBOOK = Path(__file__).parent / "everything.yml"
SECRETS = ("xyzzyplugh", "hunter2", "verysecret")
FLEET = pytest.mark.parametrize("fleet", [{"hosts": 2}], indirect=True)
ENDS = {"task_completed": "ok", "task_failed": "failed", "task_skipped": "skipped"}


def recorded(fleet: Fleet, strategy: str, tmp_path: Path) -> tuple[list[events.Event], bytes]:
    """The events of a run of everything.yml, and the bytes of the file that they were written to."""
    password, secrets, out = tmp_path / "password", tmp_path / "secrets.yml", tmp_path / f"{strategy}.jsonl"
    password.write_text("pw")
    vault = [str(Path(sys.executable).parent / "ansible-vault"), "encrypt_string", "--vault-password-file", str(password), SECRETS[0]]
    encrypted = subprocess.run([*vault, "--name", "vaulted_word"], capture_output=True, text=True, check=True).stdout
    secrets.write_text(encrypted)
    env = {"ANSIBLE_CALLBACKS_ENABLED": "rustle.engine.feedback", "RUSTLE_EVENTS_FILE": str(out)}
    arguments = ["-e", f"@{secrets}", "--vault-password-file", str(password)]
    outcome = play(fleet, PLAYBOOK, Contestant(strategy, strategy, env=env), arguments=arguments)
    assert outcome.rc == 0, outcome.stdout
    assert "rustle.engine" not in outcome.stdout, outcome.stdout
    data = out.read_bytes()
    return [decode(line) for line in data.splitlines()], data


def ends(told: list[events.Event]) -> set[tuple[str, str, str, str]]:
    return {
        (event.host, event.task.identity, event.task.name, ENDS[event.kind] + "+" * getattr(event, "changed", False))
        for event in told
        if isinstance(event, events.TaskEnded)
    }


@FLEET
def test_linear_and_ours_tell_of_the_same_ends(fleet: Fleet, tmp_path: Path) -> None:
    under_linear, _data = recorded(fleet, LINEAR.strategy, tmp_path)
    under_ours, _data = recorded(fleet, OURS, tmp_path)
    assert ends(under_linear) == ends(under_ours)
    assert len(ends(under_ours)) == 28  # 14 tasks on two hosts: facts, eleven of the play, the included one and the handler
    for told in (under_linear, under_ours):
        assert [event.sequence for event in told] == list(range(1, len(told) + 1))
        assert [type(told[0]), type(told[-1])] == [events.ExecutionStarted, events.ExecutionCompleted]
        totals = told[-1].totals  # type: ignore[attr-defined]
        assert {name: totals[name] for name in ("failed", "ignored", "rescued", "unreachable")} == {
            "failed": 0, "ignored": 4, "rescued": 2, "unreachable": 0}
        play_started = next(event for event in told if isinstance(event, events.PlayStarted))
        assert play_started.hosts == ("h001", "h002")
        begun = {event.task.identity for event in told if isinstance(event, events.TaskStarted)}
        assert set(play_started.identities) <= begun | {event.task.identity for event in told if isinstance(event, events.TaskEnded)}


@FLEET
def test_ours_tells_what_the_agent_measured_and_how_bundles_went(fleet: Fleet, tmp_path: Path) -> None:
    told, _data = recorded(fleet, OURS, tmp_path)
    command = next(event for event in told if isinstance(event, events.TaskCompleted) and event.task.name == "Run a command")
    assert command.path == "agent"
    assert command.measures is not None
    assert command.measures.start <= command.measures.end  # type: ignore[operator]
    assert command.measures.calls == 1
    assert min(command.measures.cpu, command.measures.maxrss, command.measures.bytes_up, command.measures.bytes_down) > 0  # type: ignore[type-var]
    assert command.duration == pytest.approx(command.measures.end - command.measures.start)  # type: ignore[operator]
    assert command.host_class.startswith("ssh/linux/")
    loop = next(event for event in told if isinstance(event, events.TaskCompleted) and event.task.name == "Go through a list")
    assert (loop.items, loop.measures.calls) == (3, 3)  # type: ignore[union-attr]
    said = next(event for event in told if isinstance(event, events.TaskCompleted) and event.task.module == "ansible.builtin.debug")
    assert said.path == "controller"
    sent = {event.bundle: event.tasks for event in told if isinstance(event, events.BundleSent)}
    finished = {event.bundle: event.done + event.dropped for event in told if isinstance(event, events.BundleFinished)}
    assert sent == finished
    assert told[-1].bundles == len(sent)  # type: ignore[attr-defined]
    assert told[-1].round_trips == sum(not event.joined for event in told if isinstance(event, events.BundleSent))  # type: ignore[attr-defined]
    assert all(0 <= (event.work or 0) <= event.seconds for event in told if isinstance(event, events.BundleFinished))


@FLEET
@pytest.mark.parametrize("strategy", [LINEAR.strategy, OURS])
def test_no_secret_is_told(fleet: Fleet, strategy: str, tmp_path: Path) -> None:
    told, data = recorded(fleet, strategy, tmp_path)
    for secret in SECRETS:
        assert secret.encode() not in data
    messages = {event.task.name: event.message for event in told if isinstance(event, events.TaskFailed)}
    assert messages["Fail where nobody sees it"] == ""
    assert "password=********" in messages["Fail and be ignored"]
    assert "no_log" not in messages["Fail and be ignored"]
