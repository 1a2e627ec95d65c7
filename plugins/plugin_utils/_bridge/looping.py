# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Loops: the items of a task go to the target together where they do not depend on each other.

Rule 1: items are collected by running each one alone, in a coroutine of its own, up to its first call; nothing is sent then.
Rule 2: the real loop runs afterwards, unchanged, and gets the replies in the order in which it asks.
Rule 3: a loop whose items could see each other (until, break_when, pause, extended, its own register) goes item by item; that no item of
        it needs the stock path is found out in the same way, before anything is sent.
"""
from __future__ import annotations

import copy
import typing as t

from ansible._internal._templating._engine import TemplateEngine
from ansible.executor.task_executor import TaskExecutor
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason

from . import compat
from .asking import Asking
from .coroutine import Coroutine, Killed, current
from .hazards import Guard, Hazard, Unsupported
from .prospects import AGENT_ACTIONS, plugin_of

__all__ = ['Executor']


class _Item(Asking):
    """Owner of one item's run up to its first call."""

    def __init__(self, owner: t.Any, guard: Guard) -> None:
        super().__init__(guard=guard)
        self.python = owner.python
        self.task_vars = owner.task_vars
        self.files_read = owner.files_read
        self.asked: t.Any = None
        self.raised: BaseException | None = None

    def call(self, action: t.Any, call: t.Any) -> t.Any:
        self.asked = self.question(action, call)
        raise Killed

    def shell(self, shell: t.Any) -> t.Any:
        raise Killed

    def sleep(self, seconds: float) -> None:
        raise Killed


class Executor(TaskExecutor):
    """TaskExecutor whose loops ask for all items at once where that is the same."""

    def _run_loop(self, items: list[t.Any]) -> t.Any:
        owner = current()
        if owner is not None and len(items) > 1:
            owner.one_by_one = not self._ask_together(owner, items)
        return super()._run_loop(items)

    def _ask_together(self, owner: t.Any, items: list[t.Any]) -> bool:
        """Ask for all items at once, if that is the same; False when they ask for themselves."""
        if owner.trace or owner.sent or plugin_of(self._task) not in AGENT_ACTIONS:
            return False
        questions = self._collect(owner, items)
        if not questions or not self._independent():
            return False
        if len(questions) > 1:
            owner.agent_calls += len(questions)
            owner.trace.extend(zip(questions, owner.ask(questions), strict=True))
        return True

    def _independent(self) -> bool:
        task, control = self._task, self._task.loop_control
        return not (task.until or task.retries is not None or task.async_val or task.delegate_to or control.break_when or control.pause
                    or control.extended)

    def _collect(self, owner: t.Any, items: list[t.Any]) -> list[t.Any] | None:
        """The first question of every item that has one; None when items may depend on each other or ask in several steps."""
        base = compat.variables_of(self)
        templar = TemplateEngine(loader=self._loader, variables=base)
        control = self._task.loop_control
        control.post_validate(templar=templar)
        own = dict.fromkeys(compat.register_names(self._task), Reason.REGISTER)
        known = owner.guard
        guard = Guard(names={**(known.names if known else {}), **own}, facts=known.facts if known else False)
        questions: list[t.Any] = []
        together = True
        for index, item in enumerate(items):
            item_vars = {**base, 'ansible_loop_var': control.loop_var, control.loop_var: item}
            if control.index_var:
                item_vars.update({'ansible_index_var': control.index_var, control.index_var: index})
            run = _Item(owner, guard)
            Coroutine(run, lambda run=run, item_vars=item_vars: self._one(run, item_vars)).resume()
            if isinstance(run.raised, Hazard) and (run.raised.name in own or known is None):
                return None
            if run.raised is not None:
                raise run.raised
            if run.asked is not None:
                together = together and run.asked.final
                questions.append(run.asked)
        return questions if together else None

    def _one(self, run: _Item, item_vars: dict[str, t.Any]) -> None:
        twin = copy.copy(self)
        task = self._task.copy(exclude_parent=True, exclude_tasks=True)
        task._parent = self._task._parent
        twin._play_context = self._play_context.copy()
        twin._connection = None
        twin._final_q = run.queue
        try:
            compat.execute_alone(twin, task=task, task_vars=item_vars, host=self._host)
        except (Hazard, Unsupported) as ex:
            run.raised = ex
