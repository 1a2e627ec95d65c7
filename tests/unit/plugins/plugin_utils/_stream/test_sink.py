# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import queue
import threading

from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import HostRecovered
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.sink import Sink


class Slow(Sink):
    def __init__(self, gate: threading.Event) -> None:
        super().__init__(warn=print, most=1, every=0.01)
        self._queue = queue.Queue(2)
        self.gate, self.at_work, self.written = gate, threading.Event(), 0

    def write(self, lines: list[bytes]) -> None:
        if lines:
            self.at_work.set()
            self.gate.wait(30)
            self.written += len(lines)

    def rescue(self, lines: list[bytes]) -> None:
        raise AssertionError("the thread has come to them")


def test_a_queue_that_is_full_at_the_end_is_written_and_only_lines_are_counted_as_lost() -> None:
    gate = threading.Event()
    sink = Slow(gate)
    sink(HostRecovered(host="h"))
    assert sink.at_work.wait(30)
    for _ in range(3):  # two have room
        sink(HostRecovered(host="h"))
    threading.Timer(0.05, gate.set).start()
    assert sink.close(30)
    assert (sink.written, sink.lost) == (3, 1)


class Breaking(Sink):
    """Fails for the first lines only."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(warn=said.append, most=1, every=0.01)
        self.calls, self.written = 0, 0

    def write(self, lines: list[bytes]) -> None:
        if lines:
            self.calls += 1
            if self.calls <= 2:
                raise ValueError("nobody thought of this")
            self.written += len(lines)


def test_whatever_goes_wrong_with_lines_is_said_once_and_later_lines_are_written() -> None:
    said: list[str] = []
    sink = Breaking(said)
    for _ in range(4):
        sink(HostRecovered(host="h"))
    assert sink.close(30)
    assert (sink.written, sink.lost) == (2, 2)
    assert said == ["rustle.engine: events are lost: ValueError: nobody thought of this"]
