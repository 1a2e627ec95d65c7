# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of tasks and playbooks that are the same in every run.

Rule: an identity is made of where a task is written and what it is called, never of its arguments: those may be secret, and change.
"""
from __future__ import annotations

import functools
import hashlib
import os
import typing as t

from ansible import constants as C
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import short_name

__all__ = ['gathers', 'identity_of', 'identity_of_gathering', 'playbook_identity', 'shown_name']


def playbook_identity(path: str) -> str:
    """Names a playbook by its file and folder, so that two checkouts of it are one: ``site/deploy.yml``."""
    folder, name = os.path.split(os.path.realpath(path))
    return f'{os.path.basename(folder)}/{name}'


def identity_of(task: t.Any, *, playbook: str) -> str:
    """16 hex digits. ``playbook``: path of the playbook that the task is run from.

    A task is known by its file (within its role, or beside the playbook), its name and its action; one without a name also by its line.
    """
    file, _colon, line = (task.get_path() or '').rpartition(':')
    role = task._role
    place = _beside(playbook, file) if role is None else (role.get_name(), _within(file, role._role_path) if file else '')
    return _hashed(*place, _written_name(task) or f'line {line}', short_name(task._resolved_action or str(task.action)))


def gathers(play: t.Any) -> bool:
    """Whether Ansible gathers facts for the play by itself. Source: PlayIterator._get_next_task_from_state."""
    gather = play.gather_facts
    return bool(gather) if gather is not None else C.DEFAULT_GATHERING in ('implicit', 'smart')


def identity_of_gathering(play: t.Any, *, playbook: str) -> str:
    """What identity_of will say of the task by which Ansible gathers facts for the play; there is no such task before the play runs."""
    return _hashed(*_beside(playbook, (play.get_path() or '').rpartition(':')[0]), 'Gathering Facts', 'gather_facts')


@functools.lru_cache(maxsize=1024)
def _beside(playbook: str, file: str) -> tuple[str, str]:
    folder = os.path.dirname(os.path.realpath(playbook)) if playbook else os.getcwd()
    return os.path.basename(folder), os.path.relpath(os.path.realpath(file), folder) if file else ''


@functools.lru_cache(maxsize=1024)
def _within(file: str, folder: str) -> str:
    return os.path.relpath(file, folder)


def _hashed(*words: str) -> str:
    return hashlib.sha256('\0'.join(words).encode('utf-8', 'surrogateescape')).hexdigest()[:16]


def _written_name(task: t.Any) -> str:
    """The name as it is written: linear renders the attribute for a moment, and what is rendered may be a secret."""
    written = getattr(task, '_ds', None)
    return str((written.get('name') if isinstance(written, dict) else task.name) or '')


def shown_name(task: t.Any) -> str:
    """What people call a task: as Task.get_name, and never rendered."""
    role = task._role.get_name() if task._role is not None else ''
    name = _written_name(task) or task._resolved_action or str(task.action)
    return f'{role} : {name}' if role else str(name)
