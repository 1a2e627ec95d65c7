# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a plan of level 2 says of the sizes of batches."""

from __future__ import annotations

import dataclasses

from ansible_collections.rustle.engine.plugins.plugin_utils._model.estimate import Estimate
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import PlaySource

from .builders import plan, play, task


def planned(source: PlaySource, *, seconds: float | None = 3.0, level: int = 2) -> ExecutionPlan:
    return plan(source, optimization_level=level, forks=5, history=lambda one: None if seconds is None else Estimate(seconds, 0.1, 7))


def batches(size: int = 2, hosts: int = 10) -> PlaySource:
    return dataclasses.replace(play(task("a", "ping"), hosts=hosts, batch=size), serial=(str(size),), name="web")


def test_larger_batches_are_said_with_what_they_would_take() -> None:
    found = planned(batches())
    (said,) = found.warnings
    assert said.startswith("play 'web': batches of 5 hosts (2 of them) would take about 6 s, its 5 take 15 s (history of 7)")
    assert [len(batch.hosts) for batch in found.plays[0].batches] == [2] * 5  # and not taken


def test_a_play_smaller_than_the_forks_would_be_one_batch() -> None:
    assert planned(batches(hosts=4)).warnings[0].startswith("play 'web': batches of 4 hosts (1 of them)")


def test_as_few_batches_as_forks_allow_are_called_so() -> None:
    assert planned(batches(size=5)).warnings == ("play 'web': its 2 batches are as few as 5 forks allow",)


def test_without_history_nothing_is_said_of_time() -> None:
    assert planned(batches(), seconds=None).warnings == ("play 'web': the sizes of its 5 batches stay, no history says how long a batch takes",)


def test_plays_without_serial_and_lower_levels_hear_nothing() -> None:
    assert planned(play(task("a", "ping"), hosts=10)).warnings == ()
    assert planned(batches(), level=1).warnings == ()
