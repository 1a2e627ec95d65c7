# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sender against real receivers on loopback, and against ones that are made up where time matters."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import HostRecovered
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.delivery import Inbox, unpacked
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.https_sink import HttpsSink
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.spool import Spool

URL = "https://receiver.example/path?token=in-the-address"


def event(number: int) -> HostRecovered:
    return HostRecovered(execution="e", sequence=number, host="h")


class Receiver:
    """Takes batches; ``fails()`` says whether the next one is answered with 503, before or after it was taken up."""

    def __init__(self) -> None:
        self.inbox = Inbox()
        self.got: list[int] = []
        self.requests = 0
        self.chance = random.Random(7)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests += 1
                fate = receiver.chance.random()
                if fate >= 0.25:
                    taken = unpacked(body, dict(self.headers.items()), token="t0ken", secret="s3cret")
                    receiver.got += [one.sequence for one in receiver.inbox.take(taken)]
                # of four: one is refused untouched, one is taken and answered as if it were not, two are well
                status = 503 if fate < 0.5 else 204
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/events"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_a_receiver_that_fails_half_of_the_time_gets_every_event_in_order(receiver: Receiver, tmp_path: Path) -> None:
    said: list[str] = []
    sink = HttpsSink(receiver.url, spool=Spool(str(tmp_path), receiver.url), warn=said.append, token="t0ken", secret="s3cret", every=0.01, first_pause=0.001)
    sink._most = 20
    for number in range(1, 2001):
        sink(event(number))
    sink.close(60)
    while Spool(str(tmp_path), receiver.url).waiting():  # a later run of somebody's
        late = HttpsSink(receiver.url, spool=Spool(str(tmp_path), receiver.url), warn=print, token="t0ken", secret="s3cret", first_pause=0.001)
        late.leave()
    assert receiver.got == list(range(1, 2001))
    assert receiver.requests > 100
    assert len(said) == 1


class Line:
    """A receiver that is made up: answers with what it is told to."""

    def __init__(self, *answers: int | None) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []
        self.batches: list[str] = []
        self.headers: list[dict[str, str]] = []

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.bodies.append(body)
        self.batches.append(headers["Rustle-Batch"])
        self.headers.append(headers)
        answer = self.answers.pop(0) if self.answers else 204
        if answer is None:
            raise ConnectionRefusedError("no")
        return answer


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def sender(tmp_path: Path, line: Line, clock: Clock | None = None, said: list[str] | None = None) -> HttpsSink:
    return HttpsSink(
        URL, spool=Spool(str(tmp_path), URL), warn=(said if said is not None else []).append, token="t0ken", secret="s3cret", post=line, clock=clock or Clock())


def test_a_dead_receiver_holds_nobody_up_and_gets_all_of_it_later(tmp_path: Path) -> None:
    said: list[str] = []
    dead = sender(tmp_path, Line(None, None), said=said)
    dead.write([b"one"])
    dead.leave()
    assert dead.delivered == 0
    assert len(Spool(str(tmp_path), URL).waiting()) == 1
    assert len(said) == 1
    line = Line()
    sender(tmp_path, line).leave()
    assert len(line.bodies) == 1
    assert Spool(str(tmp_path), URL).waiting() == []


def test_a_batch_keeps_its_id_when_it_is_sent_again(tmp_path: Path) -> None:
    line, clock = Line(503, 204), Clock()
    sink = sender(tmp_path, line, clock)
    sink.write([b"one"])
    clock.now += 1
    sink.write([])
    assert line.batches[0] == line.batches[1]
    assert line.bodies[0] == line.bodies[1]


def test_pauses_grow_and_end_with_the_first_success(tmp_path: Path) -> None:
    line, clock = Line(500, 500, 500), Clock()
    sink = sender(tmp_path, line, clock)
    sink.write([b"one"])
    asked = []
    for _ in range(50):
        before = len(line.bodies)
        clock.now += 0.25
        sink.write([])
        asked.append(len(line.bodies) > before)
    assert [number for number, tried in enumerate(asked) if tried] == [1, 5, 13]  # after 0.5, 1 and 2 more seconds


def test_what_is_refused_for_good_is_said_once_and_not_sent_again(tmp_path: Path) -> None:
    said: list[str] = []
    line = Line(401, 401)
    sink = sender(tmp_path, line, said=said)
    sink.write([b"one"])
    sink.write([b"two"])
    assert sink.refused == 2
    assert Spool(str(tmp_path), URL).waiting() == []
    assert said == ["rustle.engine: the receiver of events refuses them: HTTP 401 (https://receiver.example)"]


def test_a_heartbeat_goes_out_when_nothing_else_does(tmp_path: Path) -> None:
    line, clock = Line(), Clock()
    sink = sender(tmp_path, line, clock)
    sink.write([b"one"])
    clock.now += 29
    sink.write([])
    assert len(line.bodies) == 1
    clock.now += 2
    sink.write([])
    assert line.batches[1].endswith("heartbeat")


def test_no_secret_is_in_what_is_said_or_kept(tmp_path: Path) -> None:
    said: list[str] = []
    sink = sender(tmp_path, Line(None, 403), said=said)
    sink.write([b"one"])
    sink._not_before = 0.0
    sink.write([b"two"])
    kept = "".join(path.name + path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file())
    for secret in ("t0ken", "s3cret", "in-the-address"):
        assert secret not in " ".join(said) + kept + repr(sink)


@pytest.mark.parametrize("url", ["http://receiver.example/", "ftp://x/", "receiver", ""])
def test_only_https_and_loopback_are_receivers(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="https://"):
        HttpsSink(url, spool=Spool(str(tmp_path), url), warn=print)


def test_lines_that_the_thread_never_came_to_are_kept(tmp_path: Path) -> None:
    gate = threading.Event()

    def stuck(url: str, body: bytes, headers: dict[str, str]) -> int:
        gate.wait(30)
        return 204

    spool = Spool(str(tmp_path), URL)
    sink = HttpsSink(URL, spool=spool, warn=print, post=stuck, every=0.01)
    sink(event(1))
    while not spool.waiting():
        gate.wait(0.01)
    sink(event(2))
    assert not sink.close(0.05)
    assert len(spool.waiting()) == 2
    gate.set()


def test_the_spool_makes_room_by_its_oldest(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), URL, limit=250)
    for number in range(5):
        spool.put(f"{number}", b"x" * 100)
    assert spool.waiting() == ["3", "4"]
    assert spool.dropped == 3
    folder = next(tmp_path.iterdir())
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "4").stat().st_mode & 0o777 == 0o600
