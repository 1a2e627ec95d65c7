# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Events to a receiver over HTTPS, in batches; the only file that imports requests.

Rule 1: at least once. A batch is done with when the receiver has said 2xx; it is tried again with a growing pause, and lies in the spool meanwhile.
Rule 2: what the receiver refuses for good (4xx but 408, 425 and 429) is dropped and said once: it would be refused again.
Rule 3: neither token nor secret is in any message; of the address only scheme and host are.
"""
from __future__ import annotations

import os
import time
import typing as t
import urllib.parse
import uuid

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import SettingsError

from .delivery import headers_of, packed
from .sink import Sink
from .spool import Spool

__all__ = ['HttpsSink', 'Post']

Post = t.Callable[[str, bytes, dict[str, str]], int]
"""Sends a body with headers to an address; the HTTP status. OSError when there is no answer."""

_AGAIN = frozenset((408, 425, 429))
_HEARTBEAT = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0


class HttpsSink(Sink):
    """``url``: https, or http on loopback. ``spool``: where batches wait. ``post`` and ``clock`` are for tests."""

    def __init__(
        self, url: str, *, spool: Spool, warn: t.Callable[[str], object], token: str | None = None, secret: str | None = None,
        post: Post | None = None, clock: t.Callable[[], float] = time.time, every: float = 1.0, first_pause: float = _FIRST_PAUSE,
    ) -> None:
        super().__init__(warn=warn, every=every)
        _check(url)
        self.delivered = 0
        self.refused = 0
        self._url = url
        self._spool = spool
        self._token = token
        self._secret = secret
        self._post = post or _Requests()
        self._clock = clock
        self._pause = self._first_pause = first_pause
        self._not_before = 0.0
        self._last = 0.0
        self._enough = 0.0  # when the end of the process waits no longer
        self._said: set[str] = set()

    def write(self, lines: list[bytes]) -> None:
        if lines:
            self._keep(packed(lines))
        now = self._clock()
        if now >= self._not_before:
            self._deliver()
        if not lines and now - self._last >= _HEARTBEAT and now >= self._not_before:
            self._send(f'{now:017.6f}-heartbeat', packed([b'{"v":1,"kind":"heartbeat"}']))

    def close(self, timeout: float = 5.0) -> bool:
        self._enough = self._clock() + timeout / 2
        return super().close(timeout)

    def leave(self) -> None:
        """One more try; what is left lies in the spool for the next run."""
        self._deliver()

    def rescue(self, lines: list[bytes]) -> None:
        self._keep(packed(lines))

    def _keep(self, body: bytes) -> None:
        try:
            self._spool.put(f'{self._clock():017.6f}-{os.getpid()}-{uuid.uuid4().hex[:12]}', body)
        except OSError as ex:
            self._say('spool', f'events for the receiver cannot be kept on disk: {ex.strerror}')
            self.lost += 1

    def _deliver(self) -> None:
        for batch in self._spool.waiting():
            body = self._spool.get(batch)
            if body is None:
                continue
            if not self._send(batch, body):
                return
            self._spool.done(batch)
            if self.closing and self._clock() >= self._enough:
                return

    def _send(self, batch: str, body: bytes) -> bool:
        """Whether that batch is done with."""
        headers = headers_of(body, batch=batch, sent=self._clock(), token=self._token, secret=self._secret)
        try:
            status = self._post(self._url, body, headers)
        except OSError as ex:
            return self._later(f'it cannot be reached ({type(ex).__name__})')
        if 200 <= status < 300:
            self._pause, self._not_before, self._last = self._first_pause, 0.0, self._clock()
            self.delivered += 1
            return True
        if 400 <= status < 500 and status not in _AGAIN:
            self.refused += 1
            self._say(str(status), f'the receiver of events refuses them: HTTP {status}')
            return True
        return self._later(f'HTTP {status}')

    def _later(self, why: str) -> bool:
        self._say('later', f'the receiver of events does not take them now, they are kept and sent later: {why}')
        self._not_before = self._clock() + self._pause
        self._pause = min(_LONGEST_PAUSE, self._pause * 2)
        return False

    def _say(self, key: str, text: str) -> None:
        if key not in self._said:
            self._said.add(key)
            self._warn(f'rustle.engine: {text} ({_shown(self._url)})')


class _Requests:
    """One connection that is kept open. Imported when the first batch is sent."""

    def __init__(self) -> None:
        self._session: t.Any = None

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        import requests

        if self._session is None:
            self._session = requests.Session()
        # requests' exceptions are OSErrors; a redirect would carry the token elsewhere
        return int(self._session.post(url, data=body, headers=headers, timeout=(3.05, 10), allow_redirects=False).status_code)


def _check(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    loopback = parts.hostname in ('localhost', '::1') or (parts.hostname or '').startswith('127.')
    if not parts.hostname or not (parts.scheme == 'https' or (parts.scheme == 'http' and loopback)):
        raise SettingsError(expected='an https:// address', found=_shown(url), where='events_url')


def _shown(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return f'{parts.scheme}://{parts.hostname}' if parts.hostname else 'no address'
