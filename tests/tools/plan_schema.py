# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write docs/plan.schema.json anew, after a change of the plan: ANSIBLE_COLLECTIONS_PATH=.work/collections python tests/tools/plan_schema.py"""

from __future__ import annotations

import json
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "docs" / "plan.schema.json"


def text() -> str:
    from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_document import json_schema

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader()
    PATH.write_text(text())
