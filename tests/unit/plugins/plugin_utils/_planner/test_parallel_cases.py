# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The planner against a corpus that people have labelled: which tasks may run side by side on one host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .corpus import cases

GOAL = 0.8
CORPUS = Path(__file__).with_name("corpus.py")


@pytest.fixture(scope="module", params=[1, 2], ids=["one host", "two hosts"])
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bool]]:
    """case -> pair -> whether the planner calls it possible."""
    command = [sys.executable, str(CORPUS), str(tmp_path_factory.mktemp("corpus")), str(request.param)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"ANSIBLE_DEPRECATION_WARNINGS": "0"})
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, bool]] = json.loads(done.stdout)
    return found


def test_there_are_cases_enough_and_each_has_a_name_of_its_own() -> None:
    names = [case["case"] for case in cases()]
    assert len(names) >= 60
    assert len(set(names)) == len(names)


def test_every_pair_is_labelled_once_and_with_a_reason(answers: dict[str, dict[str, bool]]) -> None:
    for case in cases():
        together, apart = case.get("together", {}), case.get("apart", {})
        assert not together.keys() & apart.keys(), case["case"]
        assert together.keys() | apart.keys() == answers[case["case"]].keys(), case["case"]
        assert all(isinstance(reason, str) and reason for reason in (*together.values(), *apart.values())), case["case"]


def test_no_pair_is_called_possible_that_is_not(answers: dict[str, dict[str, bool]]) -> None:
    wrong = [f"{case['case']} {pair}: {why}" for case in cases() for pair, why in case.get("apart", {}).items() if answers[case["case"]][pair]]
    assert not wrong, "\n" + "\n".join(wrong)


def test_most_possible_pairs_are_found(answers: dict[str, dict[str, bool]]) -> None:
    possible = [(case["case"], pair) for case in cases() for pair in case.get("together", {})]
    missed = [f"{case} {pair}" for case, pair in possible if not answers[case][pair]]
    apart = sum(len(case.get("apart", {})) for case in cases())
    wrong = sum(answers[case["case"]][pair] for case in cases() for pair in case.get("apart", {}))
    share = 1 - len(missed) / len(possible)
    print(f"\n{len(cases())} cases: {len(possible) - len(missed)} of {len(possible)} possible pairs found ({share:.0%})")
    print(f"{apart} impossible pairs, of which {wrong} are called possible")
    print("missed:", *missed, sep="\n  ")
    assert share >= GOAL, missed


def test_the_documentation_gives_these_figures(answers: dict[str, dict[str, bool]]) -> None:
    together = [answers[case["case"]][pair] for case in cases() for pair in case.get("together", {})]
    apart = sum(len(case.get("apart", {})) for case in cases())
    text = " ".join((Path(__file__).parents[5] / "docs" / "planning.md").read_text(encoding="utf-8").split())
    assert f"{len(cases())} small plays" in text
    assert f"{len(together) + apart} pairs of tasks" in text
    assert f"the {len(together)} pairs that may" in text
    assert f"{sum(together)} ({sum(together) / len(together):.0%}".replace("%", " %") in text
    assert f"none of the {apart} others" in text
