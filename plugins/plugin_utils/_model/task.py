# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the rules need to know of a task, and what a task does to its surroundings. Frozen data only.

A *resource* is a string ``kind:name``. The kinds that matter to the rules:

- ``file:/etc/x`` a path on the task's host with all that is below it; ``file:*`` a path that is not known;
- ``controller:/srv/x`` the same on the controller's file system, ``controller:*`` when it is not known;
- ``package:nginx``, ``user:bob``, ``group:adm``, ``var:foo``, ... equal names are equal things, ``user:*`` any of them;
- ``*`` anything on the task's host (but nothing of the controller);
- ``world:dns`` something beyond the host, where it is named; what is worldly need not name it.
"""
from __future__ import annotations

import dataclasses
import enum
import functools
import re
import types
import typing as t

__all__ = ['DeclaredEffects', 'Effects', 'Scope', 'TaskNode', 'short_name']

_BUILTIN = re.compile(r'ansible\.(builtin|legacy)\.')


class Scope(enum.StrEnum):
    """Who could notice a task, or be noticed by it."""

    NONE = 'none'  # nothing but the controller's memory: debug, set_fact, assert
    PRIVATE = 'host'  # this host's own files, users and the like
    WORLDLY = 'world'  # anything beyond, or not known


@dataclasses.dataclass(frozen=True)
class DeclaredEffects:
    """What the user says that a task touches (``rustle_effects``); it replaces what the tables say."""

    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Effects:
    """What a task touches. ``writes`` and ``reads`` are resources; the tables err on the side of too many."""

    scope: Scope
    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    controller_reads: bool = False  # it reads files of the controller
    controller_writes: bool = False  # it writes files of the controller
    restarts_agent: bool = False  # what a fresh login sees is different after it (groups, PAM, sshd, reboot)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TaskNode:
    """A task of one host as the rules see it.

    ``args`` are the task's own arguments with ``module_defaults`` merged in; templates may stand in them unrendered, and what
    depends on one is then taken as unknown. ``delegate_to`` is None when it names the host itself.
    """

    action: str  # resolved name: ansible.builtin.copy, community.general.ini_file; a short name means ansible.builtin
    name: str = ''
    args: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    loop: bool = False
    run_once: bool = False
    delegate_to: str | None = None
    throttle: int = 0
    any_errors_fatal: bool = False
    rescope: Scope | None = None  # declared: rustle_scope
    declared_effects: DeclaredEffects | None = None  # declared: rustle_effects
    when_constant_false: bool = False  # skipped without looking at anything
    on_controller: bool = False  # the host is the controller itself (local connection)
    own_module: bool = False  # the name leads to a module or action of the user's (library/), whatever it is called
    idle_flush: bool = False  # meta: flush_handlers, and provably nothing is notified
    reads_other_hosts: bool = False  # hostvars, ansible_play_hosts and the like are known to be read
    shared_mounts: tuple[str, ...] = ()  # mount points of the host that are network file systems, as far as they are known
    lookups: tuple[str, ...] = ()  # lookup plugins used outside of args: in when, loop, with_*, vars

    def __post_init__(self) -> None:
        object.__setattr__(self, 'args', types.MappingProxyType(dict(self.args)))


@functools.lru_cache(maxsize=2048)
def short_name(action: str) -> str:
    """``copy`` for ``ansible.builtin.copy``; other collections keep their full names."""
    return _BUILTIN.sub('', action, count=1)
