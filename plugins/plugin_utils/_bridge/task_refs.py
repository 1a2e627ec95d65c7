# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tasks as feedback speaks of them: by their identity, and with what is remarkable about how they are written.

Rule: what a task would have to be rendered for is not known here.
"""
from __future__ import annotations

import typing as t

from ansible.playbook.handler import Handler
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import TaskRef

from . import traits
from .identities import identity_of, shown_name

__all__ = ['TaskRefs', 'task_refs']


class TaskRefs:
    """The tasks of a run, by their uuid. ``playbook``: the path of the one that runs."""

    def __init__(self) -> None:
        self.playbook = ''
        self._known: dict[str, TaskRef] = {}

    def begin(self, playbook: str) -> None:
        """Another playbook begins."""
        self.playbook = playbook
        self._known.clear()

    def of(self, task: t.Any) -> TaskRef:
        ref = self._known.get(task._uuid)
        if ref is None:
            role, module = task._role.get_name() if task._role is not None else '', task._resolved_action or str(task.action)
            ref = self._known[task._uuid] = TaskRef(
                task_id=task._uuid, identity=identity_of(task, playbook=self.playbook), name=shown_name(task), module=module,
                path=task.get_path() or '', play=_play_name(task), role=role, handler=isinstance(task, Handler), traits=traits.of_task(task),
                order=len(self._known))
        return ref


def _play_name(task: t.Any) -> str:
    play = task.get_play() if task._parent is not None else None
    return play.get_name() if play is not None else ''


task_refs: t.Final = TaskRefs()
"""Those of this process."""
