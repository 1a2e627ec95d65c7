# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import gzip
import random

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import StreamError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, HostRecovered
from ansible_collections.rustle.engine.plugins.plugin_utils._stream import delivery
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.delivery import Inbox, headers_of, packed, unpacked
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.event_json import encode
from hypothesis import given
from hypothesis import strategies as st


def event(sequence: int, execution: str = "e", time: float = 0.0) -> HostRecovered:
    return HostRecovered(execution=execution, sequence=sequence, host="h", time=time)


def sequences(events: list[Event]) -> list[int]:
    return [one.sequence for one in events]


BODY = packed([encode(event(1)), encode(event(2))])


def test_a_batch_comes_back_equal() -> None:
    assert unpacked(BODY, headers_of(BODY, batch="b", sent=1.0)) == [event(1), event(2)]


def test_equal_lines_give_equal_bytes() -> None:
    assert packed([encode(event(1)), encode(event(2))]) == BODY


def test_a_signed_batch_is_taken_and_a_changed_one_is_not() -> None:
    headers = headers_of(BODY, batch="b", sent=1.0, secret="s")
    assert unpacked(BODY, headers, secret="s") == [event(1), event(2)]
    with pytest.raises(StreamError, match="Rustle-Signature"):
        unpacked(packed([encode(event(3))]), headers, secret="s")
    with pytest.raises(StreamError, match="Rustle-Signature"):
        unpacked(BODY, {}, secret="s")


def test_the_token_has_to_be_the_right_one() -> None:
    assert unpacked(BODY, headers_of(BODY, batch="b", sent=1.0, token="t"), token="t")
    with pytest.raises(StreamError, match="Authorization"):
        unpacked(BODY, headers_of(BODY, batch="b", sent=1.0, token="u"), token="t")


def test_a_body_that_is_not_packed_and_one_that_grows_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StreamError, match="packed by gzip"):
        unpacked(b"plain", {})
    monkeypatch.setattr(delivery, "LARGEST", 1000)
    with pytest.raises(StreamError, match="at most 1000 bytes"):
        unpacked(gzip.compress(b"x" * 2000), {})


@given(count=st.integers(1, 60), seed=st.integers(0, 10_000))
def test_events_leave_in_order_each_once_however_they_come(count: int, seed: int) -> None:
    shuffle = random.Random(seed)
    arriving = [number for number in range(1, count + 1) for _copy in range(shuffle.randint(1, 3))]
    shuffle.shuffle(arriving)
    inbox = Inbox()
    out: list[Event] = []
    for number in arriving:
        out += inbox.take([event(number)])
    assert sequences(out) == list(range(1, count + 1))
    assert inbox.missing("e") == 0


def test_a_gap_is_waited_for_and_then_given_up() -> None:
    inbox = Inbox(window=3)
    assert sequences(inbox.take([event(2), event(3), event(4)])) == []
    assert sequences(inbox.take([event(5)])) == [2, 3, 4, 5]
    assert inbox.missing("e") == 1
    assert sequences(inbox.take([event(1)])) == [1]  # late, and not lost
    assert inbox.missing("e") == 0
    assert sequences(inbox.take([event(1)])) == []


def test_a_number_far_away_costs_no_memory() -> None:
    inbox = Inbox(window=0)
    assert sequences(inbox.take([event(10**12)])) == [10**12]
    assert inbox.missing("e") == 10**12 - 1


def test_what_is_held_behind_a_gap_can_be_had() -> None:
    inbox = Inbox()
    inbox.take([event(1), event(5), event(3)])
    assert sequences(inbox.rest("e")) == [3, 5]
    assert inbox.rest("another") == []


def test_executions_do_not_wait_for_each_other() -> None:
    inbox = Inbox()
    inbox.take([event(2, "a")])
    assert sequences(inbox.take([event(1, "b")])) == [1]


def test_a_senders_clock_is_set_right_by_its_fastest_batch() -> None:
    inbox = Inbox()
    late = event(1, time=1000.0)
    inbox.take([late], sent=1000.0, received=705.0)  # five seconds on the way
    inbox.take([event(2)], sent=1010.0, received=710.0)
    assert inbox.at(late) == pytest.approx(700.0)
