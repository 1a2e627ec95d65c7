# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Adds how many module results came by which path to the file in which the judge counts results. It prints nothing."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: paths
type: aggregate
short_description: count results by path
description: Counts module results that came through agents and those of the stock path.
"""
SESSION = "ansible_collections.rustle.engine.plugins.plugin_utils._run.session"


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "paths"

    def __init__(self) -> None:
        super().__init__()
        self._counted: Any = None

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._count()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._count()

    def _count(self) -> None:
        """Of the play before this one, once."""
        session = getattr(sys.modules.get(SESSION), "Session", None)
        play = getattr(getattr(session, "_instance", None), "play", None)
        out = os.environ.get("CONFORMANCE_COUNT")
        if play is None or play is self._counted or not out:
            return
        self._counted = play
        tally = play.tally.as_dict()
        paths = {"agent": tally["calls"], **{f"stock, {reason}": count for reason, count in tally["stock"].items()}}
        lines = "".join(json.dumps({"strategy": f"path: {path}", "results": count, "tasks": 0}) + "\n" for path, count in paths.items())
        with open(out, "a", encoding="utf-8") as file:
            file.write(lines)
