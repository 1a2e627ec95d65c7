# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What it takes to start an agent: the whole command, and how to talk with a become program in front of it.

Rule 1: plain data; a secret is never in a command, an environment that we print, or a repr.
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import BecomeTalk

__all__ = ['Archive', 'BecomeTalk', 'Launch']


class Archive(t.Protocol):
    """The payload that an agent is started from."""

    @property
    def sha(self) -> str: ...

    def read(self) -> bytes: ...


@dataclasses.dataclass(frozen=True)
class Launch:
    """One agent to be.

    ``key``: launches with equal keys are one agent. ``label``: the host's name, for messages. ``argv``: the whole command (ssh
    ..., or a shell) with stage 1 quoted into it. ``marker``: the one in stage 1. ``pass_fds``: descriptors that the command
    inherits. ``talk``: the callables judge a line of output, or a part of one at its end.
    """

    key: str
    label: str
    argv: tuple[bytes, ...]
    marker: str
    cwd: str | None = None
    env: dict[str, str] | None = dataclasses.field(default=None, repr=False)
    pass_fds: tuple[int, ...] = ()
    new_session: bool = True
    talk: BecomeTalk | None = None
