# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
import threading

from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, HostRecovered, HostUnavailable
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel


def test_nobody_listens_until_somebody_does() -> None:
    channel = Channel()
    assert not channel.heard
    assert channel.publish(HostRecovered(host="a")) is None


def test_events_get_their_execution_place_and_clocks() -> None:
    channel = Channel(wall=lambda: 5.0, monotonic=lambda: 7.0)
    got: list[Event] = []
    channel.listen(got.append)
    channel.begin("e")
    channel.publish(HostRecovered(host="a"))
    channel.publish(HostRecovered(host="b"))
    assert [(one.execution, one.sequence, one.time, one.monotonic) for one in got] == [("e", 1, 5.0, 7.0), ("e", 2, 5.0, 7.0)]


def test_an_event_that_is_published_again_is_another_one() -> None:
    channel = Channel()
    heard: list[Event] = []
    channel.listen(heard.append)
    first = channel.publish(HostRecovered(host="a"))
    again = channel.publish(first)
    assert [one.sequence for one in heard] == [1, 2]
    assert first is heard[0] and again is heard[1]


def test_each_run_counts_from_one() -> None:
    channel = Channel()
    got: list[tuple[str, int]] = []
    channel.listen(lambda event: got.append((event.execution, event.sequence)))
    for execution in ("a", "b"):
        channel.begin(execution)
        channel.publish(HostRecovered(host="h"))
    assert got == [("a", 1), ("b", 1)]


def test_what_a_listener_publishes_comes_behind_what_it_was_told() -> None:
    channel = Channel()
    got: list[Event] = []

    def answering(event: Event) -> None:
        if isinstance(event, HostUnavailable):
            channel.publish(HostRecovered(host="a"))

    channel.listen(answering)
    channel.listen(got.append)
    channel.publish(HostUnavailable(host="a"))
    assert [type(one) for one in got] == [HostUnavailable, HostRecovered]


def test_a_listener_that_fails_is_left_out_and_the_others_go_on() -> None:
    channel = Channel()
    got: list[Event] = []
    failed: list[str] = []
    channel.on_error = lambda listener, error: failed.append(str(error))

    def bad(event: Event) -> None:
        raise RuntimeError("bad")

    channel.listen(bad)
    channel.listen(got.append)
    channel.publish(HostRecovered(host="a"))
    channel.publish(HostRecovered(host="b"))
    assert len(got) == 2
    assert failed == ["bad"]


def test_two_threads_give_one_order() -> None:
    channel = Channel()
    got: list[int] = []
    channel.listen(lambda event: got.append(event.sequence))
    threads = [threading.Thread(target=lambda: [channel.publish(HostRecovered(host="a")) for _ in range(500)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == list(range(1, 1001))


def test_a_forked_worker_publishes_nothing() -> None:
    channel = Channel()
    channel.listen(lambda event: None)
    pid = os.fork()
    if pid == 0:
        os._exit(1 if channel.heard or channel.publish(HostRecovered(host="a")) is not None else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
