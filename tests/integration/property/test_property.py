# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever a playbook does, it does the same under linear and ours.

RUSTLE_TEST_EXAMPLES sets how many are tried (4, always the same); with more they are new ones, and a failing one is shrunk.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings

from tests.integration.differential.judge import judge
from tests.integration.differential.running import Case
from tests.integration.property.plays import plays
from tests.lab.fleet import Fleet

EXAMPLES = int(os.environ.get("RUSTLE_TEST_EXAMPLES", "4"))
FEW = EXAMPLES <= 4


@pytest.mark.parametrize("fleet", [{"hosts": 2, "connection": "ssh", "proxy": False}], indirect=True, ids=["ssh"])
@settings(
    max_examples=EXAMPLES,
    derandomize=FEW,
    database=None,
    deadline=None,
    phases=[Phase.generate] if FEW else [Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(play=plays())
def test_a_random_play_gives_linears_results(fleet: Fleet, tmp_path: Path, play: dict[str, Any]) -> None:
    playbook = tmp_path / "example.yml"
    text = yaml.safe_dump(json.loads(json.dumps([play])), sort_keys=False, width=140)
    playbook.write_text(text)
    verdict = judge(fleet, Case(playbook), believe=True)
    assert not verdict.report, f"{text}\n{verdict.report}"
