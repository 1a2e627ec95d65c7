"""Playbooks of events, and a world that reacts: what the engine says, and what that brings."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind

from tests.scenarios.scenes import CASES, Case
from tests.scenarios.script import SCRIPTS, play
from tests.scenarios.world import World


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_the_instructions_are_those_that_the_script_expects(path: Path) -> None:
    assert play(path) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.scene.work.__name__}")
def test_without_the_adaptation_the_run_is_visibly_worse(case: Case) -> None:
    without = case.measure(World(case.scene, engine=bool(case.without), without=case.without).run())
    adapted = World(case.scene, engine=True).run()
    assert case.measure(adapted) * case.better <= without and case.measure(adapted) < without
    assert case.kind in {one.decision.kind for one in adapted.told}


def test_every_kind_that_changes_something_has_a_scene() -> None:
    assert {case.kind for case in CASES} == set(AdaptationKind) - {AdaptationKind.REPORT}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}-{case.scene.work.__name__}")
def test_a_replay_is_equal(case: Case) -> None:
    assert World(case.scene, engine=True).run().told == World(case.scene, engine=True).run().told
