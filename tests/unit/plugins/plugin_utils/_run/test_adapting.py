# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done when the engine wants less, or more again, at once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Decision, Instruction, Level
from ansible_collections.rustle.engine.plugins.plugin_utils._run.adapting import Adapting
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import Channel


def scaled(target: str, **changes: int) -> SimpleNamespace:
    """A run of 8 forks after this was wanted of it."""
    run = SimpleNamespace(applied=[], hub=SimpleNamespace(forks=8), session=SimpleNamespace(batches={}), forks=8)
    channel = Channel()
    channel.adviser = SimpleNamespace(act=lambda: None, tick=lambda: None, applied=lambda adaptation, _succeeded: run.applied.append(adaptation))
    decision = Decision(level=Level.MINOR, kind=AdaptationKind.SCALE, target=target, changes=changes)
    channel.instructions.append(Instruction(adaptation="a1", policy="resource-scaling", decision=decision))
    Adapting(run, channel).obey()
    return run


@pytest.mark.parametrize(("lanes", "forks"), [(4, 4), (0, 1), (99, 8)])
def test_lanes_of_the_run_are_one_at_least_and_never_more_than_its_forks(lanes: int, forks: int) -> None:
    run = scaled("*", lanes=lanes)
    assert (run.hub.forks, run.session.batches, run.applied) == (forks, {}, ["a1"])


@pytest.mark.parametrize(("batch", "ahead"), [(100, 100), (0, 1)])
def test_what_is_sent_ahead_to_one_host_is_bounded_for_that_host_only(batch: int, ahead: int) -> None:
    run = scaled("web1", batch=batch)
    assert (run.hub.forks, run.session.batches, run.applied) == (8, {"web1": ahead}, ["a1"])
