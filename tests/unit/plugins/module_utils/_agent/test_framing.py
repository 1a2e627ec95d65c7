# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
import random
import struct
import zlib

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent import framing
from ansible_collections.rustle.engine.plugins.module_utils._agent.framing import Decoder, Frame, ProtocolError, encode
from hypothesis import given, settings
from hypothesis import strategies as st

FRAMES = [
    Frame({"t": "bye"}),
    Frame({"t": "blob", "sha": "a" * 64}, (bytes(range(256)) * 40,)),
    Frame({"t": "done", "id": 1, "text": "\udcff ü \x00"}, (b"", b"out" * 1000, b"\xff")),
    Frame({"t": "run", "entries": [{"params": "x" * 5000}]}),
]


def raw(header: bytes, blobs: bytes = b"", *, magic=b"RE", version=1, flags=0, header_len=None, body_len=None, body=None) -> bytes:
    body = header + blobs if body is None else body
    header_len = len(header) if header_len is None else header_len
    return struct.pack(">2sBBII", magic, version, flags, header_len, len(body) if body_len is None else body_len) + body


def cuts(data: bytes, how: str):
    if how == "whole":
        return [data]
    if how == "byte by byte":
        return [data[at : at + 1] for at in range(len(data))]
    generator = random.Random(7)
    pieces = []
    while data:
        size = generator.randrange(0, 400)
        pieces.append(data[:size])
        data = data[size:]
    return pieces


@pytest.mark.parametrize("how", ["whole", "split", "byte by byte"])
def test_what_one_side_encodes_the_other_decodes(how):
    data = b"".join(encode(frame.header, frame.blobs) for frame in FRAMES)
    decoder = Decoder()
    assert [frame for piece in cuts(data, how) for frame in decoder.feed(piece)] == FRAMES
    decoder.eof()


@given(st.lists(st.binary(max_size=2000), max_size=4), st.text(max_size=50))
def test_any_blobs_and_text_survive(blobs, text):
    frame = Frame({"t": "x", "text": text}, tuple(blobs))
    assert Decoder().feed(encode(*frame)) == [frame]


def test_a_body_is_deflated_only_where_that_pays():
    assert encode({"t": "x"}, [b"a" * 5000])[3] == 1
    assert encode({"t": "x"}, [b"a" * 100])[3] == 0
    assert encode({"t": "x"}, [random.Random(1).randbytes(5000)])[3] == 0
    assert encode({"t": "x"}, [random.Random(1).randbytes(1 << 20)])[3] == 0


BAD = {
    "magic": raw(b'{"t":"x","b":[]}', magic=b"SS"),
    "first byte": b"S",
    "version": raw(b'{"t":"x","b":[]}', version=2),
    "flags": raw(b'{"t":"x","b":[]}', flags=2),
    "header too large": raw(b"", header_len=framing.MAX_HEADER + 1)[:12],
    "body too large": raw(b"", body_len=framing.MAX_BODY + 1)[:12],
    "header longer than the body": raw(b'{"t":"x","b":[]}', header_len=99),
    "no JSON": raw(b"{"),
    "no UTF-8": raw(b'"\xff"'),
    "nested too deep": raw(b"[" * 200000),
    "number of a million digits": raw(b'{"t":"x","b":[],"n":' + b"[" + b"9" * 100000 + b"]" + b"]"),
    "no object": raw(b"[]"),
    "no type": raw(b'{"b":[]}'),
    "type that is no text": raw(b'{"t":1,"b":[]}'),
    "no lengths": raw(b'{"t":"x"}'),
    "lengths that are no list": raw(b'{"t":"x","b":0}'),
    "negative length": raw(b'{"t":"x","b":[-1,1]}'),
    "boolean length": raw(b'{"t":"x","b":[true]}', b"x"),
    "lengths too small": raw(b'{"t":"x","b":[1]}', b"xx"),
    "lengths too large": raw(b'{"t":"x","b":[3]}', b"xx"),
    "not deflated": raw(b'{"t":"x","b":[]}', flags=1),
    "half of a deflated body": raw(b"", flags=1, header_len=16, body=zlib.compress(b'{"t":"x","b":[]}' * 50)[:-6]),
    "more behind a deflated body": raw(b"", flags=1, header_len=16, body=zlib.compress(b'{"t":"x","b":[]}') + b"x"),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_what_is_no_frame_is_refused_and_so_is_everything_after_it(data):
    decoder = Decoder()
    with pytest.raises(ProtocolError):
        decoder.feed(data)
    with pytest.raises(ProtocolError):
        decoder.feed(encode({"t": "bye"}))
    with pytest.raises(ProtocolError):
        decoder.eof()


def test_a_body_that_inflates_beyond_the_cap_is_refused_before_it_fills_memory(monkeypatch):
    monkeypatch.setattr(framing, "MAX_BODY", 10_000)
    header = json.dumps({"t": "x", "b": [1_000_000]}).encode()
    with pytest.raises(ProtocolError, match="once inflated"):
        Decoder().feed(raw(header, flags=1, body=zlib.compress(header + bytes(1_000_000))))


def test_what_the_peer_would_refuse_is_not_encoded(monkeypatch):
    monkeypatch.setattr(framing, "MAX_BODY", 100)
    with pytest.raises(ProtocolError):
        encode({"t": "x"}, [bytes(200)])


@given(st.integers(1, 200))
def test_a_stream_that_ends_inside_a_frame_is_noticed(length):
    data = encode({"t": "x"}, [bytes(range(256))])
    decoder = Decoder()
    assert decoder.feed(data[:length]) == []
    with pytest.raises(ProtocolError, match="end of the stream"):
        decoder.eof()


@settings(max_examples=300)
@given(st.binary(max_size=300), st.booleans(), st.integers(0, 1), st.integers(0, 40), st.integers(0, 60))
def test_random_bytes_lead_to_frames_or_refusal_and_to_nothing_else(noise, framed, flags, header_len, body_len):
    data = struct.pack(">2sBBII", b"RE", 1, flags, header_len, body_len) + noise if framed else noise
    try:
        decoder = Decoder()
        for frame in decoder.feed(data):
            assert isinstance(frame.header["t"], str)
        decoder.eof()
    except ProtocolError:
        pass


@settings(max_examples=200)
@given(st.data())
def test_a_flipped_byte_leads_to_frames_or_refusal(data):
    good = bytearray(encode({"t": "run", "entries": [1, 2, 3]}, [b"x" * data.draw(st.sampled_from([3, 900]))]))
    at = data.draw(st.integers(0, len(good) - 1))
    good[at] ^= data.draw(st.integers(1, 255))
    try:
        Decoder().feed(bytes(good))
    except ProtocolError:
        pass
