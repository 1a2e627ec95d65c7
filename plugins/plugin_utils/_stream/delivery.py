# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a sink and its receiver agree on: how a batch looks on its way, and how a receiver puts batches back in order.

Rule 1: a batch is JSON lines, packed by gzip. Its headers: Rustle-Batch (an id, equal when it is sent again), Rustle-Sent (the sender's clock), and
either a bearer token or Rustle-Signature (HMAC-SHA256 of the packed body with the shared secret, in hex).
Rule 2: a batch arrives at least once, in any order. (execution, sequence) tells an event.
Rule 3: pure; who has sockets is elsewhere.
"""
from __future__ import annotations

import dataclasses
import gzip
import hashlib
import hmac
import io
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import StreamError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event

from .event_json import decode

__all__ = ['LARGEST', 'Inbox', 'headers_of', 'packed', 'unpacked']

LARGEST: t.Final = 16 << 20
"""Bytes of a batch when it is unpacked."""


def packed(lines: t.Sequence[bytes]) -> bytes:
    """Equal lines give equal bytes."""
    return gzip.compress(b'\n'.join(lines) + b'\n', compresslevel=6, mtime=0)


def headers_of(body: bytes, *, batch: str, sent: float, token: str | None = None, secret: str | None = None) -> dict[str, str]:
    headers = {
        'Content-Type': 'application/x-ndjson', 'Content-Encoding': 'gzip', 'Rustle-Batch': batch, 'Rustle-Sent': f'{sent:.3f}'}
    if token:
        headers['Authorization'] = f'Bearer {token}'
    if secret:
        headers['Rustle-Signature'] = f'sha256={_signature(body, secret)}'
    return headers


def unpacked(body: bytes, headers: t.Mapping[str, str], *, token: str | None = None, secret: str | None = None) -> list[Event]:
    """The events of a batch. StreamError when it is not what a sender with this token or secret would have sent."""
    if token and not hmac.compare_digest(headers.get('Authorization', '').encode(), f'Bearer {token}'.encode()):
        raise StreamError(expected='the bearer token', found='another, or none', where='Authorization')
    if secret and not hmac.compare_digest(headers.get('Rustle-Signature', '').encode(), f'sha256={_signature(body, secret)}'.encode()):
        raise StreamError(expected='the signature of the body', found='another, or none', where='Rustle-Signature')
    return [decode(line) for line in _unzipped(body).splitlines() if line.strip()]


def _unzipped(body: bytes) -> bytes:
    """To LARGEST at most: a small body may unpack to any size."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            data = file.read(LARGEST + 1)
    except (OSError, EOFError) as ex:
        raise StreamError(expected='a body packed by gzip', found=f'{len(body)} bytes that are not ({ex})', where='body') from ex
    if len(data) > LARGEST:
        raise StreamError(expected=f'at most {LARGEST} bytes', found='more', where='body, unpacked')
    return data


def _signature(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Inbox:
    """Events of many executions, as they arrive; they leave in order, each once. ``window``: events that a gap is waited for.

    Clocks: what a sender's clock is ahead of ours by is taken from the batch that was fastest; ``at`` gives an event's time on our clock.
    """

    def __init__(self, *, window: int = 1000) -> None:
        self._window = window
        self._flows: dict[str, _Flow] = {}

    def take(self, batch: t.Iterable[Event], *, sent: float | None = None, received: float | None = None) -> list[Event]:
        """What can leave now: events in order, as far as nothing before them is missing (or was waited for in vain)."""
        ready: list[Event] = []
        for event in batch:
            flow = self._flows.get(event.execution)
            if flow is None:
                flow = self._flows[event.execution] = _Flow()
            if sent is not None and received is not None:
                flow.ahead = max(flow.ahead, sent - received) if flow.ahead is not None else sent - received
            late = flow.put(event)
            ready += [late] if late is not None else flow.leaving(self._window)
        return ready

    def rest(self, execution: str) -> list[Event]:
        """What is held of an execution behind a gap, when nobody will fill it any more."""
        flow = self._flows.get(execution)
        return flow.leaving(0) if flow is not None else []

    def at(self, event: Event) -> float:
        """When it happened, by our clock."""
        flow = self._flows.get(event.execution)
        return event.time - (flow.ahead or 0.0 if flow is not None else 0.0)

    def missing(self, execution: str) -> int:
        """Events of the execution that have never come, as far as that is known."""
        flow = self._flows.get(execution)
        return flow.missing if flow is not None else 0


_KEPT: t.Final = 10_000  # numbers of events that may still come late, an execution


@dataclasses.dataclass
class _Flow:
    """One execution. ``given_up``: numbers that nobody waits for any more; ``lost``: how many those are, whether they are kept or not."""

    next: int = 1
    held: dict[int, Event] = dataclasses.field(default_factory=dict)
    given_up: dict[int, None] = dataclasses.field(default_factory=dict)
    lost: int = 0
    ahead: float | None = None

    @property
    def missing(self) -> int:
        gap = max(self.held, default=self.next - 1) - self.next + 1 - len(self.held)
        return self.lost + gap

    def leaving(self, window: int) -> list[Event]:
        found = []
        while self.held:
            if self.next not in self.held:
                if len(self.held) <= window:
                    break
                self._give_up(min(self.held))
            found.append(self.held.pop(self.next))
            self.next += 1
        return found

    def put(self, event: Event) -> Event | None:
        """The event, where it comes after it was given up: better late than never."""
        if event.sequence in self.given_up:
            del self.given_up[event.sequence]
            self.lost -= 1
            return event
        if event.sequence >= self.next:
            self.held.setdefault(event.sequence, event)
        return None

    def _give_up(self, first: int) -> None:
        self.lost += first - self.next
        self.given_up.update(dict.fromkeys(range(max(self.next, first - _KEPT), first)))
        self.next = first
        while len(self.given_up) > _KEPT:
            del self.given_up[next(iter(self.given_up))]
