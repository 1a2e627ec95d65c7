# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The states of an agent's connection, as a table.

Rule 1: no I/O. A signal that the table does not have in a state is a fault of ours and raises.
Rule 2: nothing but a password is written before it is certain that no become program reads it: only in states of MAY_WRITE.

    NEW --> PROMPT --> PASSWORD
     |        |           |
     |        +-----------+--> ELEVATED --+
     v                            ^       |
    ASKED ------------------------+       |       (every state leads to CLOSING on `closed`, to ENDED on `gone`)
     |                                    |
     +------------------------------------+--> ANSWERED --> RUNNING
"""
from __future__ import annotations

import enum

from .events import Phase

__all__ = ['MAY_WRITE', 'PHASE', 'TRANSITIONS', 'ImpossibleSignal', 'Signal', 'State', 'after']


class State(enum.Enum):
    NEW = 'not started'
    ASKED = 'started; nobody may ask for a password'
    PROMPT = 'started; a password may be asked for'
    PASSWORD = 'the password is given'
    ELEVATED = 'the become program has let us in'
    ANSWERED = 'stage 1 has answered'
    RUNNING = 'the agent is ready'
    CLOSING = 'the agent was told to end'
    ENDED = 'over'


class Signal(enum.Enum):
    OPEN = 'started, nothing to wait for'
    GUARDED = 'started, with a password in hand'
    PROMPTED = 'the become program asks'
    SUCCESS = 'the become program lets us in'
    ANSWER = 'HAVE or NEED'
    READY = 'the agent greets'
    CLOSED = 'the owner ends it'
    GONE = 'the process is gone'


class ImpossibleSignal(Exception):
    """A signal arrived in a state that has no transition for it."""


TRANSITIONS: dict[tuple[State, Signal], State] = {
    (State.NEW, Signal.OPEN): State.ASKED,
    (State.NEW, Signal.GUARDED): State.PROMPT,
    (State.PROMPT, Signal.PROMPTED): State.PASSWORD,
    (State.PROMPT, Signal.SUCCESS): State.ELEVATED,
    (State.PROMPT, Signal.ANSWER): State.ANSWERED,
    (State.PASSWORD, Signal.SUCCESS): State.ELEVATED,
    (State.PASSWORD, Signal.ANSWER): State.ANSWERED,
    (State.ASKED, Signal.SUCCESS): State.ELEVATED,
    (State.ASKED, Signal.ANSWER): State.ANSWERED,
    (State.ELEVATED, Signal.ANSWER): State.ANSWERED,
    (State.ANSWERED, Signal.READY): State.RUNNING,
    **{(State.CLOSING, signal): State.CLOSING for signal in (Signal.SUCCESS, Signal.ANSWER, Signal.READY)},
    **{(state, Signal.CLOSED): State.CLOSING for state in State if state not in (State.NEW, State.CLOSING, State.ENDED)},
    **{(state, Signal.GONE): State.ENDED for state in State if state is not State.ENDED},
}

MAY_WRITE = frozenset({State.ASKED, State.ELEVATED, State.ANSWERED, State.RUNNING, State.CLOSING})

PHASE: dict[State, Phase] = {
    State.NEW: 'connect',
    State.ASKED: 'connect',
    State.PROMPT: 'connect',
    State.PASSWORD: 'become',
    State.ELEVATED: 'start',
    State.ANSWERED: 'start',
    State.RUNNING: 'running',
}


def after(state: State, signal: Signal) -> State:
    try:
        return TRANSITIONS[state, signal]
    except KeyError:
        raise ImpossibleSignal(f'{signal.name} in state {state.name}') from None
