# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One agent's process, seen from the controller: writes messages to it, reads events from it.

Rule 1: nothing blocks, but for at most EXIT_GRACE seconds on a process that has closed its output and does not end.
Rule 2: whatever the process does becomes an event; only misuse by our own side raises.
Rule 3: what is to be decided lies in states, handshake and outbox; here are descriptors and the process.
"""
from __future__ import annotations

import contextlib
import dataclasses
import os
import selectors
import signal
import subprocess
import typing as t
import weakref

from ansible_collections.rustle.engine.plugins.module_utils._agent import framing, messages

from .events import Done, Dropped, Event, Info, Lost, Need, Phase, Ready, Started, StepResult
from .handshake import Answered, Handshake, Prompted, Refused, Succeeded, Word
from .launch import Archive, Launch
from .outbox import Outbox
from .stage1 import delivery
from .states import MAY_WRITE, PHASE, Signal, State, after

__all__ = ['AgentConnection']

EXIT_GRACE = 2.0
STDERR_KEPT = 64 << 10
_READ_PIECE = 256 << 10
_READS_A_TURN = 4

_open_connections: weakref.WeakSet[AgentConnection] = weakref.WeakSet()


class AgentConnection:
    """Owns one process. ``on_event`` is called from ``start`` and from the selector's callbacks, never re-entered by ``send``.

    Descriptors are registered in ``selector`` with ``data=callable(mask)``: the owner's loop calls it.
    ``bytes_up`` and ``bytes_down`` count what went through the process's stdin and stdout; ``ready`` is the agent's greeting.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        launch: Launch,
        payload: Archive,
        on_event: t.Callable[[AgentConnection, Event], None],
    ) -> None:
        self.launch = launch
        self.bytes_up = 0
        self.bytes_down = 0
        self.ready: Ready | None = None
        self._selector = selector
        self._payload = payload
        self._on_event = on_event
        self._state = State.NEW
        self._handshake = Handshake(launch.marker, launch.talk)
        self._decoder = framing.Decoder()
        self._outbox = Outbox()
        self._stderr = bytearray()
        self._process: subprocess.Popen[bytes] | None = None
        self._stdin = self._stdout = self._errors = -1
        self._watching_stdin = False

    def __repr__(self) -> str:
        return f'<AgentConnection {self.launch.label} {self._state.name}>'

    @property
    def closed(self) -> bool:
        """Nothing more will come: lost, or ended by its owner and gone."""
        return self._state is State.ENDED

    @property
    def unsent(self) -> list[dict[str, t.Any]]:
        """Headers of messages that cannot have reached the agent: their entries were never started."""
        return self._outbox.unsent

    # --- the owner's verbs ---

    def start(self) -> None:
        """Start the process. A command that cannot be started is Lost at once."""
        talk = self.launch.talk
        try:
            process = subprocess.Popen(
                self.launch.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=self.launch.cwd,
                env=self.launch.env,
                pass_fds=self.launch.pass_fds,
                start_new_session=self.launch.new_session,
            )
        except (OSError, subprocess.SubprocessError) as exc:
            self._lose(f'the command could not be started: {exc}')
            return
        self._process = process
        # Raw descriptors: exactly one owner, which the fork hook below needs.
        self._stdin, self._stdout, self._errors = (os.dup(pipe.fileno()) for pipe in _pipes(process))
        for pipe in _pipes(process):
            pipe.close()
        for descriptor in (self._stdin, self._stdout, self._errors):
            os.set_blocking(descriptor, False)
        _open_connections.add(self)
        self._selector.register(self._stdout, selectors.EVENT_READ, self._stdout_ready)
        self._selector.register(self._errors, selectors.EVENT_READ, self._stderr_ready)
        self._signal(Signal.GUARDED if talk is not None and talk.password is not None else Signal.OPEN)
        self._flush()

    def send(self, header: dict[str, t.Any], blobs: t.Sequence[bytes] = ()) -> None:
        """Queue a message; before ``start`` too. On a connection that is ending it is only remembered as unsent."""
        self._outbox.add(framing.encode(header, blobs), header)
        if self._state is not State.CLOSING:
            self._flush()

    def close(self) -> None:
        """Let the agent end when nothing runs any more. What it still says is told; its end is not."""
        if self._state in (State.NEW, State.CLOSING, State.ENDED):
            return
        if self._state not in MAY_WRITE:
            self.kill()  # a become program is reading: there is no way to say it
            return
        self._outbox.add(framing.encode(messages.message('bye')))
        self._signal(Signal.CLOSED)
        self._flush()

    def kill(self) -> None:
        """End it now; no event follows."""
        if self._state is State.ENDED:
            return
        self._signal(Signal.GONE)
        self._release()
        self._kill_process()

    def poll_exit(self) -> int | None:
        """The process's exit code, if it has ended (negative: a signal)."""
        return self._process.poll() if self._process is not None else None

    # --- what the selector calls ---

    def _stdout_ready(self, _mask: int) -> None:
        for data in self._pieces('_stdout'):
            self.bytes_down += len(data)
            if not data:
                self._stdout_ended()
            elif self._handshake.over:
                self._frames(data)
            else:
                self._heed(self._handshake.feed_out(data))

    def _stderr_ready(self, _mask: int) -> None:
        for data in self._pieces('_errors'):
            if not data:
                self._selector.unregister(self._errors)
                os.close(self._errors)
                self._errors = -1
                return
            self._hear_stderr(data)

    def _hear_stderr(self, data: bytes) -> None:
        self._stderr = (self._stderr + data)[-STDERR_KEPT:]
        if not self._handshake.over:
            self._heed(self._handshake.feed_err(data))

    def _stdin_ready(self, _mask: int) -> None:
        self._flush()

    def _pieces(self, name: str) -> t.Iterator[bytes]:
        """What can be read now, in pieces; b'' at the end of the stream. A turn is bounded, so that no agent starves others."""
        for _turn in range(_READS_A_TURN):
            descriptor = getattr(self, name)
            if descriptor < 0:
                return
            try:
                data = os.read(descriptor, _READ_PIECE)
            except BlockingIOError:
                return
            except OSError:
                data = b''
            yield data
            if len(data) < _READ_PIECE:
                return

    # --- what the process says ---

    def _heed(self, words: list[Word]) -> None:
        for word in words:
            if self.closed:
                return
            if isinstance(word, Prompted):
                self._signal(Signal.PROMPTED)
                self._give_password()
            elif isinstance(word, Succeeded):
                self._signal(Signal.SUCCESS)
            elif isinstance(word, Refused):
                self._lose(word.message, 'become' if word.become else None)
            elif isinstance(word, Answered):
                self._signal(Signal.ANSWER)
                if word.needs:
                    self._outbox.add_next(delivery(self._payload.read(), self.launch.marker))
                self._frames(word.rest)
        self._flush()

    def _give_password(self) -> None:
        talk = self.launch.talk
        if talk is not None and talk.password is not None:
            with contextlib.suppress(OSError):  # it has gone: its end says more
                self.bytes_up += os.write(self._stdin, talk.password + b'\n')

    def _frames(self, data: bytes) -> None:
        try:
            for frame in self._decoder.feed(data):
                self._message(messages.receive(frame, messages.TO_CONTROLLER))
                if self.closed:
                    return
        except framing.ProtocolError as exc:
            self._lose(f'the agent broke the protocol: {exc}')

    def _message(self, frame: framing.Frame) -> None:
        header, kind = frame.header, frame.header['t']
        if kind == 'ready':
            if self.ready is not None:
                raise framing.ProtocolError('expected ready once, found it again')
            self._signal(Signal.READY)
            self.ready = Ready(Info(**{field.name: header[field.name] for field in dataclasses.fields(Info)}))
            self._tell(self.ready)
        elif kind == 'error':
            self._lose(f'the agent says: {header["msg"]}')
        elif self.ready is None:
            raise framing.ProtocolError(f'expected ready first, found {kind}')
        elif kind == 'need':
            self._tell(Need(tuple(header['sha'])))
        elif kind == 'started':
            self._tell(Started(header['id']))
        elif kind == 'done':
            steps = tuple(_result(step, frame.blobs) for step in header['steps'])
            self._tell(Done(header['id'], steps, header.get('stop'), header.get('health') or {}))
        elif kind == 'dropped':
            self._tell(Dropped(header['lane'], tuple(header['ids'])))

    def _stdout_ended(self) -> None:
        if self._stdin >= 0:
            self._stop_writing()
        self._await_exit()
        for data in self._pieces('_errors'):  # its last words, which are all there now
            self._hear_stderr(data)
        if not self.closed:
            self._lose('')

    def _lose(self, message: str, phase: Phase | None = None) -> None:
        """``message`` is empty when the process simply ended."""
        phase = phase or PHASE.get(self._state, 'running')
        expected = self._state is State.CLOSING
        self._signal(Signal.GONE)
        self._release()
        self._kill_process()
        if not expected:
            rc, stderr = self.poll_exit(), self._stderr.decode(errors='replace')
            self._tell(Lost(phase, message or _obituary(phase, rc, stderr), rc, stderr))

    # --- descriptors and the process ---

    def _signal(self, sign: Signal) -> None:
        self._state = after(self._state, sign)

    def _tell(self, event: Event) -> None:
        self._on_event(self, event)

    def _flush(self) -> None:
        if self._stdin < 0 or self._state not in MAY_WRITE:
            return
        try:
            self.bytes_up += self._outbox.flush(self._write)
        except OSError:
            self._stop_writing()  # nobody reads; that stdout ends says so to our owner
            return
        if self._outbox and not self._watching_stdin:
            self._selector.register(self._stdin, selectors.EVENT_WRITE, self._stdin_ready)
            self._watching_stdin = True
        elif not self._outbox:
            self._unwatch_stdin()
            if self._state is State.CLOSING and self._handshake.over:
                self._stop_writing()

    def _write(self, data: memoryview) -> int:
        return os.write(self._stdin, data)

    def _unwatch_stdin(self) -> None:
        if self._watching_stdin:
            self._selector.unregister(self._stdin)
            self._watching_stdin = False

    def _stop_writing(self) -> None:
        self._unwatch_stdin()
        os.close(self._stdin)
        self._stdin = -1

    def _release(self) -> None:
        """Give up all descriptors."""
        if self._stdin >= 0:
            self._stop_writing()
        for name in ('_stdout', '_errors'):
            descriptor = getattr(self, name)
            if descriptor >= 0:
                self._selector.unregister(descriptor)
                os.close(descriptor)
                setattr(self, name, -1)
        _open_connections.discard(self)

    def _kill_process(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.launch.new_session:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        self._await_exit()

    def _await_exit(self) -> None:
        """For a process that has closed its output, or was killed. (ssh may linger for the sake of others.)"""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(EXIT_GRACE)

    def _forget_in_child(self) -> None:
        """We are in a fork: our descriptors must not keep the agent alive. The selector belongs to the parent."""
        for descriptor in (self._stdin, self._stdout, self._errors):
            if descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        self._stdin = self._stdout = self._errors = -1
        self._state = State.ENDED


def _forget_all_in_child() -> None:
    for connection in list(_open_connections):
        connection._forget_in_child()
    _open_connections.clear()


os.register_at_fork(after_in_child=_forget_all_in_child)


def _pipes(process: subprocess.Popen[bytes]) -> tuple[t.IO[bytes], t.IO[bytes], t.IO[bytes]]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise ValueError('a process without pipes')
    return process.stdin, process.stdout, process.stderr


def _result(step: dict[str, t.Any], blobs: tuple[bytes, ...]) -> StepResult:
    known = {field.name: step[field.name] for field in dataclasses.fields(StepResult)}
    return StepResult(**{**known, 'out': blobs[step['out']], 'err': blobs[step['err']]})


def _obituary(phase: Phase, rc: int | None, stderr: str) -> str:
    how = {
        'connect': 'the connection ended before the agent could be started',
        'become': 'the become program did not let us in',
        'start': 'the agent could not be started',
        'running': 'the connection to the agent ended',
    }[phase]
    last = stderr.strip().rpartition('\n')[2]
    return f'{how} (rc {rc})' + (f': {last[:300]}' if last else '')
