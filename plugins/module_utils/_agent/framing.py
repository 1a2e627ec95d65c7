# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Frames: how one message of the agent's protocol lies on a stream of bytes. Both sides use this file.

Rule 1: pure. Bytes in, frames out; no socket, no clock, no knowledge of what a message means.
Rule 2: nothing a peer sends makes it hang, crash or grow without bound: what is not a frame is a ProtocolError.
Rule 3: a decoder that has refused its stream refuses everything after it; there is no resynchronising.

    offset  size  field
    0       2     magic b"RE"
    2       1     version (1)
    3       1     flags (bit 0: the body is deflated by zlib)
    4       4     length of the header, big endian
    8       4     length of the body as it is sent, big endian
    12      -     body; inflated it is the header (JSON, UTF-8) and then the blobs, end to end

The header is an object with "t", the type of the message, and "b", the list of the blobs' lengths.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any, Dict, Iterable, List, NamedTuple, Tuple

__all__ = ["MAX_BODY", "MAX_HEADER", "VERSION", "Decoder", "Frame", "ProtocolError", "encode"]

VERSION = 1
MAX_HEADER = 64 * 1024 * 1024
MAX_BODY = 512 * 1024 * 1024

_MAGIC = b"RE"
_PREFIX = struct.Struct(">2sBBII")
_DEFLATED = 1
_COMPRESS_ABOVE = 512
_PROBE = 64 * 1024


class ProtocolError(Exception):
    """The peer (or the caller, when encoding) broke the protocol; the text says what was expected and what was found."""


class Frame(NamedTuple):
    """One message: its header without "b", and its blobs."""

    header: Dict[str, Any]
    blobs: Tuple[bytes, ...] = ()


def encode(header: Dict[str, Any], blobs: Iterable[bytes] = ()) -> bytes:
    """Return the bytes of one frame; ProtocolError when it would exceed a cap that the peer enforces."""
    blobs = [bytes(blob) for blob in blobs]
    text = json.dumps(dict(header, b=[len(blob) for blob in blobs]), separators=(",", ":")).encode("ascii")
    if len(text) > MAX_HEADER:
        raise ProtocolError("expected a header of at most %d bytes, found %d" % (MAX_HEADER, len(text)))
    body = b"".join([text, *blobs])
    if len(body) > MAX_BODY:
        raise ProtocolError("expected a body of at most %d bytes, found %d" % (MAX_BODY, len(body)))
    flags = 0
    if _is_compressible(body):
        deflated = zlib.compress(body, 1)
        if len(deflated) < len(body):
            body, flags = deflated, _DEFLATED
    return _PREFIX.pack(_MAGIC, VERSION, flags, len(text), len(body)) + body


class Decoder:
    """Turns a stream, fed in pieces of any size, into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._refused = ""

    def feed(self, data: bytes) -> List[Frame]:
        """Take the next bytes and return the frames they complete; ProtocolError when they cannot be frames."""
        if self._refused:
            raise ProtocolError(self._refused)
        self._buffer += data
        frames: List[Frame] = []
        try:
            while True:
                frame = self._next()
                if frame is None:
                    return frames
                frames.append(frame)
        except ProtocolError as exc:
            self._refused = str(exc)
            self._buffer = bytearray()
            raise

    def eof(self) -> None:
        """The stream has ended; ProtocolError when it ended inside a frame."""
        if self._refused:
            raise ProtocolError(self._refused)
        if self._buffer:
            raise ProtocolError("expected the rest of a frame, found the end of the stream after %d bytes" % len(self._buffer))

    def _next(self):
        # The magic is judged as soon as it is there: a wrong stream must not wait for twelve bytes that never come.
        if self._buffer[:2] != _MAGIC[: len(self._buffer)]:
            raise ProtocolError("expected a frame, found %r" % bytes(self._buffer[:40]))
        if len(self._buffer) < _PREFIX.size:
            return None
        _magic, version, flags, header_len, body_len = _PREFIX.unpack_from(self._buffer)
        if version != VERSION:
            raise ProtocolError("expected protocol version %d, found %d" % (VERSION, version))
        if flags & ~_DEFLATED:
            raise ProtocolError("expected no flags but 1, found %d" % flags)
        if header_len > MAX_HEADER:
            raise ProtocolError("expected a header of at most %d bytes, found %d" % (MAX_HEADER, header_len))
        if body_len > MAX_BODY:
            raise ProtocolError("expected a body of at most %d bytes, found %d" % (MAX_BODY, body_len))
        end = _PREFIX.size + body_len
        if len(self._buffer) < end:
            return None
        body = bytes(memoryview(self._buffer)[_PREFIX.size : end])
        del self._buffer[:end]
        if flags & _DEFLATED:
            body = _inflate(body)
        return _parse(body, header_len)


def _is_compressible(body: bytes) -> bool:
    if len(body) <= _COMPRESS_ABOVE:
        return False
    # Deflating hundreds of megabytes that are already compressed costs seconds: a sample from the end tells.
    return len(body) <= 4 * _PROBE or len(zlib.compress(body[-_PROBE:], 1)) < _PROBE * 0.9


def _inflate(body: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(body, MAX_BODY + 1)
    except zlib.error as exc:
        raise ProtocolError("expected a deflated body: %s" % exc) from exc
    if len(data) > MAX_BODY:
        raise ProtocolError("expected a body of at most %d bytes once inflated" % MAX_BODY)
    if not stream.eof or stream.unused_data:
        raise ProtocolError("expected one whole deflated body, found %s" % ("more behind it" if stream.eof else "a part of one"))
    return data


def _parse(body: bytes, header_len: int) -> Frame:
    if header_len > len(body):
        raise ProtocolError("expected a header of %d bytes, found a body of %d" % (header_len, len(body)))
    try:
        header = json.loads(body[:header_len].decode("utf-8"))
    except (ValueError, RecursionError) as exc:
        raise ProtocolError("expected a header in JSON: %s" % exc) from exc
    if not isinstance(header, dict):
        raise ProtocolError("expected a header that is an object, found %s" % type(header).__name__)
    if not isinstance(header.get("t"), str):
        raise ProtocolError('expected the type of the message in "t", found %r' % (header.get("t"),))
    lengths = header.pop("b", None)
    if not isinstance(lengths, list) or not all(type(n) is int and n >= 0 for n in lengths):
        raise ProtocolError('expected the lengths of the blobs in "b", found %.80r' % (lengths,))
    if sum(lengths) != len(body) - header_len:
        raise ProtocolError("expected %d bytes of blobs, found %d" % (sum(lengths), len(body) - header_len))
    blobs = []
    start = header_len
    for length in lengths:
        blobs.append(body[start : start + length])
        start += length
    return Frame(header, tuple(blobs))
