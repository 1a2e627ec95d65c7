# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Loops: the items of a task go to the target together where they do not depend on each other.

Rule 1: items are collected by running each one beside the real loop, in a coroutine of its own, up to its first question; nothing is sent then.
Rule 2: the real loop runs afterwards, unchanged. An item that waits at its question goes on from there when the loop comes to it; all others
        run again, and get the replies in the order in which they ask.
Rule 3: a loop whose items could see each other (until, break_when, pause, extended, its own register), or fail for their label, goes item by
        item; that no item of it needs the stock path is found out in the same way, before anything is sent.
"""
from __future__ import annotations

import collections
import functools
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

#: items that wait at their question, of all hosts, at about 25 kB each (its variables, its stack); more than these run again
HELD_LIMIT = 5000


class _Item(Asking):
    """Owner of one item's run: up to its first question beside the real loop, and from there in its place."""

    held = 0

    def __init__(self, owner: t.Any, guard: Guard, make: t.Callable[..., compat.LoopItem]) -> None:
        super().__init__(guard=guard)
        self.python = owner.python
        self.task_vars = owner.task_vars
        self.files_read = owner.files_read
        self.asked: t.Any = None
        self.raised: BaseException | None = None
        self.run = make(queue=self.queue)
        self._coroutine = Coroutine(self, self._body)
        # what the owner is to do for it
        self._errand: t.Callable[[t.Any], t.Any] = self._coroutine.resume()
        self._holds = not self._coroutine.ended
        _Item.held += self._holds

    @property
    def waits(self) -> bool:
        """Whether it has come to its question and no further."""
        return not self._coroutine.ended

    def go_on(self, owner: t.Any) -> None:
        """Inside the owner's coroutine: run to the end, the owner asking."""
        self.guard, self.sent = owner.guard, owner.sent
        self.run.join()
        try:
            while self.waits:
                self.queue.move_to(owner.queue)
                try:
                    answer = self._errand(owner)
                except Killed:
                    raise
                except BaseException as ex:  # a task's time-out is none of Exception
                    self._errand = self._coroutine.resume(error=ex)
                else:
                    self._errand = self._coroutine.resume(answer)
            self.queue.move_to(owner.queue)
        finally:
            self.drop()
        if self.raised is not None:
            raise self.raised

    def drop(self) -> None:
        """It is not needed any more; unwind it if it has not ended."""
        self._coroutine.kill()
        _Item.held -= self._holds
        self._holds = False

    # -- inside its coroutine

    def _body(self) -> None:
        try:
            self.run.run()
        except (Hazard, Unsupported) as ex:
            self.raised = ex

    def exchange(self, question: t.Any) -> t.Any:
        if self.asked is None:
            self.asked = question
        return self._coroutine.ask(lambda owner: owner.exchange(question))

    def shell(self, shell: t.Any) -> t.Any:
        if self.asked is None:
            raise Killed
        return self._coroutine.ask(lambda owner: owner.shell(shell))

    def sleep(self, seconds: float) -> None:
        if self.asked is None:
            raise Killed
        self._coroutine.ask(lambda owner: owner.sleep(seconds))


class Executor(TaskExecutor):
    """TaskExecutor whose loops ask for all items at once where that is the same."""

    _items: t.Any = ()  # of the loop that runs, from the one that it comes to next

    def _run_loop(self, items: list[t.Any]) -> t.Any:
        owner = current()
        if owner is None or (len(items) < 2 and not self._task.loop_control.label):
            return super()._run_loop(items)
        self._items = collections.deque()
        try:
            owner.one_by_one = not self._ask_together(owner, items)
            return super()._run_loop(items)
        finally:
            self._forget_items()

    def _execute(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        item = self._items.popleft() if self._items else None
        if item is None or not item.waits:
            return super()._execute(*args, **kwargs)
        item.go_on(current())
        result = item.run.hand_over(self, **kwargs)
        if item.run.spreads:
            self._forget_items()
        return result

    def _forget_items(self) -> None:
        while self._items:
            self._items.popleft().drop()

    def _ask_together(self, owner: t.Any, items: list[t.Any]) -> bool:
        """Ask for all items at once, if that is the same; False when they ask for themselves."""
        if owner.trace or owner.sent or plugin_of(self._task) not in AGENT_ACTIONS:
            return False
        together = self._collect(owner, items) and self._independent()
        questions = [item.asked for item in self._items if item.asked is not None]
        if not together or not questions:
            self._forget_items()
            return False
        if len(questions) > 1:
            owner.agent_calls += len(questions)
            owner.trace.extend(zip(questions, owner.ask(questions), strict=True))
        return True

    def _independent(self) -> bool:
        task, control = self._task, self._task.loop_control
        return not (task.until or task.retries is not None or task.async_val or task.delegate_to or control.break_when or control.pause
                    or control.extended)

    def _collect(self, owner: t.Any, items: list[t.Any]) -> bool:
        """Bring every item to its first question, if it has one; False when items may depend on each other or ask in several steps."""
        self._task.loop_control.post_validate(templar=TemplateEngine(loader=self._loader, variables=compat.variables_of(self)))
        own = dict.fromkeys(compat.register_names(self._task), Reason.REGISTER)
        known = owner.guard
        guard = Guard(names={**(known.names if known else {}), **own}, facts=known.facts if known else False)
        for index in range(len(items)):
            item = _Item(owner, guard, functools.partial(compat.LoopItem, self, items=items, index=index))
            self._items.append(item)
            if isinstance(item.raised, Hazard) and (item.raised.name in own or known is None):
                return False
            if item.raised is not None:
                raise item.raised
            if _Item.held > HELD_LIMIT:
                item.drop()
        return all(item.asked is None or item.asked.final for item in self._items) and not any(item.run.label_fails() for item in self._items)
