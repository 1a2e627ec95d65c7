# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes down which variables each task reads and sets, and when it is at work, as lines of JSON to $TRACER_FILE."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import jinja2.runtime
from ansible._internal._task import TaskContext
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: tracer
type: notification
short_description: write down what tasks read and set
description: Writes what each task reads and sets as lines of JSON to the file that E(TRACER_FILE) names.
"""

_SET_FACT = ("set_fact", "ansible.builtin.set_fact", "ansible.legacy.set_fact")


def tell(event: str, task: Any, **more: Any) -> None:
    line = {"event": event, "time": time.time(), "where": _where(task), "around": list(_includes(task)), **more}
    with open(os.environ["TRACER_FILE"], "a", encoding="utf-8") as out:  # workers of the stock path write too
        out.write(json.dumps(line, default=str) + "\n")


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
    context = TaskContext.current(optional=True)
    if context is not None and key not in (context.task.vars or {}):  # the task's own stands before all that others set
        tell("read", context.task, name=key)
    return _resolve(self, key)


jinja2.runtime.Context.resolve_or_missing = _resolve_and_tell  # type: ignore[method-assign]


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "tracer"

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        tell("start", task, host=host.name)

    def _ended(self, result: Any) -> None:
        task, data = result._task, result._result
        tell("end", task, host=result._host.name)
        registered = task.register
        for name in [registered] if isinstance(registered, str) else registered or ():
            tell("set", task, name=name)
        for one in [data, *(data.get("results") or () if isinstance(data.get("results"), list) else ())]:
            facts = one.get("ansible_facts") if isinstance(one, dict) else None
            if isinstance(facts, dict) and facts:
                if task.action in _SET_FACT or task.action.endswith("include_vars"):
                    for name in facts:
                        tell("set", task, name=name)
                else:
                    tell("set", task, name="ansible_facts", facts=sorted(facts)[:5])

    v2_runner_on_ok = v2_runner_on_skipped = v2_runner_on_unreachable = _ended

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._ended(result)
