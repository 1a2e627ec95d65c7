# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an agent's connection tells its owner.

Rule 1: frozen data. Blobs are attached where the wire has indexes.
Rule 2: Lost is the last event of a connection, and there is at most one; a connection that its owner ends tells none.
"""
from __future__ import annotations

import dataclasses
import typing as t

__all__ = ['Done', 'Dropped', 'Event', 'Info', 'Lost', 'Need', 'Phase', 'Ready', 'Started', 'StepResult']

Phase = t.Literal['connect', 'become', 'start', 'running']
"""Where a connection broke: before anything of ours answered; at the password; before the agent was ready; after that."""


@dataclasses.dataclass(frozen=True)
class Info:
    """The agent's own account of itself."""

    python: str
    executable: str
    pid: int
    uid: int
    user: str
    home: str
    sha: str


@dataclasses.dataclass(frozen=True)
class Ready:
    info: Info


@dataclasses.dataclass(frozen=True)
class Need:
    """The agent lacks these payloads; a ``blob`` message for each is awaited."""

    shas: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Started:
    id: int


@dataclasses.dataclass(frozen=True)
class StepResult:
    """How step ``i`` ended. Times are the target's (time.time), CPU in seconds, ``maxrss`` in KiB, blocks of 512 bytes."""

    i: int
    rc: int
    out: bytes = dataclasses.field(repr=False)
    err: bytes = dataclasses.field(repr=False)
    start: float
    end: float
    utime: float
    stime: float
    maxrss: int
    inblock: int = 0
    oublock: int = 0


@dataclasses.dataclass(frozen=True)
class Done:
    """Entry ``id`` has ended; ``stop`` says why its lane stands still, if it does.

    ``health``: how the host is, as HEALTH of `messages.py` has it; empty where the agent did not say.
    """

    id: int
    steps: tuple[StepResult, ...]
    stop: str | None
    health: t.Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Dropped:
    """These were never started, and never will be."""

    lane: str
    ids: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Lost:
    """The connection has ended unasked. ``rc`` is the process's (negative: a signal; None: it never ran)."""

    phase: Phase
    message: str
    rc: int | None = None
    stderr: str = ''


Event = Ready | Need | Started | Done | Dropped | Lost
