# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every piece that depends on the version of ansible-core.

Rule 1: what differs between 2.19, 2.20 and 2.21 is here and nowhere else; callers never ask for a version.
Rule 2: a minor version that is not listed is not supported: the strategy then runs as plain linear.
"""
from __future__ import annotations

import copy
import dataclasses
import pickle
import types
import typing as t

from ansible import release
from ansible._internal import _task
from ansible._internal._templating._engine import TemplateEngine
from ansible.errors import AnsibleError
from ansible.executor.task_executor import TaskExecutor
from ansible.executor.task_queue_manager import CallbackSend, DisplaySend, FinalQueue
from ansible.playbook.included_file import IncludedFile
from ansible.plugins import loader as plugin_loader
from ansible.utils.display import Display
from ansible.vars.clean import module_response_deepcopy, strip_internal_keys

from .hazards import Hazard

__all__ = [
    'CORE_VERSION', 'STAT_DEFAULTS', 'LoopItem', 'ResultQueue', 'conditions', 'core_supported', 'deliver', 'failed', 'included_file', 'is_task_result',
    'learned', 'register_names', 'render', 'run_task', 'shown_result', 'unreachable', 'variables_of', 'wire_of',
]

CORE_VERSION: tuple[int, int] = tuple(int(part) for part in release.__version__.split('.')[:2])  # type: ignore[assignment]
SUPPORTED = ((2, 19), (2, 20), (2, 21))

UNIFIED = hasattr(_task, 'UnifiedTaskResult')
"""True where results are UnifiedTaskResult objects and the executor takes its task from TaskContext (2.21)."""

STAT_DEFAULTS = {'get_mime': True, 'get_attributes': True} | ({'get_selinux_context': False} if CORE_VERSION >= (2, 20) else {})
"""What the module stat takes for granted when an action asks it, in the order in which it logs it."""

_display = Display()


def core_supported() -> bool:
    return CORE_VERSION in SUPPORTED


if UNIFIED:
    from ansible._internal._task import WireTaskResult

    _CONVERT = '_convert_wire_task_result_to_host_task_result'
else:
    from ansible._internal._errors import _error_utils
    from ansible.executor.task_result import _RawTaskResult
    from ansible.executor.task_result import _WireTaskResult as WireTaskResult

    _CONVERT = '_convert_wire_task_result_to_raw'


class ResultQueue:
    """Stands in for the worker's final queue: takes the same messages, in the same form (pickled, as over a pipe), and keeps them."""

    send_callback = FinalQueue.send_callback
    send_task_result = FinalQueue.send_task_result

    def __init__(self) -> None:
        self._messages: list[t.Any] = []

    def put(self, message: t.Any) -> None:
        # results cross a pipe in stock: what cannot be pickled must fail here too, and nobody may share objects with the task
        self._messages.append(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))

    def send_display(self, method: str, *args: t.Any, **kwargs: t.Any) -> None:
        self._messages.append(DisplaySend(method, *args, **kwargs))

    def send_prompt(self, **kwargs: t.Any) -> None:
        raise AnsibleError('A task that runs inside the strategy cannot prompt.')

    def move_to(self, queue: ResultQueue) -> None:
        """Put the messages so far behind those of another queue; they are gone from this one."""
        queue._messages += self._messages
        self._messages = []

    def take(self) -> list[t.Any]:
        """The messages so far, in order; they are gone from the queue afterwards."""
        messages, self._messages = self._messages, []
        return [pickle.loads(m) if isinstance(m, bytes) else m for m in messages]


def deliver(strategy: t.Any, message: t.Any, *, name: str | None = None) -> bool:
    """Do with a message what the strategy's result thread does with it. ``name`` overrides the task's name in a result.

    Whether callbacks or the strategy were told; lines on the display are nobody's state.
    """
    if isinstance(message, DisplaySend):
        getattr(_display, message.method)(*message.args, **message.kwargs)
        return False
    wire = message.wire_task_result if isinstance(message, CallbackSend) else message
    if name is not None and 'name' in wire.task_fields:
        # linear templates the name once, with the first host's variables, and every result carries it
        wire.task_fields['name'] = name
    result = getattr(strategy, _CONVERT)(wire)
    if isinstance(message, CallbackSend):
        strategy._tqm.send_callback(message.method_name, result)
    else:
        with strategy._results_lock:
            strategy._results.append(result)
    return True


def wire_of(result: t.Any) -> t.Any:
    """A result that waits for linear, in a form that the questions below take."""
    return result if UNIFIED else result.as_wire_task_result()


def is_task_result(message: t.Any) -> bool:
    return isinstance(message, WireTaskResult)


