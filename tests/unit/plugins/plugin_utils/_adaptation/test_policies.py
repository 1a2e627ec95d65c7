"""Each policy by itself, and the page that lists them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.classification import Classifier, text_of_classes
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.config import EngineConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.failing import backoff
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policies import DEFAULT
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policy import LEVELS, is_safe_to_repeat
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.state import RunState
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Rejection
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import ExecutionStarted
from hypothesis import given
from hypothesis import strategies as st

from .builders import RUN, away, completed, engine, failed, kinds, play, refusals, task

PAGE = (Path(__file__).parents[5] / "docs" / "adaptation.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, heads left out."""
    part = re.split(rf"^## {heading}\n", PAGE, flags=re.MULTILINE)[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("| `")]


def test_the_page_lists_our_policies_with_their_priorities() -> None:
    listed = [(cells[0].strip("`"), int(cells[1])) for cells in rows("Policies") if len(cells) == 4]
    assert listed == [(policy.name, policy.priority) for policy in DEFAULT]
    assert all(f"`{policy.kind}`" in PAGE for policy in DEFAULT)


def test_the_page_lists_every_reason_of_a_rejection() -> None:
    assert {cells[0].strip("`") for cells in rows("What is not made") if len(cells) == 2} == set(Rejection)


def test_the_page_lists_the_classes_in_their_order_and_with_their_delays() -> None:
    classes = yaml.safe_load(text_of_classes())
    usual = EngineConfig().backoff
    expected = [[f"`{code}`", f"after {entry.get('delay', usual):g} s" if entry["transient"] else "no", entry["text"]] for code, entry in classes.items()]
    assert rows("Classes of failures") == expected


def test_every_kind_has_a_level() -> None:
    assert set(LEVELS) == set(AdaptationKind)


def test_names_and_priorities_differ() -> None:
    assert len({policy.name for policy in DEFAULT}) == len({policy.priority for policy in DEFAULT}) == len(DEFAULT)


@pytest.mark.parametrize(
    ("fields", "safe"),
    [
        ({"idempotent": True}, True),
        ({"idempotent": False, "started": None}, False),
        ({"idempotent": False, "started": True}, False),
        ({"idempotent": False, "started": False}, True),
        ({"idempotent": False, "started": True, "retry_declared": True}, True),
        ({"idempotent": True, "retry_declared": False}, False),
        ({"idempotent": False, "started": False, "retry_declared": False}, False),
        ({"idempotent": True, "declared": True}, False),
        ({"idempotent": True, "declared": True, "retry_declared": True}, False),
    ],
)
def test_a_second_run_is_safe_only_where_that_is_known(fields: dict[str, Any], safe: bool) -> None:
    assert is_safe_to_repeat(failed(**fields)) is safe
    assert kinds(engine().handle(failed(**fields), 0)) == (["retry web1"] if safe else [])


def test_what_is_not_known_is_repeated_only_where_the_play_says_so() -> None:
    assert kinds(engine().handle(failed(message="boom"), 0)) == []
    assert kinds(engine().handle(failed(message="boom", retry_declared=True), 0)) == ["retry web1"]
    assert kinds(engine().handle(failed(message="Permission denied", retry_declared=True), 0)) == []


@given(st.integers(1, 12), st.text(max_size=5), st.sampled_from(["network", "mirror", "http-throttled"]))
def test_pauses_grow_within_their_bounds_and_are_the_same_each_time(attempt: int, host: str, code: str) -> None:
    state = RunState(RUN, EngineConfig(), Classifier())
    event = failed(host, attempt=attempt, error_class=code)
    whole = min(60, state.patience(code) * 2 ** (attempt - 1))
    assert whole / 2 <= backoff(event, state) == backoff(event, state) <= whole


def test_hosts_that_failed_together_do_not_come_back_together() -> None:
    state = RunState(RUN, EngineConfig(), Classifier())
    pauses = {round(backoff(failed(f"web{number}", error_class="network"), state), 3) for number in range(50)}
    assert len(pauses) > 45


def test_the_fastest_host_that_is_up_takes_the_place_of_another() -> None:
    subject = engine()
    for number, seconds in enumerate([1, 9, 5, 1]):
        subject.handle(completed(f"web{number}", ref=task("before"), duration=seconds), 0)
    subject.handle(away("web3"), 1)
    subject.handle(failed("web0", attempt=3, interchangeable=("web0", "web1", "web2", "web3")), 2)
    (moved,) = [one for one in subject.news() if one.kind == "adaptation_requested" and one.what == "host_reallocation"]
    assert "web2 is declared interchangeable" in moved.rationale


