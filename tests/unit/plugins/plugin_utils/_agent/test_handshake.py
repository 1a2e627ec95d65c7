# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import itertools

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.handshake import (
    NOISE_LIMIT,
    Answered,
    Handshake,
    Prompted,
    Refused,
    Succeeded,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import BecomeTalk
from hypothesis import given
from hypothesis import strategies as st

PROMPT = b'[become] password: '


def talk(password: bytes | None = b'secret') -> BecomeTalk:
    return BecomeTalk(
        password=password,
        is_prompt=lambda output: output.strip().startswith(PROMPT.strip()),
        is_success=lambda output: b'BECOME-SUCCESS-abc' in output,
        is_wrong_password=lambda output: b'Sorry, try again.' in output,
        is_missing_password=lambda output: b'a password is required' in output)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


CUTS = st.lists(st.integers(min_value=0, max_value=10_000), max_size=30)


@given(cuts=CUTS, noise=st.binary(max_size=50).filter(lambda data: b'RUSTLE' not in data and b'BECOME' not in data))
def test_however_it_is_cut_the_same_words_are_heard(cuts, noise):
    stream = noise + b'\nBECOME-SUCCESS-abc\nRUSTLE-NEED m4rk\nREST of it'
    handshake = Handshake('m4rk', talk())
    words, rest = [], b''
    for piece in pieces(stream, cuts):
        if handshake.over:
            rest += piece
        else:
            words += handshake.feed_out(piece)
    assert words[0] == Succeeded()
    assert words[1].needs
    assert words[1].rest + rest == b'REST of it'
    assert len(words) == 2


@given(cuts=CUTS, lecture=st.sampled_from([b'', b'We trust you have received the usual lecture.\n\n']))
def test_a_prompt_without_a_newline_is_heard_once_however_it_is_cut(cuts, lecture):
    handshake = Handshake('m', talk())
    words = [word for piece in pieces(lecture + PROMPT, cuts) for word in handshake.feed_err(piece)]
    assert words == [Prompted()]


@pytest.mark.parametrize('stream', ['out', 'err'])
def test_the_become_program_is_heard_on_both_streams(stream):
    handshake = Handshake('m', talk())
    feed = handshake.feed_out if stream == 'out' else handshake.feed_err
    assert feed(PROMPT) == [Prompted()]
    assert feed(b'\nBECOME-SUCCESS-abc\n') == [Succeeded()]


@pytest.mark.parametrize(('password', 'said', 'reason'), [
    (b'x', PROMPT + b'\nSorry, try again.\n', 'the become password is wrong'),
    (b'x', PROMPT + b'\n' + PROMPT, 'the become password was not accepted'),
    (None, b'sudo: a password is required\n', 'a become password is required'),
    (None, PROMPT, 'a become password is asked for, and none is known'),
])
def test_a_refusal_is_heard(password, said, reason):
    handshake = Handshake('m', talk(password))
    assert handshake.feed_err(said)[-1] == Refused(reason, become=True)
    assert handshake.over


def test_words_after_the_success_mean_nothing():
    handshake = Handshake('m', talk())
    handshake.feed_out(b'BECOME-SUCCESS-abc\n')
    assert handshake.feed_out(PROMPT + b'\nSorry, try again.\n') == []
    assert handshake.feed_err(b'a password is required\n') == []


def test_an_answer_is_enough_where_the_success_is_silent():
    assert Handshake('m', talk()).feed_out(b'RUSTLE-HAVE m\nRE') == [Answered(needs=False, rest=b'RE')]


def test_the_answer_to_somebody_else_is_noise():
    assert Handshake('m1', None).feed_out(b'RUSTLE-HAVE m\nRUSTLE-HAVE m12\nxRUSTLE-HAVE mm1\n') == []


def test_an_answer_may_follow_noise_on_its_line():
    assert Handshake('m', None).feed_out(b'last login: RUSTLE-NEED m\n') == [Answered(needs=True, rest=b'')]


def test_noise_is_bounded():
    handshake = Handshake('m', None)
    assert handshake.feed_out(b'x' * NOISE_LIMIT) == []
    words = handshake.feed_out(b'x')
    assert isinstance(words[0], Refused)
    assert not words[0].become
