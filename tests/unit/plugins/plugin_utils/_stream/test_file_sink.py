# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import HostRecovered
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.event_json import decode
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.file_sink import FileSink

EVENTS = [HostRecovered(execution="e", sequence=number, host="h") for number in range(1, 1201)]


def test_every_event_is_a_line_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "events"
    sink = FileSink(str(path), warn=print)
    for event in EVENTS:
        sink(event)
    assert sink.close()
    assert [decode(line) for line in path.read_bytes().splitlines()] == EVENTS
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_descriptor_gets_them_and_stays_open() -> None:
    read, write = os.pipe()
    sink = FileSink(f"fd:{write}", warn=print)
    sink(EVENTS[0])
    assert sink.close()
    os.write(write, b"still open\n")
    assert os.read(read, 4096).endswith(b"still open\n")
    os.close(read)
    os.close(write)


def test_a_reader_that_has_gone_is_said_once_and_ends_nothing() -> None:
    read, write = os.pipe()
    os.close(read)
    said: list[str] = []
    sink = FileSink(f"fd:{write}", warn=said.append)
    sink(EVENTS[0])
    sink.close()
    sink.write([b"more"])
    assert len(said) == 1
    assert sink.lost == 2
    os.close(write)


def test_a_full_disk_ends_nothing() -> None:
    said: list[str] = []
    sink = FileSink("/dev/full", warn=said.append)
    sink(EVENTS[0])
    assert sink.close()
    assert said == ["rustle.engine: no more events are written to /dev/full: No space left on device"]


@pytest.mark.parametrize("place", ["/nowhere/events", "fd:987"])
def test_a_place_that_cannot_be_written_is_an_error_at_the_start(place: str) -> None:
    with pytest.raises(SettingsError, match="events_file"):
        FileSink(place, warn=print)
