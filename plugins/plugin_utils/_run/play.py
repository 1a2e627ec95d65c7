# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One play under our strategy: who is asked what, how far each host runs ahead, and what linear is told.

Rule 1: linear drives. A task is delivered to it only when it has queued that task for that host.
Rule 2: running ahead ends wherever the planner's rules or what is in flight say so; the reason is counted.
Rule 3: when linear asks for another task than the one foreseen, what was foreseen is withdrawn; the agent has stopped by then.
"""
from __future__ import annotations

import collections
import typing as t

from ansible import constants as C
from ansible._internal._templating._jinja_bits import is_possibly_template
from ansible.utils.display import Display
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import compat, prospects
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.coroutine import current
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.execution import Execution, Outcome
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.hazards import Guard
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.quick import Masters
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import TargetLost
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import channel

from .adapting import Adapting
from .ahead import HostRun, LookingAhead
from .hub import unreached
from .rules import Rules
from .stock_path import StockPath
from .tally import Tally

__all__ = ['PlayRun']

_display = Display()


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
        self.forks = self.hub.forks
        self.looking = LookingAhead(self)
        self.adapting = Adapting(self, channel)
        self.stock_path = StockPath(self, channel)
        self.rules = Rules(strategy, self.play, self.hub.forks, session.tables)
        self._get_vars = strategy._variable_manager.get_vars
        strategy._variable_manager.get_vars = self.get_vars
        self._bundles_before = self.hub.sent_bundles
        self.hub.goes_on = self._goes_on

    # -- what linear asks

    def queue(self, host: t.Any, task: t.Any, task_vars: dict[str, t.Any], play_context: t.Any) -> bool:
        """Take a task up, or say that the stock path must (False)."""
        run = self.hosts.get(host.name)
        if run is None:
            run = self.hosts[host.name] = HostRun(host, self.hub.lane(host.name))
        self.play_context = play_context
        self.tally.tasks += 1
        run.current, run.task_vars = None, task_vars
        foreseen = run.ahead[0] if run.ahead and run.ahead[0].task is task else None
        if foreseen is not None:
            run.ahead.popleft()
            execution = foreseen
            self.tally.ahead += 1
        else:
            self.withdraw(run)
            settings = self.session.settings(task_vars)
            reason = self._stock_reason(host, task, settings)
            if reason is None:
                execution = self.new_execution(host, task, make_vars=lambda: dict(task_vars))
                execution.start()
                if execution.outcome is Outcome.STOCK:
                    reason = execution.reason
            if reason is not None:
                self._stock(reason, run, task)
                if self.rules.restarts_agent(task, host, settings):
                    self.hub.retire(run.lane)
                return False
            run.view = None
        if execution.outcome is Outcome.AGAIN:
            execution = self._over_its_answers(foreseen)
        if execution.wants_directory and execution.done and not execution.sent and not self.hub.knows(run.lane) and compat.failed(execution.result()):
            self.withdraw(run)
            self._stock(Reason.UNREACHED, run, task)
            return False
        run.current, run.state = execution, self.iterator.get_state_for_host(host.name)
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
            self.looking.look(run)
        self._tell(execution)
        return True

    def _stock_reason(self, host: t.Any, task: t.Any, settings: t.Any) -> Reason | None:
        if not settings.enabled:
            return Reason.DISABLED
        if settings.adaptation == 'on' and self.adapting.prefers_stock(host, task):
            return Reason.ADAPTED
        return Reason.MODE_SSH if settings.mode == 'ssh' else prospects.stock_reason(task)

    def new_execution(self, host: t.Any, task: t.Any, *, make_vars: t.Callable[[], dict[str, t.Any]], guard: Guard | None = None) -> Execution:
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
        self.stock_path.look()
        self.adapting.obey()

    def wait(self) -> None:
        """Wait for the next result, wherever it comes from."""
        # results of stock workers arrive in a thread that cannot wake the hub
        stock = any(worker is not None and worker.is_alive() for worker in self.strategy._workers)
        self.hub.turn(C.DEFAULT_INTERNAL_POLL_INTERVAL if stock or not self.hub.busy else 1.0)
        self.adapting.obey()

    def changed(self, execution: Execution) -> None:
        """The hub has resumed or dropped an execution."""
        run = execution.run
        if execution.outcome is Outcome.WAITING:
            self.hub.submit(run.lane, execution)
            if execution is run.current and execution.final and run.cut is Reason.MULTI_STEP:
                self.looking.again(run)  # its last step is under way now
        elif execution.outcome is Outcome.DROPPED and execution in run.ahead:
            self._drop_from(run, execution)
        if execution.claimed and execution.outcome is Outcome.AGAIN:
            self._again(execution)
        elif execution.claimed:
            self._tell(execution)
        if execution.done and run.is_held_up_by(execution):
            self.looking.again(run)

    def _again(self, execution: Execution) -> None:
        """The claimed task has its answers, but was prepared when something it reads was not known: run it over them with what is known now."""
        fresh = execution.run.current = self._over_its_answers(execution)
        fresh.claimed, fresh.run = True, execution.run
        self.changed(fresh)

    def _over_its_answers(self, execution: Execution) -> Execution:
        host, task = execution.host, execution.task
        fresh = self.new_execution(host, task, make_vars=lambda: self.vars_now(host, task))
        fresh.take_over(execution)
        fresh.renews = execution.renews
        fresh.start()
        return fresh

    def vars_now(self, host: t.Any, task: t.Any) -> dict[str, t.Any]:
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
        self.withdraw(run)
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
        self._to_stock(execution, Reason.AGENT_UNAVAILABLE)

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
            self.withdraw(run)
            if name in self.adapting.held:
                lines.append(f'"{self.adapting.held[name].task.get_name()}" (failed, was held back)')
            if lines:
                _display.warning(f'{name}: interrupted; these tasks ran and are not shown above: {", ".join(lines)}')
        self.hub.flush()

    def _goes_on(self, name: str) -> bool:
        """Whether the host has more to do in this play, as far as linear knows."""
        state = self.iterator.host_states.get(name)
        return state is not None and state.run_state.name != 'COMPLETE'

    def end(self) -> None:
        """The play is over. A host that has failed for good is in no later one, and its agents may end."""
        del self.strategy._variable_manager.get_vars
        for name, run in self.hosts.items():
            self.withdraw(run)
            if name in self.strategy._tqm._failed_hosts or name in self.strategy._tqm._unreachable_hosts:
                self.hub.retire(run.lane)
        self.tally.bundles = self.hub.sent_bundles - self._bundles_before
        self.tally.round_trips = collections.Counter({name: self.hub.trips.pop(name, 0) for name in self.hosts})
        self.hub.telling.play_ended(bundles=self.tally.bundles, round_trips=self.tally.round_trips.total())
        if self.tally.tasks:
            _display.vv('rustle: ' + self.tally.line())
        diary = self.session.diary
        if diary is not None:
            for line in diary.news():
                _display.v(line)
            self.hub.telling.plan(diary)

    # -- telling linear

    def _tell(self, execution: Execution) -> None:
        if not execution.done or not self.adapting.takes(execution):
            self.deliver(execution)

    def deliver(self, execution: Execution) -> None:
        """Tell linear what the execution has said."""
        if execution.done:
            self.hub.telling.ended(execution, attempt=execution.attempt)
            if self.session.diary is not None:
                self.session.diary.ran(execution.host.name, execution.task)
        for message in execution.messages():
            if compat.deliver(self.strategy, message, name=execution.task.name):
                execution.told = True
        if execution.done:
            self.tally.calls += execution.agent_calls
            execution.agent_calls = 0
            if execution.renews:
                execution.renews = False
                self.hub.retire(execution.run.lane)

    def begin_again(self, execution: Execution, task: t.Any) -> Execution:
        """Let a task that has ended, and of which linear has heard nothing, begin anew; ``task``: itself, or a copy with other keywords."""
        run = execution.run
        self.withdraw(run)
        fresh = self.new_execution(execution.host, task, make_vars=lambda: self.vars_now(execution.host, task))
        fresh.claimed, fresh.run, fresh.renews = True, run, execution.renews
        run.current = fresh
        return fresh

    def go_on(self, fresh: Execution) -> None:
        """Start it as linear's task."""
        fresh.start()
        if fresh.outcome is Outcome.STOCK:
            self._to_stock(fresh, fresh.reason or Reason.STOCK)
        else:
            self.changed(fresh)

    def _to_stock(self, execution: Execution, reason: Reason) -> None:
        run = execution.run
        self._stock(reason, run, execution.task, after=execution)
        run.current = None
        self.stock_path.ask(run.stock)

    def halt(self) -> None:
        """No host goes on. Source: any_errors_fatal in linear's run()."""
        for name in self.strategy._hosts_cache:
            host = self.strategy._inventory.get_host(name)
            self.iterator.mark_host_failed(host)
            self.strategy._tqm._failed_hosts[name] = True

    def _stock(self, reason: Reason, run: HostRun, task: t.Any, *, after: Execution | None = None) -> None:
        """A worker is to be asked for the task; ``after``: an execution that was begun already."""
        name = run.host.name
        self.tally.stock[reason] += 1
        self.stock_path.begins(run, task, reason, after=after)
        self.hub.telling.stock(name, task, reason, attempt=run.stock.attempt)
        if self.session.diary is not None:
            self.session.diary.ran(name, task, reason)
        _display.vvv(f'rustle: stock path for "{task.get_name()}": {reason.value} ({reason.text})', host=name)

    # -- what was prepared

    def withdraw(self, run: HostRun) -> None:
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

    def modules(self) -> list[t.Any]:
        """The modules that the play's tasks and handlers are known to need."""
        return prospects.modules_of(prospects.tasks_of(self.iterator))
