# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One play under our strategy: who is asked what, how far each host runs ahead, and what linear is told.

Rule 1: linear drives. A task is delivered to it only when it has queued that task for that host.
Rule 2: running ahead ends wherever the planner's rules or what is in flight say so; the reason is counted.
Rule 3: when linear asks for another task than the one foreseen, what was foreseen is withdrawn; the agent has stopped by then.
"""
from __future__ import annotations

import collections
import contextlib
import functools
import typing as t

from ansible import constants as C
from ansible._internal._templating._jinja_bits import is_possibly_template
from ansible.utils.display import Display
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import compat, prospects
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.coroutine import current
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.execution import Execution, Outcome
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.foresight import Foresight
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.hazards import Guard, Hazard
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.quick import Masters
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import TargetLost

from .hub import Lane, unreached
from .rules import Rules
from .tally import Tally

__all__ = ['PlayRun']

_display = Display()

#: cuts that end when the tasks before them have: no need to wait for linear, which other hosts may hold back
_UNTIL_DONE = frozenset((Reason.REGISTER, Reason.JUDGE_CHANGED_WHEN, Reason.JUDGE_FAILED_WHEN, Reason.UNTIL, Reason.TIMEOUT, Reason.MULTI_STEP))


class HostRun:
    """One host in the play: the task that linear waits for, and those prepared beyond it, in order."""

    def __init__(self, host: t.Any, lane: Lane) -> None:
        self.host = host
        self.lane = lane
        self.current: Execution | None = None
        self.ahead: collections.deque[Execution] = collections.deque()
        self.view: Foresight | None = None
        self.cut: Reason | None = None
        self.cut_at = ''  # what was read there, if anything
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


class PlayRun:
    """Takes the place of the strategy's queue for the play that runs."""

    def __init__(self, session: t.Any, strategy: t.Any, iterator: t.Any, play_context: t.Any) -> None:
        self.session = session
        self.hub = session.hub
        self.strategy = strategy
        self.iterator = iterator
        self.play = iterator._play
        self.play_context = play_context
        self.tally = Tally()
        self.hosts: dict[str, HostRun] = {}
        self.masters = Masters()
        self._reads: collections.defaultdict[str, set[str]] = collections.defaultdict(set)  # task -> names that cut a bundle before it
        self.rules = Rules(strategy, self.play, self.hub.forks, session.tables)
        self._get_vars = strategy._variable_manager.get_vars
        strategy._variable_manager.get_vars = self.get_vars
        self._bundles_before = self.hub.sent_bundles

    # -- what linear asks

    def queue(self, host: t.Any, task: t.Any, task_vars: dict[str, t.Any], play_context: t.Any) -> bool:
        """Take a task up, or say that the stock path must (False)."""
        run = self.hosts.get(host.name)
        if run is None:
            run = self.hosts[host.name] = HostRun(host, self.hub.lane(host.name))
        self.play_context = play_context
        self.tally.tasks += 1
        run.current = None
        foreseen = run.ahead[0] if run.ahead and run.ahead[0].task is task else None
        if foreseen is not None:
            run.ahead.popleft()
            execution = foreseen
            self.tally.ahead += 1
        else:
            self._withdraw(run)
            settings = self.session.settings(task_vars)
            reason = self._stock_reason(task, settings)
            if reason is None:
                execution = self._execution(host, task, make_vars=lambda: dict(task_vars))
                execution.start()
                if execution.outcome is Outcome.STOCK:
                    reason = execution.reason
            if reason is not None:
                self._stock(reason, host, task)
                if self.rules.restarts_agent(task, host, settings):
                    self.hub.retire(run.lane)
                return False
            run.view = None
        if execution.outcome is Outcome.AGAIN:
            execution = self._over_its_answers(foreseen)
        if execution.wants_directory and execution.done and not execution.sent and not self.hub.knows(run.lane) and compat.failed(execution.result()):
            self._withdraw(run)
            self._stock(Reason.UNREACHED, host, task)
            return False
        run.current, run.task_vars, run.state = execution, task_vars, self.iterator.get_state_for_host(host.name)
        execution.claimed = True
        execution.run = run
        self.strategy._queued_task_cache[(host.name, task._uuid)] = {
            'host': host, 'task': task, 'task_vars': task_vars, 'play_context': play_context}
        self.strategy._tqm.send_callback('v2_runner_on_start', host, task)
        self.strategy._pending_results += 1
        if execution is not foreseen and execution.waiting_for is not None:
            self.hub.submit(run.lane, execution)
            self.hub.rouse()  # it works while its next tasks are prepared
        if run.current is execution:
            self._look_ahead(run)
        self._tell(execution)
        return True

    @staticmethod
    def _stock_reason(task: t.Any, settings: t.Any) -> Reason | None:
        if not settings.enabled:
            return Reason.DISABLED
        return Reason.MODE_SSH if settings.mode == 'ssh' else prospects.stock_reason(task)

    def _execution(self, host: t.Any, task: t.Any, *, make_vars: t.Callable[[], dict[str, t.Any]], guard: Guard | None = None) -> Execution:
        return Execution(host=host, task=task, play_context=self.play_context, loader=self.strategy._loader, masters=self.masters,
                         variable_manager=self.strategy._variable_manager, make_vars=make_vars, guard=guard)

    def get_vars(self, *args: t.Any, **kwargs: t.Any) -> dict[str, t.Any]:
        """VariableManager.get_vars for linear's loop: the variables of a task that is prepared already have been worked out."""
        host, task = kwargs.get('host'), kwargs.get('task')
        run = self.hosts.get(host.name) if host is not None and task is not None else None
        if run is not None and current() is None and run.ahead and run.ahead[0].task is task and run.ahead[0].given_vars is not None:
            # what linear itself renders with them may not have been rendered under the guard: the task may be skipped
            if not any(is_possibly_template(str(text)) for text in (task.name, task.action, task.run_once)):
                return dict(run.ahead[0].given_vars)
        return self._get_vars(*args, **kwargs)

    def pump(self, timeout: float) -> None:
        """Let agents and timers have their turn."""
        self.hub.turn(timeout)

    def wait(self) -> None:
        """Wait for the next result, wherever it comes from."""
        # results of stock workers arrive in a thread that cannot wake the hub
        stock = any(worker is not None and worker.is_alive() for worker in self.strategy._workers)
        self.hub.turn(C.DEFAULT_INTERNAL_POLL_INTERVAL if stock or not self.hub.busy else 1.0)

    def changed(self, execution: Execution) -> None:
        """The hub has resumed or dropped an execution."""
        run = execution.run
        if execution.outcome is Outcome.WAITING:
            self.hub.submit(run.lane, execution)
            if execution is run.current and execution.final and run.cut is Reason.MULTI_STEP:
                self._look_again(run)  # its last step is under way now
        elif execution.outcome is Outcome.DROPPED and execution in run.ahead:
            self._drop_from(run, execution)
        if execution.claimed and execution.outcome is Outcome.AGAIN:
            self._again(execution)
        elif execution.claimed:
            self._tell(execution)
        if execution.done and run.is_held_up_by(execution):
            self._look_again(run)

    def _again(self, execution: Execution) -> None:
        """The claimed task has its answers, but was prepared when something it reads was not known: run it over them with what is known now."""
        fresh = execution.run.current = self._over_its_answers(execution)
        fresh.claimed, fresh.run = True, execution.run
        self.changed(fresh)

    def _over_its_answers(self, execution: Execution) -> Execution:
        host, task = execution.host, execution.task
        fresh = self._execution(host, task, make_vars=lambda: self._vars_now(host, task))
        fresh.take_over(execution)
        fresh.renews = execution.renews
        fresh.start()
        return fresh

    def _vars_now(self, host: t.Any, task: t.Any) -> dict[str, t.Any]:
        """The variables of a task as linear would work them out now."""
        strategy = self.strategy
        task_vars = self._get_vars(play=self.play, host=host, task=task, _hosts=strategy._hosts_cache, _hosts_all=strategy._hosts_cache_all)
        strategy.add_tqm_variables(task_vars, play=self.play)
        return task_vars

    def stopped(self, execution: Execution) -> None:
        """An outcome that nobody foresaw: what was prepared on top of it, even what is finished already, does not hold."""
        run = execution.run
        execution.to_judge = True
        under_way = run.under_way()
        if execution in under_way:
            behind = under_way[under_way.index(execution) + 1:]
            self._drop_from(run, behind[0] if behind else None)

    def unavailable(self, execution: Execution, lost: TargetLost) -> None:
        """No agent could be started for what an execution asks; nothing of it has run."""
        run = execution.run
        if not execution.claimed:
            self._drop_from(run, execution)
            return
        self._withdraw(run)
        waiting = execution.waiting_for
        question = waiting[0] if isinstance(waiting, list) else waiting
        if question is not None and unreached(lost, question):
            execution.lost(lost)
            self.changed(execution)
            return
        if question is not None and lost.phase != 'tmp':
            self.session.unavailable.add(question.call.target.key)
        _display.vvv(f'rustle: no agent, the stock path takes over: {lost}', host=run.host.name)
        execution.outcome = Outcome.WAITING
        self._drop(execution)
        entry = self.strategy._queued_task_cache[(run.host.name, execution.task._uuid)]
        self._stock(Reason.AGENT_UNAVAILABLE, run.host, execution.task)
        run.current = None
        self.strategy.queue_stock(run.host, execution.task, self._vars_now(run.host, execution.task), entry['play_context'])

    def reset(self, host: t.Any) -> None:
        """meta: reset_connection: the host's next task logs in anew."""
        if host.name in self.hosts:
            self.hub.retire(self.hosts[host.name].lane)

    def interrupted(self) -> None:
        """Ctrl-C: nothing more is started; tell what ran and was not shown yet."""
        for name, run in self.hosts.items():
            lines = []
            for execution in run.under_way():
                sent = [errand for errand in execution.errands if errand.number]
                if execution is not run.current and execution.outcome is Outcome.DONE and sent:
                    lines.append(f'"{execution.task.get_name()}" (finished)')
                elif execution.outcome is Outcome.WAITING and any(errand.started for errand in sent):
                    lines.append(f'"{execution.task.get_name()}" (started, outcome unknown)')
            self._withdraw(run)
            if lines:
                _display.warning(f'{name}: interrupted; these tasks ran and are not shown above: {", ".join(lines)}')
        self.hub.flush()

    def end(self) -> None:
        """The play is over."""
        del self.strategy._variable_manager.get_vars
        for run in self.hosts.values():
            self._withdraw(run)
        self.tally.bundles = self.hub.sent_bundles - self._bundles_before
        self.tally.round_trips = collections.Counter({name: self.hub.trips.pop(name, 0) for name in self.hosts})
        self.hub.telling.play_ended(bundles=self.tally.bundles, round_trips=self.tally.round_trips.total())
        if self.tally.tasks:
            _display.vv('rustle: ' + self.tally.line())

    # -- telling linear

    def _tell(self, execution: Execution) -> None:
        if execution.done:
            self.hub.telling.ended(execution, attempt=1)
        for message in execution.messages():
            compat.deliver(self.strategy, message, name=execution.task.name)
        if execution.done:
            self.tally.calls += execution.agent_calls
            execution.agent_calls = 0
            if execution.renews:
                execution.renews = False
                self.hub.retire(execution.run.lane)

    def _stock(self, reason: Reason, host: t.Any, task: t.Any) -> None:
        self.tally.stock[reason] += 1
        self.hub.telling.stock(host.name, task, reason)
        _display.vvv(f'rustle: stock path for "{task.get_name()}": {reason.value} ({reason.text})', host=host.name)

    # -- running ahead

    def _withdraw(self, run: HostRun) -> None:
        """Forget everything that was prepared for the host beyond its current task."""
        while run.ahead:
            self._drop(run.ahead.pop())
        self.hub.withdraw(run.lane)
        run.view = None

    def _drop_from(self, run: HostRun, first: Execution | None) -> None:
        """Forget an execution ahead and everything behind it; what is before it may have run already, and stays."""
        while first in run.ahead:
            self._drop(run.ahead.pop())
        run.lane.tidy()
        run.view = None
        run.cut = None

    @staticmethod
    def _drop(execution: Execution) -> None:
        for errand in execution.errands:
            errand.abandoned = True
        execution.drop()

    def _may_look_ahead(self) -> bool:
        return not (self.strategy._step or self.strategy.debugger_active)

    def _look_again(self, run: HostRun) -> None:
        """What held the host back may be over: look ahead from where linear still waits."""
        if self.iterator.get_state_for_host(run.host.name) is run.state:
            run.view = None
            self._look_ahead(run)

    def _look_ahead(self, run: HostRun) -> None:
        """Prepare and submit the next tasks of the host as far as nobody can notice."""
        if not self._may_look_ahead():
            return
        fresh = run.view is None
        if not fresh and run.cut is not Reason.LOOKAHEAD_LIMIT:
            return
        if fresh:
            run.view = Foresight(self.iterator, run.host, [])
        reason, detail = self._pass_what_is_ahead(run) if fresh else (None, '')
        if reason is None:
            reason, detail = self._advance(run)
        run.cut, run.cut_at = reason, detail
        self.tally.cuts[reason] += 1
        self.hub.telling.cut(run.host.name, reason, detail)
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
        settings = self.session.settings(run.task_vars)
        limit = settings.lookahead
        tail = run.tail
        barrier = self.rules.barrier(tail.task, run.host, settings)
        tail.renews = self.rules.restarts_agent(tail.task, run.host, settings)
        while True:
            if barrier is not None:
                return barrier, ''
            reason = Reason.RESTART_AGENT if tail.renews else self._ends_with(run, tail)
            if reason is not None:
                return reason, ''
            if len(run.under_way()) >= limit:
                return Reason.LOOKAHEAD_LIMIT, ''
            task, reason = run.view.next()
            if reason is not None:
                return reason, ''
            if prospects.stock_reason(task) is not None:
                return Reason.STOCK, ''
            if prospects.reads_controller(task) and any(map(self.rules.any_file, self._writes_to_controller())):
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
            execution = self._execution(run.host, task, guard=guard, make_vars=functools.partial(self._vars_ahead, run, task, seen))
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
                self.hub.submit(run.lane, execution)
            tail = execution

    def _being_written(self, execution: Execution) -> bool:
        """Whether a file that was read ahead may still be written by a task under way, where hosts are the controller itself."""
        return any(self.rules.touched(writes, execution.files_read) for writes in self._writes_to_controller())

    def _writes_to_controller(self) -> t.Iterator[tuple[str, ...]]:
        """What each task under way may write, where hosts are the controller itself."""
        for run in self.hosts.values():
            others = [other for other in run.under_way() if other.waiting_for is not None]
            if others and self.rules.on_controller(run.host):
                yield from map(self.rules.writes, others)

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
        return next(iter(self.strategy.search_handlers_by_notification(name, self.iterator)), None) is not None

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
            task_vars = self._vars_now(run.host, task)
        settings = self.session.settings(task_vars)
        if settings.mode == 'ssh' or not settings.enabled:
            raise Hazard(Reason.STOCK, task.get_name())
        barrier = self.rules.barrier(task, run.host, settings)
        if barrier is not None:
            raise Hazard(barrier, task.get_name())
        seen['renews'] = self.rules.restarts_agent(task, run.host, settings)
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
        cache = self.strategy._variable_manager._nonpersistent_fact_cache
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

    def modules(self) -> list[t.Any]:
        """The modules that the play's tasks and handlers are known to need."""
        return prospects.modules_of(prospects.tasks_of(self.iterator))
