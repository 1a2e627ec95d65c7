# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is run on a target: calls, the questions made of them, and where they go. Frozen data, no behaviour but construction.

The shapes on the wire are those of docs/agent-protocol.md.
"""
from __future__ import annotations

import dataclasses
import typing as t

__all__ = ['MAX_PUT', 'TMP_TOKEN_PREFIX', 'BecomeTalk', 'Branch', 'Call', 'ModuleRef', 'Put', 'Question', 'Reply', 'Shell', 'Sleep', 'Target', 'TargetLost']

TMP_TOKEN_PREFIX = '/rustle-tmp-'
"""Begins the stand-in for a task's temporary directory on the target; the agent puts the real path in its place."""

MAX_PUT: t.Final = 16 << 20
"""Bytes of a file that an agent takes; larger ones are streamed by the stock path rather than held in memory."""


@dataclasses.dataclass(frozen=True)
class BecomeTalk:
    """How to talk to a privilege escalation command; the callables are the become plugin's own and each takes output bytes."""

    password: bytes | None
    is_prompt: t.Callable[[bytes], bool]
    is_success: t.Callable[[bytes], bool]
    is_wrong_password: t.Callable[[bytes], bool]
    is_missing_password: t.Callable[[bytes], bool]

    def __repr__(self) -> str:
        return 'BecomeTalk(...)'


@dataclasses.dataclass(frozen=True)
class Target:
    """A user on a machine, reached in one way: the place of one agent.

    ``key`` is equal for equal places. ``command(text)`` gives (argv, options) that run ``text`` by a shell there; it is called once
    a launch, since a become plugin marks each command anew. Options: ``cwd``, ``env`` and ``pass_fds`` for Popen; ``started()`` to be
    called once the process runs, ``settled()`` once it has answered or ended. ``talk()`` belongs to the latest command.
    """

    key: str
    label: str
    python: str
    command: t.Callable[[str], tuple[list[bytes], dict[str, t.Any]]] = dataclasses.field(compare=False, repr=False)
    talk: t.Callable[[], BecomeTalk | None] = dataclasses.field(compare=False, repr=False)
    password: bool = False  # the way there asks for one


@dataclasses.dataclass(frozen=True)
class ModuleRef:
    """A new-style Python module on the controller. ``fqn`` is its dotted path inside a payload.

    ``again``: it keeps nothing from run to run, so that the process that has run it may run the like of it.
    """

    name: str
    fqn: str
    path: str
    again: bool = False


@dataclasses.dataclass(frozen=True)
class Put:
    """A file to be written on the target before a call."""

    path: str
    content: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Call:
    """One module run (``module`` set) or one command (``argv`` set), with the files it wants beside it."""

    target: Target
    module: ModuleRef | None = None
    params: str = dataclasses.field(default='', repr=False)
    profile: str = 'legacy'
    rlimit: int = 0
    env: t.Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    cwd: str | None = None
    argv: tuple[str, ...] = ()
    stdin: bytes | None = dataclasses.field(default=None, repr=False)
    puts: tuple[Put, ...] = ()
    tmp_base: str = '~/.ansible/tmp'


@dataclasses.dataclass(frozen=True)
class Branch:
    """What follows a stat call in the same entry when the stat's class is one of ``when``; no call: nothing more is to be done."""

    when: tuple[str, ...]
    call: Call | None


@dataclasses.dataclass(frozen=True)
class Question:
    """What a task asks of a target in one exchange: a call, and for a stat call what follows it.

    ``stat``: what the agent must know to answer a stat call by itself (its hint on the wire).
    ``final``: the task asks nothing more after this. ``checksum``: sha1 that tells a stat's class "same" from "differs".
    ``piped()``: whether stock would send the module through ssh's stdin; it takes a while, and is asked of what was lost only.
    The agent goes on to later tasks only after a good outcome; with branches only when the class met is in one of them.
    """

    call: Call
    branches: tuple[Branch, ...] = ()
    stat: t.Mapping[str, t.Any] | None = dataclasses.field(default=None, repr=False)
    checksum: str = ''
    final: bool = False
    go_on_failed: bool = False
    facts_expected: bool = False
    timeout: float | None = None
    piped: t.Callable[[], bool] | None = dataclasses.field(default=None, compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class Shell:
    """A command on a target where no agent can run yet: a process of its own, as the connection plugin would start it."""

    argv: tuple[bytes, ...] = dataclasses.field(repr=False)
    options: t.Mapping[str, t.Any] = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Sleep:
    """A task waits, e.g. between retries."""

    seconds: float


@dataclasses.dataclass(frozen=True)
class Reply:
    """What one call gave: exit status, raw output, times as the target's clock saw them."""

    rc: int
    stdout: bytes
    stderr: bytes
    start: float = 0.0
    end: float = 0.0


class TargetLost(Exception):
    """The agent of a call ended. ``started`` is False when the call provably never began."""

    def __init__(self, message: str, *, phase: str, rc: int | None, stderr: str, started: bool) -> None:
        super().__init__(message)
        self.phase = phase
        self.rc = rc
        self.stderr = stderr
        self.started = started
