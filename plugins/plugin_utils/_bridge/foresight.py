# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What linear will ask of a host next, seen from a copy of the play iterator.

Rule 1: the live iterator, its states and its handlers are never changed.
Rule 2: what cannot be known before results are in ends the view, with a reason.
Source: ansible/executor/play_iterator.py (_get_next_task_from_state), ansible/plugins/strategy/__init__.py (_execute_meta).
"""
from __future__ import annotations

import copy
import typing as t

from ansible.executor.play_iterator import IteratingStates
from ansible.playbook.handler import Handler
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason

from .prospects import notifications

__all__ = ['Foresight']


class Foresight:
    """Walks the tasks of one host from its present state. ``notifying`` are notifications that tasks under way may still send."""

    def __init__(self, iterator: t.Any, host: t.Any, notifying: t.Iterable[str]) -> None:
        self._iterator = copy.copy(iterator)
        self._host = host
        self._state = iterator.get_host_state(host)
        self._iterator._host_states = {host.name: self._state}
        self._completed: list[t.Any] = []
        self._notify(notifying)

    def _notify(self, notifications: t.Iterable[str]) -> None:
        for notification in notifications:
            if notification not in self._state.handler_notifications:
                self._state.handler_notifications.append(notification)

    def started(self, task: t.Any) -> Reason | None:
        """Take note of a task that is under way now: what it may notify. A reason when nothing can be seen beyond it."""
        names = notifications(task)
        if names is None:
            return Reason.NOTIFY
        if not names:
            return None
        if isinstance(task, Handler):
            return Reason.FLUSH
        self._notify(names)
        return None

    def next(self) -> tuple[t.Any, Reason | None]:
        """(the next task, None), or (None or the task that ends the view, why it does)."""
        while True:
            if self._state.run_state == IteratingStates.COMPLETE:
                return None, Reason.END
            self._state, task = self._iterator._get_next_task_from_state(self._state, host=self._host)
            self._iterator._host_states[self._host.name] = self._state
            if task is None:
                return None, Reason.END
            if task._role is not None and task._role._metadata is not None and task._role._metadata.allow_duplicates is False:
                if self._iterator._play._get_cached_role(task._role) in self._completed:
                    return task, Reason.ROLE
            meta = task._get_meta()
            if meta is None:
                return task, None
            if meta == 'noop' and not task.when:
                continue
            if meta == 'role_complete' and task.implicit:
                self._completed.append(self._iterator._play._get_cached_role(task._role))
                continue
            if meta == 'flush_handlers' and not task.when and self._nothing_notified():
                # as _execute_meta leaves it: the pass through the handlers finds none
                self._state.pre_flushing_run_state = self._state.run_state
                self._state.run_state = IteratingStates.HANDLERS
                continue
            return task, Reason.FLUSH if meta == 'flush_handlers' else Reason.META

    def _nothing_notified(self) -> bool:
        return not self._state.handler_notifications and self._state.run_state != IteratingStates.HANDLERS and all(
            not handler.notified_hosts for handler in self._iterator.handlers)
