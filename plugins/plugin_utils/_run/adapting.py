# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the adaptation engine wants done, done: between an execution's end and linear.

Rule 1: a failure is held back only while nothing of its task was delivered, and linear waits for it meanwhile as for any task under way.
Rule 2: what is not held back goes to linear as it is. Nothing here decides: the engine has, and each instruction is answered.
Rule 3: a task is begun again as if linear had just asked for it, with the variables of that moment.
"""
from __future__ import annotations

import time
import typing as t

from ansible import constants as C
from ansible.utils.display import Display
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import compat, failures, prospects
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.observed_classes import observed_classes
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.task_refs import task_refs
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.vaulted import vaulted
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Instruction, Rejection
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import (
    HostRecovered,
    HostUnavailable,
    TaskFailed,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.repeating import is_repeatable
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Adviser, Channel

__all__ = ['Adapting']

_display = Display()


class Ended(t.Protocol):
    """How a task has ended on a host, on either path: an Execution, or a StockTask."""

    host: t.Any
    task: t.Any
    run: t.Any
    attempt: int
    again_by: t.Any
    told: bool

    @property
    def path(self) -> t.Literal['agent', 'stock']: ...

    @property
    def failed(self) -> bool: ...

    @property
    def away(self) -> bool: ...

    @property
    def started(self) -> bool | None: ...

    @property
    def is_current(self) -> bool: ...

    def result(self) -> t.Any: ...


class Adapting:
    """Of one play. ``play``: its PlayRun."""

    def __init__(self, play: t.Any, channel: Channel) -> None:
        self._play = play
        self._channel = channel
        self._away: dict[str, float] = {}  # host -> monotonic time since when it cannot be reached
        self.held: dict[str, Ended] = {}
        """Host -> whose end linear has not been told."""
        self._given_up: set[str] = set()  # hosts that are not waited for any more
        if channel.adviser is not None:
            channel.adviser.act()

    def takes(self, execution: Ended) -> bool:
        """Whether the engine wants something done about how the execution ended, so that linear is not told of it (yet)."""
        if self._channel.adviser is None or self._play.strategy.debugger_active:
            return False
        instruction, host = execution.again_by, execution.host.name
        failed, away = execution.failed, execution.away
        if away and instruction is not None and instruction.decision.kind is AdaptationKind.WAIT and self._goes_on_waiting(instruction, execution):
            return True
        if not away and host in self._away and not (instruction is not None and instruction.decision.kind in _ELSEWHERE):
            self._channel.publish(HostRecovered(host=host, seconds=time.monotonic() - self._away.pop(host)))
        if instruction is not None:
            self._adviser.applied(instruction.adaptation, not (away if instruction.decision.kind is AdaptationKind.WAIT else failed))
        wire = execution.result()
        if not failed or execution.told or wire is None:
            return False
        settings = self._play.session.settings(execution.run.task_vars)
        if settings.adaptation == 'off':
            return False
        event = self._failure(execution, wire, settings)
        if event.advise:
            self._adviser.advise(event)
            return False
        about_host: list[Instruction] = []
        if event.unreachable:
            self._away.setdefault(host, time.monotonic())
            self._channel.publish(HostUnavailable(host=host, message=event.message, started=bool(event.started), declared=event.declared))
            about_host = list(self._taken())
        self._channel.publish(event)
        about_task = list(self._taken())
        for one in about_host:  # only what is said of the task holds it back: it may not be one that can be begun again
            if all(one.adaptation != other.adaptation for other in about_task):
                self._obey(one, None)
        held = [self._obey(one, execution) for one in about_task]
        return any(held)

    def prefers_stock(self, host: t.Any, task: t.Any) -> bool:
        """Whether an adaptation, or history, has taken the task off the agent."""
        by_stock, adviser = self._play.session.by_stock, self._channel.adviser
        if by_stock and observed_classes.of(host) in by_stock:
            return True
        return adviser is not None and bool(adviser.by_stock(task._resolved_action or str(task.action), observed_classes.of(host)))

    def _goes_on_waiting(self, instruction: Instruction, execution: Ended) -> bool:
        """Whether a host that could not be reached once more is waited for still; nothing of the task may have begun meanwhile."""
        if execution.started or execution.host.name in self._given_up:
            return False
        if execution.started is None and not self._may_be_repeated(execution):
            return False
        if time.monotonic() >= float(instruction.decision.changes.get('until', 0.0)):
            return False
        self._later(instruction, execution, float(instruction.decision.changes.get('every', 1.0)))
        return True

    def _may_be_repeated(self, execution: Ended) -> bool:
        """Whether a second run does no harm, though the first one may have begun."""
        declared = self._play.session.settings(execution.run.task_vars).retry
        return bool(self._is_idempotent(execution.task) if declared is None else declared)

    def _is_idempotent(self, task: t.Any) -> bool:
        return is_repeatable(prospects.node_of(task, on_controller=False, rescope=None, effects=None), self._play.session.tables)

    def _failure(self, execution: Ended, wire: t.Any, settings: t.Any) -> TaskFailed:
        task, host = execution.task, execution.host
        vaulted.look_at(self._play.play, host, task)
        # a delegated task is not its host's to give away, nor are facts of it; and what another host, or leaving it out, has not helped stands
        interchangeable = '' if task.delegate_to is not None or prospects.sets_facts(task) else settings.interchangeable
        group = self._play.strategy._inventory.get_hosts(interchangeable) if interchangeable else ()
        left_out = execution.again_by is not None and execution.again_by.decision.kind is AdaptationKind.SKIP
        return TaskFailed(
            task=task_refs.of(task), host=host.name, final=False, attempt=execution.attempt, unreachable=compat.unreachable(wire),
            started=execution.started,
            declared=failures.declared(task), idempotent=self._is_idempotent(task), retry_declared=settings.retry,
            skippable=settings.skippable and not left_out, advise=settings.adaptation == 'advise',
            interchangeable=tuple(other.name for other in group if other.name != host.name),
            host_class=observed_classes.of(host), path=execution.path, **failures.failure(compat.shown_result(wire, task)))

    # -- acting

    def obey(self) -> None:
        """Do what was wanted meanwhile, for whatever reason."""
        if self._channel.adviser is not None:
            self._channel.adviser.tick()
            for instruction in self._taken():
                self._obey(instruction, None)

    def _taken(self) -> t.Iterator[Instruction]:
        while self._channel.instructions:
            yield self._channel.instructions.popleft()

    def _obey(self, instruction: Instruction, execution: Ended | None) -> bool:
        """Whether the end of ``execution`` is held back by it."""
        decision = instruction.decision
        if instruction.advised:
            return False
        if decision.kind is AdaptationKind.REPORT:
            self._report(instruction)
            return False
        about = execution is not None and decision.target == execution.host.name
        act = _HOLDING.get(decision.kind)
        if act is not None and not about:
            self._reject(instruction)
            return False
        if act is not None:
            return bool(act(self, instruction, execution))
        act = _AT_LARGE.get(decision.kind)
        if act is None:
            self._reject(instruction)
            return False
        act(self, instruction)
        return False

    def _reject(self, instruction: Instruction) -> None:
        self._adviser.rejected(instruction.adaptation, Rejection.NOT_POSSIBLE)

    @property
    def _adviser(self) -> Adviser:
        return t.cast('Adviser', self._channel.adviser)

    def _say(self, instruction: Instruction, execution: Ended, words: str) -> None:
        _display.display(f'rustle: [{execution.host.name}] "{execution.task.get_name()}": {words} ({instruction.decision.rationale})', color=C.COLOR_WARN)

    # -- what holds a result back

    def _retry(self, instruction: Instruction, execution: Ended) -> bool:
        seconds = float(instruction.decision.changes.get('after', 0.0))
        self._say(instruction, execution, 'tried again')
        self._later(instruction, execution, seconds)
        return True

    def _wait(self, instruction: Instruction, execution: Ended) -> bool:
        self._given_up.discard(execution.host.name)
        self._say(instruction, execution, 'waits for its host')
        self._adviser.applied(instruction.adaptation, None)
        self._later(instruction, execution, float(instruction.decision.changes.get('every', 1.0)))
        return True

    def _elsewhere(self, instruction: Instruction, execution: Ended) -> bool:
        """Another host does it in the place of this one."""
        other = str(instruction.decision.changes['host'])
        self._say(instruction, execution, f'{other} does it instead')
        task = execution.task.copy()
        task.delegate_to = other
        task.delegate_facts = False
        self._later(instruction, execution, 0.0, task)
        return True

    def _skip(self, instruction: Instruction, execution: Ended) -> bool:
        self._say(instruction, execution, 'left out')
        task = execution.task.copy()
        task.when = [False]
        task.loop = task.loop_with = None
        self._later(instruction, execution, 0.0, task)
        return True

    def _anew(self, instruction: Instruction, execution: Ended) -> bool:
        """What was prepared behind the task is dropped, and the task prepared with what is known now."""
        self._say(instruction, execution, 'prepared anew')
        self._later(instruction, execution, 0.0)
        return True

    def _later(self, instruction: Instruction, execution: Ended, seconds: float, task: t.Any = None) -> None:
        self.held[execution.host.name] = execution
        self._play.hub.after(seconds, lambda: self._again(instruction, execution, task or execution.task))

    def _again(self, instruction: Instruction, execution: Ended, task: t.Any) -> None:
        if not execution.is_current or self.held.get(execution.host.name) is not execution:
            return  # the play has ended, or linear has been told
        del self.held[execution.host.name]
        if instruction.decision.kind is not AdaptationKind.WAIT:
            self._adviser.applied(instruction.adaptation, None)
        path = self._path(execution)
        fresh = path.begin_again(execution, task)
        # waiting for a host uses up no try of the task
        fresh.attempt = execution.attempt + (instruction.decision.kind is not AdaptationKind.WAIT)
        fresh.again_by = instruction
        path.go_on(fresh)

    def _report(self, instruction: Instruction) -> None:
        """What was held back of a host goes to linear as it is."""
        host = instruction.decision.target
        self._given_up.add(host)
        execution = self.held.pop(host, None)
        if execution is not None:
            self._path(execution).deliver(execution)

    def _path(self, execution: Ended) -> t.Any:
        """Who begins it again, and tells linear of it."""
        return self._play.stock_path if execution.path == 'stock' else self._play

    def let_go(self) -> None:
        """All that is held back goes to linear as it is: nothing of the play goes on."""
        while self.held:
            _host, execution = self.held.popitem()
            self._path(execution).deliver(execution)

    # -- what changes the run

    def _scale(self, instruction: Instruction) -> None:
        decision, hub = instruction.decision, self._play.hub
        if 'batch' in decision.changes:
            batch = self._play.session.batches[decision.target] = max(1, int(decision.changes['batch']))
            _display.vv(f'rustle: at most {batch} tasks sent ahead ({decision.rationale})', host=decision.target)
        else:
            hub.forks = max(1, min(self._play.forks, int(decision.changes['lanes'])))
            _display.vv(f'rustle: at most {hub.forks} hosts at once ({decision.rationale})')
        self._adviser.applied(instruction.adaptation, None)

    def _toggle(self, instruction: Instruction) -> None:
        changes = instruction.decision.changes
        by_stock = self._play.session.by_stock
        (by_stock.add if changes['path'] == 'stock' else by_stock.discard)(str(changes['host_class']))
        _display.vv(f'rustle: hosts of class {changes["host_class"]} by the {changes["path"]} path ({instruction.decision.rationale})')
        self._adviser.applied(instruction.adaptation, None)

    def _reorder(self, instruction: Instruction) -> None:
        self._play.hub.order = {name: place for place, name in enumerate(instruction.decision.changes['hosts'])}
        self._adviser.applied(instruction.adaptation, None)

    def _strategy(self, instruction: Instruction) -> None:
        self._play.session.overrides['ordering'] = str(instruction.decision.changes['ordering'])
        self._adviser.applied(instruction.adaptation, None)

    def _parameters(self, instruction: Instruction) -> None:
        changes = instruction.decision.changes
        if 'batch' in changes:
            self._play.session.overrides['lookahead'] = max(1, int(changes['batch']))
        if 'timeout' in changes:
            self._play.hub.start_limit = float(changes['timeout'])
        self._adviser.applied(instruction.adaptation, None)

    def _halt(self, instruction: Instruction) -> None:
        _display.error(f'rustle: the run is halted: {instruction.decision.rationale}')
        self._play.halt()
        self.let_go()
        self._adviser.applied(instruction.adaptation, True)


_ELSEWHERE = (AdaptationKind.REALLOCATE, AdaptationKind.FAILOVER)
_HOLDING: dict[AdaptationKind, t.Callable[[Adapting, Instruction, t.Any], bool]] = {
    AdaptationKind.RETRY: Adapting._retry, AdaptationKind.WAIT: Adapting._wait, AdaptationKind.REALLOCATE: Adapting._elsewhere,
    AdaptationKind.FAILOVER: Adapting._elsewhere, AdaptationKind.SKIP: Adapting._skip,
    AdaptationKind.REPLAN: Adapting._anew,
}
_AT_LARGE: dict[AdaptationKind, t.Callable[[Adapting, Instruction], None]] = {
    AdaptationKind.SCALE: Adapting._scale, AdaptationKind.TOGGLE: Adapting._toggle, AdaptationKind.REORDER: Adapting._reorder,
    AdaptationKind.STRATEGY: Adapting._strategy, AdaptationKind.PARAMETERS: Adapting._parameters,
    AdaptationKind.HALT: Adapting._halt,
}
