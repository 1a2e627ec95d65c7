# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is remarkable about how a task, a play or a run is written: words that events and records carry, and analyzers read.

A trait says that something is so; where it is missing, it is not so or not known.
"""
from __future__ import annotations

import enum

__all__ = ['RunTrait', 'TaskTrait']


class TaskTrait(enum.StrEnum):
    """Of a task."""

    ASYNC = 'async'  # async with a number above 0
    BECOME = 'become'
    CHANGED_WHEN = 'changed-when'
    DELEGATED = 'delegated'
    GATHER_SUBSET = 'gather-subset'  # setup or gather_facts with a subset of facts
    GATHERS_FACTS = 'gathers-facts'
    IGNORES_ERRORS = 'ignore-errors'
    LOOP = 'loop'
    NEEDS_NO_ROOT = 'needs-no-root'  # becomes another user, and its module does nothing that needs one: debug, set_fact, ping
    NO_LOG = 'no-log'
    PACKAGE_LOOP = 'package-loop'  # a package module once for each item, where it takes a list
    RUN_ONCE = 'run-once'
    SECRET_ARGUMENTS = 'secret-arguments'  # an argument whose name says that it is a secret, with a value
    THROTTLE = 'throttle'
    TIMEOUT = 'timeout'
    UNTIL = 'until'


class RunTrait(enum.StrEnum):
    """Of a run, or of a play."""

    ASK_PASS = 'ask-pass'
    BECOME_ASK_PASS = 'become-ask-pass'
    DIFF = 'diff'
    HOST_KEY_CHECKING_OFF = 'host-key-checking-off'
    LOCAL = 'local'  # the play's connection is local
    PIPELINING = 'pipelining'
    SERIAL = 'serial'
