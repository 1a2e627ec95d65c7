# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The agent's body: one thread, one poll, two descriptors that lead to the controller.

Rule 1: decisions are made in protocol.py; here its instructions are carried out.
Rule 2: nothing is known of the connection but an input and an output, so that another kind can take their place.
Rule 3: when the controller is gone, what runs is ended and nothing stays but the cache.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections import deque
from typing import Any, Deque, Dict, List, Optional, Set

from . import child, messages, protocol
from .framing import Decoder, ProtocolError, encode
from .hooks import Hooks
from .messages import message
from .output import anonymous_file, high, high_pipe
from .payload import Archive, Cache, Mount
from .runner import Finished, Runner
from .warm import Warmth

__all__ = ["Loop"]

_CHUNK = 1 << 18
_GRACE = 2.0
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_TIDY_AFTER = 1.0


class Loop:
    """One agent: runs from `run` until the controller says bye or is gone."""

    def __init__(self, mount: Mount, sha: str, path: List[str], hooks: Hooks, source: int, sink: int) -> None:
        self._archive = archive = mount.archives[0]
        self._begin = child.Begin(path, hooks)
        self._ours: Set[int] = set(archive.descriptors)
        # Children get descriptors 0 to 2 of their own; the controller's ends must not be among those they could inherit.
        self._source = self._claim(high(source))
        self._sink = self._claim(high(sink))
        self._stderr = self._claim(high(2))
        self._wake = self._wakeup()
        noise = self._take_over_standard_streams()
        sys.modules["__main__"] = self._begin.main
        sys.argv[:] = [""]
        self._archives: Dict[str, Archive] = {sha: archive}
        self._cache = Cache(archive.path)
        self._limit: Optional[int] = None
        self._vitals: Any = None  # until the controller asks for them
        self._warmth = Warmth(mount, path, noise)
        self._runner = Runner(self._begin, self._warmth, self._archives, self._ours)
        self._core = protocol.Agent(_about(sha))
        self._decoder = Decoder()
        self._unsent: Deque[memoryview] = deque()
        self._leaving = False
        self._untidy = True

    def run(self, initial: bytes) -> None:
        """Serve; `initial` is what has been read from the controller already."""
        try:
            self._carry_out(self._core.begin())
            self._write()
            self._warmth.add(self._archive)
            self._take_in(initial)
            while not self._leaving:
                self._turn()
        except ConnectionError:
            pass
        except BaseException:
            os.dup2(self._stderr, 2)
            raise
        finally:
            self._runner.abandon(_GRACE)
            for descriptor in (self._source, self._sink):
                os.close(descriptor)  # the controller need not wait for what comes now
            self._tidy()
            self._cache.close()

    def _turn(self) -> None:
        """Wait for one of all that can happen, and see to it."""
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        for descriptor in (*self._runner.readable, *self._runner.reports):
            poll.register(descriptor, select.POLLIN)
        if self._unsent:
            poll.register(self._sink, select.POLLOUT)
        events = poll.poll(self._patience())
        if not events and self._untidy and self._runner.is_idle:
            self._tidy()
        for descriptor, _mask in events:
            if descriptor == self._source:
                self._read()
            elif descriptor == self._wake:
                self._note_signals()
            elif descriptor in self._runner.readable:
                self._runner.readable[descriptor].read(descriptor)
        self._report(self._runner.reap())
        self._write()
        self._runner.prepare(self._core.upcoming())

    def _patience(self) -> Optional[float]:
        """Milliseconds until something has to be done without being told."""
        until = self._runner.wait_until()
        if until is not None:
            return max(0.0, until - time.monotonic()) * 1000 + 1
        return _TIDY_AFTER * 1000 if self._untidy and self._runner.is_idle else None

    def _read(self) -> None:
        data = os.read(self._source, _CHUNK)
        if not data:
            raise ConnectionResetError("the controller is gone")
        self._take_in(data)

    def _take_in(self, data: bytes) -> None:
        try:
            for frame in self._decoder.feed(data):
                self._carry_out(self._core.receive(frame))
        except ProtocolError as exc:
            self._send(message("error", msg=str(exc)))
            self._leave()

    def _report(self, finished: List[Finished]) -> None:
        for entry in finished:
            health = self._vitals.due(time.monotonic()) if self._vitals is not None else None
            self._carry_out(self._core.ended(*entry, health=health))

    def _carry_out(self, instructions: List[protocol.Instruction]) -> None:
        todo: Deque[Any] = deque(instructions)
        while todo:
            item = todo.popleft()
            if isinstance(item, protocol.Send):
                self._send(item.header, item.blobs)
            elif isinstance(item, protocol.Start):
                self._untidy = True
                self._write()  # a controller that loses us must know what may have begun
                for entry in self._runner.start(item.entry, item.blobs):
                    todo.extend(self._core.ended(*entry))
            elif isinstance(item, protocol.Kill):
                self._runner.kill(item.id)
            elif isinstance(item, protocol.Lookup):
                todo.extend(self._core.payload(item.sha, self._has(item.sha)))
            elif isinstance(item, protocol.Store):
                todo.extend(self._core.payload(item.sha, self._store(item.sha, item.data)))
            elif isinstance(item, protocol.Limit):
                self._limit = item.size
            elif isinstance(item, protocol.Watch):
                from .vitals import Vitals

                self._vitals = Vitals(item.seconds, os.path.expanduser("~"))
            elif isinstance(item, protocol.Exit):
                self._leave()

    def _has(self, sha: str) -> bool:
        path = None if sha in self._archives else self._cache.lookup(sha)
        if path is not None:
            self._open(sha, path)
        return sha in self._archives

    def _store(self, sha: str, data: bytes) -> bool:
        if sha not in self._archives:
            try:
                self._open(sha, self._cache.store(sha, data))
            except (ValueError, OSError) as exc:
                raise ProtocolError("cannot keep payload %s: %s" % (sha, exc)) from exc
        return True

    def _open(self, sha: str, path: str) -> None:
        archive = self._archives[sha] = Archive(path)
        self._ours.update(archive.descriptors)
        self._warmth.add(archive)

    def _send(self, header: Dict[str, Any], blobs: Any = ()) -> None:
        self._unsent.append(memoryview(encode(header, blobs)))

    def _write(self) -> None:
        while self._unsent:
            try:
                count = os.write(self._sink, self._unsent[0])
            except BlockingIOError:
                return
            self._unsent[0] = self._unsent[0][count:]
            if not self._unsent[0]:
                self._unsent.popleft()

    def _leave(self) -> None:
        """Send what is unsent, as long as the controller takes it."""
        self._leaving = True
        until = time.monotonic() + _GRACE
        poll = select.poll()
        poll.register(self._sink, select.POLLOUT)
        self._write()
        while self._unsent and poll.poll(max(0.0, until - time.monotonic()) * 1000):
            self._write()

    def _note_signals(self) -> None:
        if any(number in _ENDING for number in os.read(self._wake, 4096)):
            raise ConnectionAbortedError("told to end")

    def _tidy(self) -> None:
        """Work that no task shall wait for."""
        self._untidy = False
        self._runner.rest()
        for archive in self._archives.values():
            archive.save()
        if self._limit is not None:
            self._cache.prune(self._limit)

    def _claim(self, descriptor: int) -> int:
        self._ours.add(descriptor)
        return descriptor

    def _wakeup(self) -> int:
        """Return a descriptor on which signals arrive as bytes."""
        read, write = map(self._claim, high_pipe())
        for end in (read, write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, *_ENDING):
            self._begin.handle(number, lambda *_: None)
        return read

    def _take_over_standard_streams(self) -> int:
        """Leave nothing of the controller's on 0 to 2, and notice what imports write. Return where they write to."""
        sys.stdout.flush()
        for descriptor in (self._source, self._sink):
            os.set_blocking(descriptor, False)
        null, noise = os.open(os.devnull, os.O_RDONLY), anonymous_file("noise")
        os.dup2(null, 0)
        os.dup2(noise, 1)
        os.dup2(noise, 2)
        os.close(null)
        kept = self._claim(high(noise))
        os.close(noise)
        return kept


def _about(sha: str) -> Dict[str, Any]:
    uid = os.geteuid()
    return {
        "v": messages.VERSION,
        "python": "%d.%d.%d" % sys.version_info[:3],
        "executable": sys.executable,
        "pid": os.getpid(),
        "uid": uid,
        "user": _user(uid),
        "home": os.path.expanduser("~"),
        "sha": sha,
    }


def _user(uid: int) -> str:
    """The user's name. From the file first: asking libc would fix its view of nsswitch.conf for all modules to come."""
    try:
        with open("/etc/passwd", "rb") as file:
            for line in file:
                fields = line.split(b":")
                if len(fields) > 2 and fields[2] == b"%d" % uid:
                    return fields[0].decode("utf-8", "surrogateescape")
    except OSError:
        pass
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