def failed(wire: t.Any) -> bool:
    """Whether a task result says failed or unreachable, ignored or not."""
    if UNIFIED:
        return bool(wire.utr.failed or wire.utr.unreachable)
    data = wire.return_data
    return bool(data.get('failed') or data.get('unreachable') or data.get('failed_when_result'))


def unreachable(wire: t.Any) -> bool:
    """Whether a task result says that its host could not be reached."""
    return bool(wire.utr.unreachable if UNIFIED else wire.return_data.get('unreachable'))


def shown_result(wire: t.Any, task: t.Any) -> t.Mapping[str, t.Any]:
    """What a task result says, as callbacks would get it; nothing but ``censored`` under no_log."""
    if task.no_log or (UNIFIED and wire.utr.no_log):
        return {'censored': 'no_log'}
    return t.cast('t.Mapping[str, t.Any]', wire.utr.as_result_dict(for_callback=True) if UNIFIED else wire.return_data)


def run_task(executor: type[TaskExecutor], *, host: t.Any, task: t.Any, task_vars: dict[str, t.Any], play_context: t.Any, loader: t.Any,
             queue: ResultQueue, variable_manager: t.Any) -> None:
    """Run one task for one host as a worker process does, and send its result to ``queue``.

    The task must be a copy of the caller's (the executor squashes and finalizes it). Source: ansible/executor/process/worker.py.
    """
    if UNIFIED:
        with _task.TaskContext.create(task=task, task_vars=task_vars, host_name=host.name):
            task.squash()
            te = executor(host, play_context, loader, plugin_loader.get_plugin_loader_namespace(), queue, variable_manager)
            utr = te.run()
            utr.finalize_registered_values()
            task.ignore_errors = utr.ignore_errors
            task.ignore_unreachable = utr.ignore_unreachable
            try:
                queue.send_task_result(host, task, utr)
            except Exception as ex:
                try:
                    raise AnsibleError('Task result omitted due to queue send failure.') from ex
                except Exception as wrapped:
                    utr = _task.UnifiedTaskResult.create_from_action_exception(wrapped)
                    utr.finalize_registered_values()
                    bare = type(task)()
                    bare._uuid = task._uuid
                    queue.send_task_result(host, bare, utr)
    else:
        with _task.TaskContext(task):
            te = executor(host, task, task_vars, play_context, loader, plugin_loader.get_plugin_loader_namespace(), queue, variable_manager)
            result = te.run()
            try:
                queue.send_task_result(_RawTaskResult(host=host, task=task, return_data=result, task_fields=task.dump_attrs()))
            except Exception as ex:
                try:
                    raise AnsibleError('Task result omitted due to queue send failure.') from ex
                except Exception as wrapped:
                    data = _error_utils.result_dict_from_exception(wrapped)
                    queue.send_task_result(_RawTaskResult(host=host, task=task, return_data=data, task_fields={}))


def variables_of(executor: t.Any) -> dict[str, t.Any]:
    """The variables that a running executor's task has."""
    return _task.TaskContext.current().task_vars if UNIFIED else executor._job_vars


