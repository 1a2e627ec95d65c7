# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._agent.states import (
    MAY_WRITE,
    PHASE,
    TRANSITIONS,
    ImpossibleSignal,
    Signal,
    State,
    after,
)


def test_every_state_can_be_reached_and_left():
    reached, before = {State.NEW}, set()
    while reached != before:
        before = set(reached)
        reached |= {after(state, signal) for state, signal in TRANSITIONS if state in reached}
    assert reached == set(State)
    assert {state for state, _signal in TRANSITIONS} == set(State) - {State.ENDED}


def test_a_vanished_process_ends_every_state():
    assert all(TRANSITIONS[state, Signal.GONE] is State.ENDED for state in State if state is not State.ENDED)


def test_nothing_is_written_while_a_become_program_may_read():
    assert not MAY_WRITE & {State.NEW, State.PROMPT, State.PASSWORD, State.ENDED}


def test_every_state_in_which_a_connection_can_be_lost_has_a_phase():
    assert set(PHASE) == set(State) - {State.CLOSING, State.ENDED}


def test_a_signal_without_a_transition_raises_with_its_story():
    with pytest.raises(ImpossibleSignal, match='PROMPTED in state RUNNING'):
        after(State.RUNNING, Signal.PROMPTED)
