# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write docs/feedback.schema.json anew, after a change of records: ANSIBLE_COLLECTIONS_PATH=.work/collections python tests/tools/feedback_schema.py"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PATH = Path(__file__).resolve().parents[2] / "docs" / "feedback.schema.json"


def schema() -> dict[str, Any]:
    """A command's object has the keys of PAYLOADS; what each key holds is said here."""
    from ansible_collections.rustle.engine.plugins.plugin_utils._cli import history
    from ansible_collections.rustle.engine.plugins.plugin_utils._cli.feedback_json import FORMAT, PAYLOADS, RUN
    from ansible_collections.rustle.engine.plugins.plugin_utils._model import history as records
    from ansible_collections.rustle.engine.plugins.plugin_utils._render import history_view, progress
    from pydantic import TypeAdapter

    kinds = {
        "execution": records.ExecutionRecord, "plan": records.PlanRecord, "play": records.PlayRecord,
        "task": records.TaskRecord, "result": records.ResultRecord,
        "bundle": records.BundleRecord, "adaptation": records.AdaptationRecord, "metric": records.MetricRecord,
        "recommendation": records.RecommendationRecord, "report": records.ReportRecord, "compared": history_view.Compared,
        "host_history": history_view.HostHistory, "task_history": history_view.TaskHistory, "rate": history_view.Rate, "trend": history_view.Trending,
        "pruned": history.Pruned, "progress": progress.Progress,
    }  # fmt: skip
    _inputs, made = TypeAdapter.json_schemas([(name, "serialization", TypeAdapter(kind)) for name, kind in kinds.items()], ref_template="#/$defs/{model}")
    defs = made["$defs"]
    of = {name: {"$ref": f"#/$defs/{kind.__name__}"} for name, kind in kinds.items()}

    def many(name: str) -> dict[str, Any]:
        return {"type": "array", "items": of[name]}

    def maybe(name: str) -> dict[str, Any]:
        return {"anyOf": [of[name], {"type": "null"}]}

    keys = {
        "run": of["execution"], "runs": many("execution"), "before": of["execution"], "after": of["execution"], "plan": maybe("plan"),
        "plays": many("play"),
        "tasks": many("task"), "results": many("result"), "bundles": many("bundle"), "adaptations": many("adaptation"), "metrics": many("metric"),
        "recommendations": many("recommendation"), "report": maybe("report"), "compared": many("compared"), "host_histories": many("host_history"),
        "task_histories": many("task_history"), "rates": many("rate"), "pruned": of["pruned"], "written": {"type": ["string", "null"]},
    }  # fmt: skip
    defs["Run"] = {"type": "object", "properties": {key: keys[key] for key in RUN}, "required": list(RUN)}
    keys["trends"], keys["progress"] = many("trend"), of["progress"]
    keys["exported"] = {"type": "array", "items": {"$ref": "#/$defs/Run"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What rustle-feedback --json prints",
        "description": "One object for each command. Times are seconds since 1970, durations seconds; null is what is not known. "
        "Fields may be added; format rises when one changes its meaning.",
        "oneOf": [
            {
                "type": "object",
                "properties": {"format": {"const": FORMAT}, "command": {"const": command}, **{key: keys[key] for key in payload}},
                "required": ["format", "command", *payload],
            }
            for command, payload in PAYLOADS.items()
        ],
        "$defs": dict(sorted(defs.items())),
    }


def text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text())
