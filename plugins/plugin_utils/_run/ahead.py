# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Running ahead of linear: a host's next tasks are prepared and submitted as far as nobody can notice.

Rule 1: looking ahead begins behind what is under way for the host, and ends at the first task that must not be prepared yet, with the reason.
Rule 2: a task is prepared under a guard: what it reads is known by then, or it is not prepared.
"""
from __future__ import annotations

import collections
import contextlib
import functools
import typing as t

from ansible.utils.display import Display
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import compat, prospects
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.execution import Execution, Outcome
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.foresight import Foresight
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.hazards import Guard, Hazard
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason

from .hub import Lane

__all__ = ['HostRun', 'LookingAhead']

_display = Display()

#: cuts that end when the tasks before them have: no need to wait for linear, which other hosts may hold back
_UNTIL_DONE = frozenset((Reason.REGISTER, Reason.JUDGE_CHANGED_WHEN, Reason.JUDGE_FAILED_WHEN, Reason.UNTIL, Reason.TIMEOUT, Reason.MULTI_STEP))


class HostRun:
    """One host in the play: the task that linear waits for, and those prepared beyond it, in order."""

    def __init__(self, host: t.Any, lane: Lane) -> None:
        self.host = host
        self.lane = lane
        self.current: Execution | None = None
        self.stock: t.Any = None  # the StockTask that linear waits for in its place
        self.ahead: collections.deque[Execution] = collections.deque()
        self.view: Foresight | None = None
        self.cut: Reason | None = None
        self.cut_at = ''  # what was read there, if anything
        self.cut_before: t.Any = None  # the task that was not prepared, if one was looked at
        self.task_vars: dict[str, t.Any] = {}  # of the current task
        self.state: t.Any = None  # of the iterator for this host, while linear waits for the current task

    @property
    def tail(self) -> Execution | None:
        """The last of them."""
        return self.ahead[-1] if self.ahead else self.current

    def is_held_up_by(self, execution: Execution) -> bool:
        """Whether looking ahead ended where the result of an execution that is under way was not known."""
        if self.cut is Reason.REGISTER and self.cut_at:
            return self.cut_at in compat.register_names(execution.task) and execution in self.under_way()
        return self.cut in _UNTIL_DONE and execution is self.tail

    def under_way(self) -> list[Execution]:
        """Executions whose results linear has not taken up yet."""
        return ([self.current] if self.current is not None else []) + list(self.ahead)


class LookingAhead:
    """Of one play. ``play``: its PlayRun."""

    def __init__(self, play: t.Any) -> None:
        self._play = play
        self._reads: collections.defaultdict[str, set[str]] = collections.defaultdict(set)  # task -> names that cut a bundle before it

    def _may_look(self) -> bool:
        return not (self._play.strategy._step or self._play.strategy.debugger_active)

    def again(self, run: HostRun) -> None:
        """What held the host back may be over: look ahead from where linear still waits."""
        if self._play.iterator.get_state_for_host(run.host.name) is run.state:
            run.view = None
            self.look(run)

    def look(self, run: HostRun) -> None:
        """Prepare and submit the next tasks of the host as far as nobody can notice."""
        if not self._may_look():
            return
        fresh = run.view is None
        if not fresh and run.cut is not Reason.LOOKAHEAD_LIMIT:
            return
        if fresh:
            run.view = Foresight(self._play.iterator, run.host, [])
        run.cut_before = None
        reason, detail = self._pass_what_is_ahead(run) if fresh else (None, '')
        if reason is None:
            reason, detail = self._advance(run)
        run.cut, run.cut_at = reason, detail
        self._play.tally.cuts[reason] += 1
        self._play.hub.telling.cut(run.host.name, reason, detail)
        if self._play.session.diary is not None:
            self._play.session.diary.ended(run, reason, detail)
        _display.vvv(f'rustle: bundle ends: {" ".join(filter(None, (reason.value, detail)))} ({reason.text})', host=run.host.name)

    @staticmethod
    def _pass_what_is_ahead(run: HostRun) -> tuple[Reason | None, str]:
        """Lead a new view past what is ahead already."""
        before = run.current
        for execution in run.ahead:
            reason = run.view.started(before.task)
            task, end = run.view.next() if reason is None else (None, reason)
            if task is not execution.task or end is not None:
                return end or Reason.FAILED, ''  # it will be withdrawn when linear asks for another
            before = execution
        return None, ''

    def _advance(self, run: HostRun) -> tuple[Reason, str]:
        settings = self._play.session.settings(run.task_vars)
        limit = min(settings.lookahead, self._play.session.batches.get(run.host.name, settings.lookahead))
        tail = run.tail
        barrier = self._play.rules.barrier(tail.task, run.host, settings)
        tail.renews = self._play.rules.restarts_agent(tail.task, run.host, settings)
        while True:
            if barrier is not None:
                return barrier, ''
            reason = Reason.RESTART_AGENT if tail.renews else self._ends_with(run, tail)
            if reason is not None:
                return reason, ''
            if len(run.under_way()) >= limit:
                return Reason.LOOKAHEAD_LIMIT, ''
            task, reason = run.view.next()
            run.cut_before = task
            if reason is not None:
                return reason, ''
            if prospects.stock_reason(task) is not None:
                return Reason.STOCK, ''
            if prospects.reads_controller(task) and any(map(self._play.rules.any_file, self._writes_to_controller())):
                return Reason.CONTROLLER_FILES, ''  # found out without preparing it
            guard, facts = self._guard(run)
            asking = any(other.waiting_for is not None for other in run.under_way())
            reason = prospects.cut_before(task, facts=facts, anything=bool(guard.names) or facts, asking=asking)
            if reason is not None:
                return reason, ''
            held = self._reads[task._uuid].intersection(guard.names)
            if held:
                return Reason.REGISTER, min(held)  # what it read for another host, or a moment ago, it reads again
            seen: dict[str, t.Any] = {}
            execution = self._play.new_execution(run.host, task, guard=guard, make_vars=functools.partial(self._vars_ahead, run, task, seen))
            execution.run = run
            execution.start()
            if execution.outcome in (Outcome.STOCK, Outcome.CUT):
                if execution.reason is Reason.REGISTER:
                    self._reads[task._uuid].add(execution.detail)
                return (execution.reason or Reason.STOCK) if execution.outcome is Outcome.CUT else Reason.STOCK, execution.detail
            if execution.files_read and self._being_written(execution):
                execution.drop()
                return Reason.CONTROLLER_FILES, execution.files_read[0]
            execution.renews = seen['renews']
            run.ahead.append(execution)
            if execution.waiting_for is not None:
                self._play.hub.submit(run.lane, execution)
            tail = execution

    def _being_written(self, execution: Execution) -> bool:
        """Whether a file that was read ahead may still be written by a task under way, where hosts are the controller itself."""
        return any(self._play.rules.touched(writes, execution.files_read) for writes in self._writes_to_controller())

    def _writes_to_controller(self) -> t.Iterator[tuple[str, ...]]:
        """What each task under way may write, where hosts are the controller itself."""
        for run in self._play.hosts.values():
            others = [other for other in run.under_way() if other.waiting_for is not None]
            if others and self._play.rules.on_controller(run.host):
                yield from map(self._play.rules.writes, others)

    def _ends_with(self, run: HostRun, tail: Execution) -> Reason | None:
        """Why nothing may run before the result of ``tail`` is judged."""
        if tail.to_judge:
            return Reason.FAILED
        if tail.outcome is Outcome.WAITING and not tail.final:
            return Reason.MULTI_STEP
        if tail.done and tail.failed:
            return Reason.FAILED
        if tail.discovered:
            return Reason.FACTS
        reason = prospects.ends_bundle(tail.task, ended=tail.done) or run.view.started(tail.task)
        if reason is None and not all(self._handler_exists(name) for name in prospects.notifications(tail.task) or ()):
            return Reason.NOTIFY
        return reason

    def _handler_exists(self, name: str) -> bool:
        return next(iter(self._play.strategy.search_handlers_by_notification(name, self._play.iterator)), None) is not None

    def _guard(self, run: HostRun) -> tuple[Guard, bool]:
        names: dict[str, Reason] = {}
        facts = False
        for execution in run.under_way():
            if execution.done:
                continue  # what it sets is laid over the variables
            for name in compat.register_names(execution.task):
                names[name] = Reason.REGISTER
            waiting = execution.waiting_for
            facts = facts or any(q.facts_expected for q in (waiting if isinstance(waiting, list) else [waiting]) if hasattr(q, 'facts_expected'))
        return Guard(names=names, facts=facts), facts

    def _vars_ahead(self, run: HostRun, task: t.Any, seen: dict[str, t.Any]) -> dict[str, t.Any]:
        """The variables that linear will give the task, as far as they are known; raises Hazard where it may not be prepared yet."""
        with self._laid_over(run):
            task_vars = self._play.vars_now(run.host, task)
        settings = self._play.session.settings(task_vars)
        if settings.mode == 'ssh' or not settings.enabled:
            raise Hazard(Reason.STOCK, task.get_name())
        barrier = self._play.rules.barrier(task, run.host, settings)
        if barrier is not None:
            raise Hazard(barrier, task.get_name())
        seen['renews'] = self._play.rules.restarts_agent(task, run.host, settings)
        return task_vars

    @contextlib.contextmanager
    def _laid_over(self, run: HostRun) -> t.Iterator[None]:
        """What finished executions have learned, over the host's variables."""
        learned: dict[str, t.Any] = {}
        for execution in run.under_way():
            if execution.done:
                if execution.learned is None:
                    raise Hazard(Reason.FACTS, execution.task.get_name())
                learned.update(execution.learned)
        cache = self._play.strategy._variable_manager._nonpersistent_fact_cache
        if not learned:
            yield
            return
        name = run.host.name
        had, before = name in cache, cache.get(name)
        cache[name] = {**(before or {}), **learned}
        try:
            yield
        finally:
            if had:
                cache[name] = before
            else:
                del cache[name]
