# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the planner plans from: plays and their tasks as they are written, and the hosts in classes.

Rule 1: a task is here once, whatever the number of its hosts: hosts of one class are planned together.
Rule 2: no secret comes in here: arguments are masked, and what depends on a lookup is marked as unknown, before a source is made.
Rule 3: what the run's rules say of a task's keywords (``stock``, ``ends``, ``cut``) is the run's own answer, asked beforehand.
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import TaskNode

__all__ = ['MASKED', 'UNKNOWN', 'Condition', 'HostClass', 'PlaySource', 'Profile', 'Section', 'SourceTask', 'StaticFile']

MASKED: t.Final = '********'
"""Stands for a value that is a secret."""

UNKNOWN: t.Final = '<unknown before the run>'
"""Stands for a value that planning cannot know: it depends on a lookup, a fact or a result."""

Section = t.Literal['block', 'rescue', 'always']


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """Something that a task's turn depends on. ``decided``: what is known of it before the run, None when nothing is.

    ``kind``: when (``text`` is an expression), tag, skip_tag, host (``values`` are names), check_mode, include (``values`` is the id of
    the task that brings this one, ``decided`` what its own conditions come to).
    """

    kind: t.Literal['when', 'tag', 'skip_tag', 'host', 'check_mode', 'include']
    text: str = ''
    values: tuple[str, ...] = ()
    decided: bool | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class StaticFile:
    """A file of the controller that travels beside the code. ``size`` in bytes, ``checksum`` sha256 in hex."""

    path: str
    size: int
    checksum: str


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What decides which code a host can run; empty texts are not known. ``python``: major.minor."""

    arch: str = ''
    os: str = ''
    python: str = ''


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class HostClass:
    """Hosts of a play for which a plan is the same. ``stock``: why nothing of them goes through the agent.

    ``shared_machine``: one of them is the same machine as another host of the play; ``local``: they are the controller.
    """

    class_id: str
    hosts: tuple[str, ...]
    connection: str = 'ssh'
    profile: Profile = Profile()
    stock: Reason | None = None
    stock_detail: str = ''
    shared_machine: bool = False
    local: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class SourceTask:
    """A task or handler of a play.

    ``node``: the task as ordering sees it, with arguments rendered as far as they are known. ``args``: what people are shown.
    ``reads``: variables that it reads, directly or through others: name -> how (``conf_path -> base_dir``, or empty).
    ``reads_any``: it may read a variable of any name. ``sets``: variables that it sets for later tasks of its host.
    ``sets_any``: it may set variables of any name. ``stock``: why it takes the stock path on any host. ``cut``: why it is never
    prepared behind others; ``ends``: why nothing is prepared behind it. ``on_target``: it asks something of its host.
    ``notify``: names and topics; a template among them may mean any handler. ``after``: declared (``rustle_after``), names or ids.
    ``parallel``: declared (``rustle_parallel``), the name that tasks have in common which may run side by side.
    ``identity``: what history knows it by. ``blocks``: blocks with rescue or always around it, outermost first, each with the section that it is in.
    ``included_by``: the include that brings it. ``opened``: an include whose tasks follow it here; ``opaque``: why they do not.
    """

    task_id: str
    name: str
    module: str
    node: TaskNode
    args: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    unknown_args: tuple[str, ...] = ()
    reads: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    reads_any: bool = False
    sets: tuple[str, ...] = ()
    sets_any: bool = False
    sets_facts: bool = False
    conditions: tuple[Condition, ...] = ()
    tags: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    listen: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    parallel: str = ''
    stock: Reason | None = None
    stock_detail: str = ''
    cut: Reason | None = None
    ends: Reason | None = None
    on_target: bool = True
    become: str = ''
    role: str = ''
    where: str = ''
    identity: str = ''
    blocks: tuple[tuple[str, Section], ...] = ()
    modules: tuple[str, ...] = ()
    files: tuple[StaticFile, ...] = ()
    loop_items: int | None = None
    check_mode: bool = False
    flush: bool = False
    included_by: str = ''
    opened: bool = False
    opaque: Reason | None = None
    opaque_detail: str = ''


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class PlaySource:
    """A play. ``batches``: hosts of each batch of ``serial``, in order; one batch of all hosts without it.

    ``tasks`` stand in linear's order, flushes of handlers included. ``strategy``: the name of the strategy plugin.
    """

    play_id: str
    name: str
    hosts: tuple[str, ...]
    classes: tuple[HostClass, ...]
    batches: tuple[tuple[str, ...], ...]
    tasks: tuple[SourceTask, ...]
    handlers: tuple[SourceTask, ...] = ()
    strategy: str = 'linear'
    serial: tuple[str, ...] = ()
    max_fail_percentage: float | None = None
    facts_required: tuple[str, ...] = ()
