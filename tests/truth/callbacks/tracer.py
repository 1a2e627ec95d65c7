# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes down which variables each task reads and sets, and when it is at work, as lines of JSON.

To $TRACER_FILE; or into the folder $TRACER_FOLDER, a file for each ansible-playbook, which begins with the plan of what is run.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import time
from typing import Any

import jinja2.runtime
from ansible import context
from ansible._internal._task import TaskContext
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: tracer
type: notification
short_description: write down what tasks read and set
description: Writes what each task reads and sets as lines of JSON to the file that E(TRACER_FILE) names.
"""

_SET_FACT = ("set_fact", "ansible.builtin.set_fact", "ansible.legacy.set_fact")
_SHOWS = ("debug", "ansible.builtin.debug", "ansible.legacy.debug")  # what it shows sets nothing
_FOLDER = os.environ.get("TRACER_FOLDER")
_FILE = os.path.join(_FOLDER, f"trace.{time.time_ns()}.{os.getpid()}") if _FOLDER else os.environ.get("TRACER_FILE", os.devnull)


def write(line: dict[str, Any]) -> None:
    with open(_FILE, "a", encoding="utf-8") as out:  # workers of the stock path write too
        out.write(json.dumps(line, default=str) + "\n")


def tell(event: str, task: Any, host: str, **more: Any) -> None:
    write({"event": event, "time": time.time(), "where": _where(task), "around": list(_includes(task)), "host": host, **more})


def _where(task: Any) -> str:
    return task.get_path() or task.get_name()


def _includes(task: Any) -> Any:
    """The dynamic includes that brought the task, innermost first."""
    parent = task._parent
    while parent is not None:
        if type(parent).__name__ in ("TaskInclude", "IncludeRole", "HandlerTaskInclude") and not parent.statically_loaded:
            yield _where(parent)
        parent = parent._parent


_resolve = jinja2.runtime.Context.resolve_or_missing


def _resolve_and_tell(self: Any, key: str) -> Any:
    task_context = TaskContext.current(optional=True)
    if task_context is not None and key not in (task_context.task.vars or {}):  # the task's own stands before all that others set
        tell("read", task_context.task, str(self.parent.get("inventory_hostname", "")), name=key)
    return _resolve(self, key)


jinja2.runtime.Context.resolve_or_missing = _resolve_and_tell  # type: ignore[method-assign]


def _planned() -> dict[str, Any]:
    """The plan for the command line of this run, or why there is none."""
    from ansible_collections.rustle.engine.plugins.plugin_utils._cli.planning import plan_for, request_of
    from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_document import to_document

    given = context.CLIARGS
    tags = tuple(given.get("tags") or ())
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            plan = plan_for(request_of(given, playbooks=tuple(given["args"]), limit=given.get("subset"), tags=() if tags == ("all",) else tags))
        except Exception as ex:
            return {"why": f"{type(ex).__name__}: {ex}"}
    return {"document": to_document(plan.plan)}


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "tracer"

    def __init__(self) -> None:
        super().__init__()
        self._told = _FOLDER is None

    def v2_playbook_on_start(self, playbook: Any) -> None:
        named = context.CLIARGS.get("args")
        if not self._told and isinstance(named, (list, tuple)):  # for `ansible` it is a pattern
            self._told = True
            write({"event": "plan", "base": os.getcwd(), "playbooks": list(named), **_planned()})

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        tell("start", task, host.name)

    def _ended(self, result: Any) -> None:
        task, data = result._task, result._result
        host = "" if task.run_once else result._host.name  # empty: for all hosts
        tell("end", task, result._host.name)
        registered = task.register
        for name in [registered] if isinstance(registered, str) else registered or ():
            tell("set", task, host, name=name)
        for one in [data, *(data.get("results") or () if isinstance(data.get("results"), list) else ())]:
            facts = one.get("ansible_facts") if isinstance(one, dict) else None
            if isinstance(facts, dict) and facts and task.action not in _SHOWS:
                if task.action in _SET_FACT or task.action.endswith("include_vars"):
                    for name in facts:
                        tell("set", task, host, name=name)
                else:
                    tell("set", task, host, name="ansible_facts", facts=sorted(facts))

    v2_runner_on_ok = v2_runner_on_skipped = v2_runner_on_unreachable = _ended

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._ended(result)
