# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A play in which a tenth of the tasks fails once for a passing reason, one host is away for a while and one is slow.

Under linear it fails. With the feedback callback, ours ends green, and nothing runs twice that must not.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.lab.fleet import Fleet
from tests.lab.play import LINEAR, OURS, Contestant, Outcome, play

PLAYBOOK = Path(__file__).parent / "faults.yml"
HOSTS = 10
AWAY, SLOW = "h004", "h009"
AWAY_SECONDS = 20.0
# 8 of the 80 tasks: path -> how the first request for it fails
FAILING = {
    "/h001/one": 503,
    "/h002/two": 429,
    "/h003/file": 503,
    "/h005/file": 502,
    "/h006/again": 503,
    "/h007/again": None,  # the connection is closed without an answer
    "/h008/one": 500,
    "/h010/again": 504,
}


class Server:
    """An HTTP server on loopback that fails the first request for some paths."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked[self.path] += 1
                if self.path in FAILING and asked[self.path] == 1:
                    status = FAILING[self.path]
                    if status is None:
                        self.close_connection = True
                        return
                    self.send_error(status)
                    return
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def serving(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


@contextmanager
def alongside(watch: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run this in a thread meanwhile; its event is set when it is to end."""
    over = threading.Event()
    thread = threading.Thread(target=watch, args=(over,))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def one_host_away(fleet: Fleet) -> Iterator[None]:
    """Once every host has worked and the slow one still does, one host refuses connections for a while."""
    hosts = {host.name: host for host in fleet.hosts}

    def journal(name: str) -> str:
        path = hosts[name].work / "journal"
        return path.read_text() if path.exists() else ""

    def watch(over: threading.Event) -> None:
        while not over.wait(0.05):
            if all("working" in journal(name) for name in hosts):
                over.wait(3.0)  # their results are on the way
                fleet.close(AWAY)
                over.wait(AWAY_SECONDS)
                fleet.open(AWAY)
                return

    try:
        with alongside(watch):
            yield
    finally:
        fleet.open(AWAY)


def run(fleet: Fleet, contestant: Contestant) -> tuple[Outcome, Server]:
    server = Server()
    with server.serving(), one_host_away(fleet):
        return play(fleet, PLAYBOOK, contestant, arguments=["-e", f"server={server.url}", "-e", f"slow={SLOW}"]), server


def journals(outcome: Outcome, fleet: Fleet) -> dict[str, list[str]]:
    return {host.name: (host.work / "journal").read_text().split() for host in fleet.hosts}


@pytest.mark.parametrize("fleet", [{"hosts": HOSTS}], indirect=True)
def test_what_fails_for_a_passing_reason_is_survived(fleet: Fleet) -> None:
    ours = Contestant("rustle", OURS, env={"ANSIBLE_CALLBACKS_ENABLED": "rustle.engine.feedback"})
    outcome, server = run(fleet, ours)
    assert outcome.rc == 0, outcome.stdout
    assert journals(outcome, fleet) == {host.name: ["beginning", "working", "end"] for host in fleet.hosts}
    assert all(server.asked[path] >= 2 for path in FAILING)
    said = [line for line in outcome.stdout.splitlines() if line.startswith("rustle: [")]
    assert {path.split("/")[1] for path in FAILING} == {line[9:13] for line in said if "tried again" in line}
    assert [line[9:13] for line in said if "waits for its host" in line] == [AWAY]
    for host in fleet.hosts:
        assert (host.work / "file").read_text() == f"{host.name}\n"
        assert (host.work / "got").read_text() == "ok"
        assert "failed=0" in outcome.recap[host.name]
        assert "unreachable=0" in outcome.recap[host.name]


@pytest.mark.parametrize("fleet", [{"hosts": HOSTS}], indirect=True)
def test_linear_does_not_survive_it(fleet: Fleet) -> None:
    outcome, _server = run(fleet, LINEAR)
    assert outcome.rc != 0
    assert sum("failed=1" in counters for counters in outcome.recap.values()) >= len(FAILING) // 2
