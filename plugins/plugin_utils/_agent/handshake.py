# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said before the agent speaks: login noise, the become program's words, stage 1's answer.

Rule 1: pure. Output in, in pieces of any size; words out.
Rule 2: noise is skipped, but only so much of it; a prompt may stand at the end without a newline, on either stream.
Rule 3: once the become program has let us in its words mean nothing any more: a login banner or a module may say the same.
"""
from __future__ import annotations

import dataclasses
import re

from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import BecomeTalk

__all__ = ['NOISE_LIMIT', 'Answered', 'Handshake', 'Prompted', 'Refused', 'Succeeded', 'Word']

NOISE_LIMIT = 64 << 10


@dataclasses.dataclass(frozen=True)
class Prompted:
    """The become program waits for its password."""


@dataclasses.dataclass(frozen=True)
class Succeeded:
    """The become program has let us in."""


@dataclasses.dataclass(frozen=True)
class Answered:
    """Stage 1's line. ``needs``: whether it wants the payload. ``rest``: the agent's first bytes."""

    needs: bool
    rest: bytes


@dataclasses.dataclass(frozen=True)
class Refused:
    """It leads nowhere. ``become``: the become program refuses; else the output is not ours."""

    message: str
    become: bool


Word = Prompted | Succeeded | Answered | Refused


class Handshake:
    """Reads both streams until ``over``; whoever feeds it stops then."""

    def __init__(self, marker: str, talk: BecomeTalk | None) -> None:
        self.over = False
        self._talk = talk
        self._prompted = False
        self._answer = re.compile(rb'RUSTLE-(HAVE|NEED) %s\n' % re.escape(marker.encode()))
        self._noise = bytearray()
        self._partial = {'out': b'', 'err': b''}

    def feed_out(self, data: bytes) -> list[Word]:
        """The process's stdout."""
        self._noise += data
        answer = self._answer.search(self._noise)
        if answer is None:
            words = self._listen('out', data)
            if not self.over and len(self._noise) > NOISE_LIMIT:
                words.append(self._refuse('it printed more than 64 KiB before the agent could answer', become=False))
            return words
        words = self._listen('out', data[:max(0, len(data) - (len(self._noise) - answer.start()))])
        if not self.over:
            self.over = True
            words.append(Answered(needs=answer.group(1) == b'NEED', rest=bytes(self._noise[answer.end():])))
        return words

    def feed_err(self, data: bytes) -> list[Word]:
        """The process's stderr."""
        return self._listen('err', data)

    def _listen(self, stream: str, data: bytes) -> list[Word]:
        words: list[Word] = []
        lines = (self._partial[stream] + data).splitlines(keepends=True)
        self._partial[stream] = b''
        for line in lines:
            talk = self._talk
            if talk is None or self.over:
                break
            if talk.is_success(line):
                self._talk = None
                words.append(Succeeded())
            elif talk.is_wrong_password(line):
                words.append(self._refuse('the become password is wrong', become=True))
            elif talk.is_missing_password(line):
                words.append(self._refuse('a become password is required', become=True))
            elif talk.is_prompt(line):
                words.append(self._prompt(talk))
            elif not line.endswith((b'\n', b'\r')):
                self._partial[stream] = line[-NOISE_LIMIT:]
        return words

    def _prompt(self, talk: BecomeTalk) -> Word:
        if talk.password is None:
            return self._refuse('a become password is asked for, and none is known', become=True)
        if self._prompted:
            return self._refuse('the become password was not accepted', become=True)
        self._prompted = True
        return Prompted()

    def _refuse(self, message: str, *, become: bool) -> Refused:
        self.over = True
        return Refused(message, become)