def test_run_once_moves_as_a_failover_and_nothing_moves_unasked() -> None:
    once = task("once", traits=("run-once",))
    assert kinds(engine().handle(failed(attempt=3, ref=once, interchangeable=("web1", "web2")), 0)) == ["run_once_failover web1"]
    assert kinds(engine().handle(failed(attempt=3, ref=once), 0)) == []


def test_a_task_is_left_out_only_where_the_play_says_so_and_only_when_nothing_else_helps() -> None:
    assert kinds(engine().handle(failed(message="boom", skippable=True), 0)) == ["task_skipping web1"]
    assert kinds(engine().handle(failed(skippable=True), 0)) == ["retry web1"]
    assert kinds(engine().handle(failed(message="boom"), 0)) == []


def test_a_host_that_refuses_the_login_is_not_waited_for() -> None:
    assert kinds(engine().handle(away(message="root@web1: Permission denied (publickey,password)."), 0)) == []
    assert kinds(engine().handle(away(message="Could not resolve hostname web1: Name or service not known"), 0)) == []
    assert kinds(engine().handle(away(message="ssh: connect to host web1 port 22: Connection refused"), 0)) == ["wait web1"]


@pytest.mark.parametrize("left_alone", ["final", "declared"])
@pytest.mark.parametrize("can_act", [True, False])
def test_nobody_asks_to_wait_for_a_host_whose_task_is_left_alone(left_alone: str, can_act: bool) -> None:
    subject = engine(can_act=can_act)
    assert subject.handle(away(**{left_alone: True}), 0) == subject.news() == ()
    assert len(subject.handle(away(), 1)) == 1


def test_a_task_whose_host_stayed_away_goes_to_another_where_the_play_says_so() -> None:
    subject = engine(first_wait=60)
    subject.handle(away(), 0)
    subject.handle(failed(unreachable=True, interchangeable=("web1", "web2")), 0)
    assert kinds(subject.tick(60)) == ["host_reallocation web1"]
    (moved,) = [one for one in subject.news() if one.kind == "adaptation_requested" and one.what == "host_reallocation"]
    assert kinds(subject.rejected(moved.adaptation, "not-possible", 61)) == ["report web1"], "somebody holds the result back until it is told"


def test_three_hosts_that_go_away_together_are_a_sign_of_too_much_at_once() -> None:
    subject = engine()
    subject.handle(ExecutionStarted(execution=RUN, forks=10), 0)
    assert kinds(subject.handle(away("web1"), 1)) == ["wait web1"]
    assert kinds(subject.handle(away("web2"), 2)) == ["wait web2"]
    assert kinds(subject.handle(away("web3"), 3)) == ["wait web3", "resource_scaling *"]


def test_hosts_are_reordered_only_where_that_is_allowed_and_more_of_them_than_lanes() -> None:
    allowed = frozenset({AdaptationKind.REORDER})
    expected = {"a": 1.0, "b": 9.0, "c": 5.0}
    for forks, config, found in (
        (2, {"allowed": allowed}, ["task_reordering *"]),
        (3, {"allowed": allowed}, []),
        (2, {}, []),
    ):
        subject = engine(expected=expected, **config)
        subject.handle(ExecutionStarted(execution=RUN, forks=forks), 0)
        told = subject.handle(play("a", "b", "c"), 0)
        assert kinds(told) == found
        assert not told or told[0].decision.changes == {"hosts": ("b", "c", "a")}
        assert refusals(subject) == (["longest-first: not-allowed"] if forks == 2 and not config else [])


def test_a_longer_time_out_that_does_not_help_is_taken_back() -> None:
    subject = engine(allowed=frozenset(AdaptationKind))
    for number in range(2):
        subject.handle(failed(f"web{number}", message="timed out", final=True), number)
    (longer,) = subject.tick(3)
    assert (longer.decision.kind, longer.decision.changes) == ("parameter_adjustment", {"timeout": 240})
    subject.applied(longer.adaptation, None, 3)
    for number in range(2):
        subject.handle(failed(f"db{number}", message="timed out", final=True), 4 + number)
    (undo,) = subject.tick(10)
    assert (undo.undo, undo.decision.changes) == (True, {"timeout": 120})


def test_bundles_that_are_much_slower_than_the_stock_way_are_given_up() -> None:
    subject = engine()
    told: list[Any] = []
    for number in range(5):
        ref = task(f"t{number}", module="m")
        for path, seconds in (("stock", 1.0), ("agent", 1.6)):
            told += subject.handle(completed("web1", ref=ref, path=path, duration=seconds, host_class="ssh/linux"), number)
    assert kinds(told) == ["bundle_toggle ssh/linux"]
    assert "1.60 s through the agent and 1.00 s the stock way" in told[0].decision.rationale