class LoopItem:
    """One item of a loop, run on an executor of its own beside the real one; the real one can take over what it leaves.

    ``run()`` is called once, in a coroutine; ``join()`` when the real loop has come to the item, before it goes on; ``hand_over()`` at its end, in
    the place of the real executor's ``_execute()``. Source: TaskExecutor._run_loop.
    """

    def __init__(self, executor: t.Any, *, queue: ResultQueue, items: list[t.Any], index: int) -> None:
        control = executor._task.loop_control
        self._executor = copy.copy(executor)
        self._executor._play_context = executor._play_context.copy()
        self._executor._connection = None
        self._executor._final_q = queue
        self._vars = {**variables_of(executor), 'ansible_loop_var': control.loop_var, control.loop_var: items[index]}
        if control.index_var:
            self._vars.update({'ansible_index_var': control.index_var, control.index_var: index})
        task = executor._task.copy(exclude_parent=True, exclude_tasks=True)
        task._parent = executor._task._parent
        self._prepare(task, items, index)
        self.result: t.Any = None
        self.spreads = False
        """Whether it has set more variables than its register, so that later items may see them."""

    def label_fails(self) -> bool:
        """Whether the item may fail for its label, which the real loop renders when the item has ended."""
        label = self._executor._task.loop_control.label
        if UNIFIED or not label:
            return False  # 2.21 warns of it
        try:
            self._templar.template(label)
        except (Exception, Hazard):
            return True
        return False

    if UNIFIED:
        def _prepare(self, task: t.Any, items: list[t.Any], index: int) -> None:
            control = task.loop_control
            self._context = dataclasses.replace(
                _task.TaskContext.current(), _task=task, _active_task_vars=self._vars, _loop_items=items, _loop_var=control.loop_var,
                _index_var=control.index_var, _item=items[index], _item_index=index, _templar=None, _raw_loop_results=[None] * index)

        def run(self) -> None:
            with self._context:
                self.result = TaskExecutor._execute(self._executor)

        def join(self) -> None:
            self._context._raw_loop_results = _task.TaskContext.current()._raw_loop_results

        def hand_over(self, executor: t.Any) -> t.Any:
            real = _task.TaskContext.current()
            for name in ('_task', '_active_task_vars', '_templar', '_registered_vars_enabled'):
                setattr(real, name, getattr(self._context, name))
            self._leave(executor)
            self.spreads = bool(self.result.pending_changes.register_host_variables)
            return self.result
    else:
        def _prepare(self, task: t.Any, items: list[t.Any], index: int) -> None:
            self._executor._task = task
            self._given = dict(self._vars)
            self._templar = TemplateEngine(loader=self._executor._loader, variables=self._vars)

        def run(self) -> None:
            self.result = TaskExecutor._execute(self._executor, templar=self._templar, variables=self._vars)

        def join(self) -> None:
            pass

        def hand_over(self, executor: t.Any, *, templar: t.Any, variables: dict[str, t.Any]) -> t.Any:
            executor._task = self._executor._task
            self._leave(executor)
            changed = {name: value for name, value in self._vars.items() if self._given.get(name, self) is not value}
            variables.update(changed)
            if self._templar.available_variables is not self._vars:
                templar.available_variables = self._templar.available_variables  # the item's label is rendered with them
            self.spreads = not changed.keys() <= set(register_names(executor._task))
            return self.result

    def _leave(self, executor: t.Any) -> None:
        for name in ('_play_context', '_connection', '_handler'):
            setattr(executor, name, getattr(self._executor, name))


def render(value: t.Any, variables: dict[str, t.Any]) -> t.Any:
    """Render templates in a value."""
    return TemplateEngine(variables=variables).template(value)


def conditions(value: t.Any) -> list[t.Any]:
    """What a task says in ``changed_when`` or ``failed_when``; 2.21 makes a list of it only when it validates the task."""
    return value if isinstance(value, list) else [] if value is None else [value]


def register_names(task: t.Any) -> tuple[str, ...]:
    """The variables that a task registers."""
    if not task.register:
        return ()
    return (task.register,) if isinstance(task.register, str) else tuple(task.register)


def learned(task: t.Any, wire: t.Any, set_fact_actions: t.Container[str]) -> dict[str, t.Any] | None:
    """The variables a finished task gives its host (register and set_fact), or None when it also changes others (facts, included variables).

    Mirrors StrategyBase._process_pending_results.
    """
    names: dict[str, t.Any] = {}
    if UNIFIED:
        utrs = wire.utr.loop_results if task.loop and wire.utr.loop_results is not None else [wire.utr]
        for utr in utrs:
            for layer, variables in utr.pending_changes.register_host_variables.items():
                if layer not in (_task.VariableLayer.EPHEMERAL_FACT, _task.VariableLayer.REGISTER_VARS):
                    return None
                names.update(variables)
        names.update(wire.utr.registered_values or {})
        return names
    data = wire.return_data
    items = data.get('results') if task.loop else [data]
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and 'ansible_facts' in item:
            if task.action not in set_fact_actions or item.get('_ansible_facts_cacheable'):
                return None
            names.update(item['ansible_facts'])
    if task.register:
        clean = strip_internal_keys(module_response_deepcopy(data))
        clean.pop('invocation', None)
        names[task.register] = clean
    return names


def included_file(task: t.Any, *, play: t.Any, loader: t.Any, variable_manager: t.Any) -> str:
    """The path that an include_tasks of a literal name leads to, whether a file is there or not: IncludedFile's own search for it."""
    one = task.copy(exclude_parent=True)
    one._parent, one.loop, name = task._parent, None, str(task.args.get('_raw_params'))
    # a result as both kinds of releases look at it
    unified = types.SimpleNamespace(
        skipped=False, failed=False, include_file=name, include_args={}, loop_var=None, loop_index_var=None, loop_item_label=None, loop_extended=None)
    result = types.SimpleNamespace(host=None, task=one, _return_data={'include': name}, utr=unified)
    found = IncludedFile.process_include_results([result], types.SimpleNamespace(_play=play), loader, variable_manager)  # type: ignore[list-item]
    return str(found[0]._filename)
