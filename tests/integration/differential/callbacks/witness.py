# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes every event of a run as one line of JSON to $WITNESS_FILE, and at its end what the hosts' variables have become."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: witness
type: notification
short_description: write every event down
description: Writes every event of a run as one line of JSON to the file that E(WITNESS_FILE) names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "witness"

    def __init__(self) -> None:
        super().__init__()
        self.variables: Any = None

    def witness(self, event: str, *things: Any) -> None:
        seen: dict[str, Any] = {"event": event.removeprefix("v2_")}
        for thing in things:
            seen |= self.describe(thing)
        with open(os.environ["WITNESS_FILE"], "a", encoding="utf-8") as out:
            out.write(json.dumps(seen, default=str) + "\n")

    def describe(self, thing: Any) -> dict[str, Any]:
        kind = type(thing).__name__
        if kind.endswith("TaskResult"):
            return {"host": thing._host.get_name(), **self.describe(thing._task), "result": thing._result}
        if kind == "Play":
            self.variables = thing.get_variable_manager()
            return {"play": thing.get_name()}
        if kind == "Host":
            return {"host": thing.get_name()}
        if kind == "IncludedFile":
            return {"file": str(thing._filename), "hosts": sorted(host.get_name() for host in thing._hosts)}
        if kind == "AggregateStats":
            recap = {host: thing.summarize(host) for host in thing.processed}
            return {"recap": recap, "custom": thing.custom, "variables": self.remembered()}
        if hasattr(thing, "get_path"):
            where = os.path.basename(thing.get_path() or "")
            return {"task": thing.get_name(), "action": str(thing.action), "where": where}
        return {"also": thing if isinstance(thing, (str, int, type(None))) else kind}

    def remembered(self) -> dict[str, Any]:
        """Registered variables, set_fact and facts of every host."""
        if self.variables is None:
            return {}
        caches = {"registered": self.variables._nonpersistent_fact_cache, "facts": self.variables._fact_cache}
        return {name: {host: dict(cache.get(host)) for host in sorted(cache.keys())} for name, cache in caches.items()}


def _method(name: str) -> Callable[..., None]:
    def method(self: CallbackModule, *args: Any, **kwargs: Any) -> None:
        self.witness(name, *args, *kwargs.values())

    return method


for _name in dir(CallbackBase):
    if _name.startswith("v2_") and _name != "v2_on_any":
        setattr(CallbackModule, _name, _method(_name))
