# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fake agent that stage 1 really starts, and a loop that drives connections until a claim holds."""
from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import selectors
import sys
import zipfile

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent import framing, messages
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.connection import AgentConnection
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.launch import Launch
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.stage1 import stage1_command

MARKER = 'f00d' * 8

FAKE_AGENT = '''
import os, sys, json
from rustle_agent import framing

def say(header, blobs=()):
    data = framing.encode(header, blobs)
    while data:
        data = data[os.write(1, data):]

def frames():
    decoder = framing.Decoder()
    data = first
    while True:
        for frame in decoder.feed(data):
            yield frame
        data = os.read(0, 65536)
        if not data:
            return

say({"t": "ready", "v": 1, "python": "%d.%d.%d" % sys.version_info[:3], "executable": sys.executable, "pid": os.getpid(),
     "uid": os.getuid(), "user": "u", "home": "/h", "sha": os.path.basename(sys.argv[0])[:-4]})
for frame in frames():
    header = frame.header
    if header["t"] == "bye":
        break
    if header["t"] == "run":
        for entry in header["entries"]:
            action = entry["lane"]
            if action == "garbage":
                os.write(1, b"hello, this is not a frame")
                continue
            say({"t": "started", "id": entry["id"]})
            if action == "die":
                os.write(2, b"about to die\\n")
                os._exit(7)
            if action == "sigkill":
                os.kill(os.getpid(), 9)
            if action == "truncate":
                os.write(1, b"RE")
                os._exit(0)
            if action == "error":
                say({"t": "error", "msg": "did not like it"})
                continue
            if action == "need":
                say({"t": "need", "sha": ["a" * 64]})
                continue
            if action == "drop":
                say({"t": "dropped", "lane": "drop", "ids": [entry["id"]]})
                continue
            if action == "deaf":
                import time
                os.write(1, b"")
                while True:
                    time.sleep(60)
            answer = json.dumps({"argv": sys.argv, "cwd": os.getcwd(), "path0": sys.path[0], "frame": len(frame.blobs),
                                 "scratch": scratch, "umask": os.umask(0o22)}).encode()
            step = {"i": 0, "rc": 0, "out": 0, "err": 1, "start": 1.0, "end": 2.5, "utime": 0.1, "stime": 0.2, "maxrss": 3, "inblock": 4, "oublock": 5}
            say({"t": "done", "id": entry["id"], "steps": [step], "stop": None}, [answer, b"e" * sum(map(len, frame.blobs))])
if scratch:
    import shutil
    shutil.rmtree(scratch)
'''


@dataclasses.dataclass(frozen=True)
class FakePayload:
    sha: str
    size: int
    data: bytes

    def read(self) -> bytes:
        return self.data


def make_payload(main: str = FAKE_AGENT) -> FakePayload:
    output = io.BytesIO()
    with zipfile.ZipFile(output, 'w') as archive:
        archive.writestr('__main__.py', main)
        archive.writestr('rustle_agent/__init__.py', '')
        with open(framing.__file__, encoding='utf-8') as file:
            archive.writestr('rustle_agent/framing.py', file.read())
        archive.writestr('ballast.txt', b'0123456789' * 30000)
    data = output.getvalue()
    return FakePayload(hashlib.sha256(data).hexdigest(), len(data), data)


class Bench:
    """Connections under test, and what they told."""

    def __init__(self, cache: str) -> None:
        self.selector = selectors.DefaultSelector()
        self.events: list = []
        self.connections: list[AgentConnection] = []
        self.cache = cache

    def launch(self, payload, *, python=sys.executable, before='', wrap=str, talk=None, env=None, cwd=None) -> Launch:
        """``before``: shell text that runs first; ``wrap``: makes another command of the command."""
        command = stage1_command(python, payload.sha, payload.size, MARKER)
        text = before + wrap(command)
        return Launch(
            key='k', label='host', argv=(b'/bin/sh', b'-c', os.fsencode(text)), marker=MARKER, talk=talk, cwd=cwd,
            env={**os.environ, 'RUSTLE_AGENT_CACHE': self.cache, **(env or {})})

    def make(self, payload, *, launch=None, on_event=None, **how) -> AgentConnection:
        connection = AgentConnection(self.selector, launch or self.launch(payload, **how), payload, on_event or self._note)
        self.connections.append(connection)
        return connection

    def connect(self, payload, **how) -> AgentConnection:
        connection = self.make(payload, **how)
        connection.start()
        return connection

    def finish(self, connection) -> None:
        connection.close()
        self.until(lambda: connection.closed)

    def _note(self, _connection, event) -> None:
        self.events.append(event)

    def turn(self) -> None:
        ready = self.selector.select(30)
        assert ready, f'nothing happens; told so far: {self.events}'
        for key, mask in ready:
            key.data(mask)

    def until(self, holds) -> None:
        """Turn the loop until ``holds()``."""
        while not holds():
            assert self.selector.get_map(), f'nothing to wait for; told so far: {self.events}'
            self.turn()

    def await_event(self, kind):
        self.until(lambda: any(isinstance(event, kind) for event in self.events))
        return next(event for event in self.events if isinstance(event, kind))

    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


@pytest.fixture
def bench(tmp_path):
    bench = Bench(str(tmp_path / 'cache'))
    yield bench
    for connection in bench.connections:
        connection.kill()
    bench.selector.close()


@pytest.fixture
def payload():
    return make_payload()


def run(lane: str = 'echo', entry: int = 1) -> dict:
    step = {'k': 'exec', 'argv': ['true'], 'stdin': None, 'env': {}, 'cwd': None, 'only': None}
    return messages.message('run', entries=[{
        'id': entry, 'lane': lane, 'epoch': 1, 'steps': [step], 'tmp': None, 'token': None, 'group': None,
        'go_on_failed': False, 'facts_expected': False, 'judge': False, 'timeout': None}])


@pytest.fixture(name='run')
def run_message():
    return run


@pytest.fixture
def fake_payload():
    return make_payload
