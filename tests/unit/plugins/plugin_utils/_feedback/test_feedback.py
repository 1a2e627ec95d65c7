# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is set up for a run by its settings, and what is not."""

from __future__ import annotations

import os
import types
from pathlib import Path

import pytest
from ansible.errors import AnsibleError
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback import feedback as module
from ansible_collections.rustle.engine.plugins.plugin_utils._feedback.feedback import Feedback
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel


@pytest.fixture
def channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Channel:
    """The process's channel, with a history in a folder of its own."""
    for name in [name for name in os.environ if name.startswith("RUSTLE_")]:
        monkeypatch.delenv(name)
    channel = Channel()
    monkeypatch.setattr(module, "channel", channel)
    monkeypatch.setattr(module, "Recorder", types.SimpleNamespace(shared=lambda: None))
    monkeypatch.setattr(module, "atexit", types.SimpleNamespace(register=lambda _act: None))
    monkeypatch.setattr(module, "read_config", lambda _path: {})
    monkeypatch.setenv("RUSTLE_FEEDBACK_DB", str(tmp_path / "feedback.db"))
    return channel


def test_a_run_is_recorded_and_advised_unless_it_is_said_otherwise(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSTLE_FEEDBACK", "no")
    assert not Feedback().enabled
    assert (channel.heard, channel.adviser) == (False, None)
    monkeypatch.delenv("RUSTLE_FEEDBACK")
    assert Feedback().enabled
    assert channel.heard
    assert channel.adviser is not None


@pytest.mark.parametrize(("name", "value"), [("FEEDBACK_DAYS", "many"), ("ERROR_CLASSES", "/no/such/file.yml"), ("ADAPTATION", "perhaps")])
def test_where_a_setting_is_bad_nobody_records_or_acts_on_a_half(
    channel: Channel, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"RUSTLE_{name}", value)
    with pytest.raises(AnsibleError):
        Feedback()
    assert (channel.heard, channel.adviser) == (False, None)


def test_settings_of_the_strategy_alone_are_no_matter_of_feedback(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSTLE_LOOKAHEAD", "far")
    assert Feedback().enabled
