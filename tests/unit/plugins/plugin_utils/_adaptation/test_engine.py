"""What the engine promises to whoever it serves, whatever the policies are."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.outcomes import Outcomes
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policies import DEFAULT
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policy import Policy
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Rejection
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import Event, ExecutionCompleted, TaskEnded, TaskStarted

from .builders import RUN, away, back, completed, engine, failed, kinds, play, refusals, task


class Parameters(Policy):
    """Wants something that can be taken back, about every failure."""

    name = "parameters"
    priority = 10
    kind = AdaptationKind.PARAMETERS

    def can_handle(self, event: Any, state: Any) -> bool:
        return state.asks(event)

    def decide(self, event: Any, state: Any, now: float) -> Any:
        return self.decision(event.host, changes={"timeout": 60}, rollback="the time-out is 10 s again")

    def inverse(self, decision: Any, state: Any) -> dict[str, Any]:
        return {"timeout": 10}


ADJUSTS = {"policies": [Parameters()], "allowed": frozenset(AdaptationKind)}


def test_a_transient_failure_is_tried_again_and_what_came_of_it_is_learned() -> None:
    subject = engine()
    (first,) = subject.handle(failed(), 0)
    assert (first.decision.kind, first.decision.target, first.task, first.error_class) == ("retry", "web1", "identity of Fetch it", "network")
    assert subject.applied(first.adaptation, None, 2) == ()
    assert subject.handle(completed(attempt=2), 3) == ()
    assert [(one.kind, getattr(one, "succeeded", None)) for one in subject.news()] == [
        ("adaptation_requested", None),
        ("adaptation_applied", None),
        ("adaptation_applied", True),
    ]
    assert subject.outcomes.counts() == {("transient-retry", "network", ""): (1, 1)}


def test_a_failure_is_tried_three_times_in_all() -> None:
    subject = engine()
    assert kinds(subject.handle(failed(attempt=1), 0)) == ["retry web1"]
    assert kinds(subject.handle(failed(attempt=2), 10)) == ["retry web1"]
    assert kinds(subject.handle(failed(attempt=3), 20)) == []
    assert subject.outcomes.counts() == {("transient-retry", "network", ""): (0, 1)}, "learned is whether trying again has helped in the end"


def test_a_failure_that_stands_asks_for_nothing() -> None:
    assert engine().handle(failed(final=True), 0) == ()


def test_a_task_that_wants_advice_only_is_told_what_would_be_done_and_nothing_of_it_is_taken_up() -> None:
    subject = engine(max_adaptations=1)
    asks = failed(advise=True)
    assert kinds(subject.advise(asks, 0)) == ["retry (advised) web1"]
    assert kinds(subject.advise(failed(advise=True, unreachable=True), 0)) == ["wait (advised) web1"]
    assert [one.advised for one in subject.news()] == [True, True]
    assert kinds(subject.handle(failed(host="web2"), 1)) == ["retry web2"], "advice uses up no adaptation"


@pytest.mark.parametrize(("run_wide", "found"), [("off", []), ("advise", ["parameter_adjustment (advised) *"]), ("on", ["parameter_adjustment *"])])
def test_what_the_run_says_holds_for_what_no_task_is_asked_about(run_wide: str, found: list[str]) -> None:
    subject = engine(run_wide=run_wide, allowed=frozenset(AdaptationKind))
    for number in range(2):
        subject.handle(failed(f"web{number}", message="timed out", final=True), number)
    assert kinds(subject.tick(3)) == found
    assert kinds(subject.handle(failed("db1"), 4)) == ["retry db1"], "the task itself says otherwise"


def test_off_is_off() -> None:
    subject = engine(stance="off")
    assert subject.handle(failed(), 0) == subject.handle(away(), 0) == subject.tick(1000) == subject.news() == ()


@pytest.mark.parametrize("config", [{"stance": "advise"}, {"can_act": False}])
@pytest.mark.parametrize("final", [False, True])
def test_who_cannot_act_is_advised_once(config: dict[str, Any], final: bool) -> None:
    subject = engine(**config)
    assert kinds(subject.handle(failed(final=final), 0)) == ["retry (advised) web1"]
    assert subject.handle(failed(final=True, attempt=2), 1) == ()
    assert [one.advised for one in subject.news()] == [True]
    assert subject.tick(1000) == ()


def test_an_adaptation_that_is_not_begun_in_time_is_rejected_and_what_was_held_back_is_let_go() -> None:
    subject = engine(timeout=30)
    (retry,) = subject.handle(failed(), 100)
    assert retry.deadline == 100 + retry.decision.changes["after"] + 30
    assert subject.tick(retry.deadline) == ()
    assert kinds(subject.tick(retry.deadline + 0.1)) == ["report web1"]
    assert refusals(subject) == ["transient-retry: timeout"]


def test_one_that_was_begun_in_time_may_take_as_long_as_it_takes() -> None:
    subject = engine()
    (retry,) = subject.handle(failed(), 0)
    subject.applied(retry.adaptation, None, 1)
    assert subject.tick(10_000) == ()


def test_a_target_has_one_adaptation_at_a_time() -> None:
    subject = engine()
    assert kinds(subject.handle(failed(ref=task("one")), 0)) == ["retry web1"]
    assert subject.handle(failed(ref=task("two")), 0) == ()
    assert refusals(subject) == ["transient-retry: conflict"]
    assert kinds(subject.handle(failed("web2", ref=task("two")), 0)) == ["retry web2"]


def test_causes_are_limited_and_what_repeats_one_is_not_counted() -> None:
    subject = engine(max_adaptations=1)
    for number in range(20):
        assert kinds(subject.handle(failed(f"web{number}"), 0)) == [f"retry web{number}"]
    assert subject.handle(failed("db", message="E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)"), 0) == ()
    assert refusals(subject) == ["transient-retry: limit"]


def test_what_was_not_done_is_not_counted() -> None:
    subject = engine(max_adaptations=1)
    (wait,) = subject.handle(away(), 0)
    subject.rejected(wait.adaptation, Rejection.NOT_POSSIBLE, 1)
    assert kinds(subject.handle(failed("web2"), 2)) == ["retry web2"]


def test_what_cannot_be_done_goes_to_the_next_policy() -> None:
    subject = engine()
    (retry,) = subject.handle(failed(skippable=True), 0)
    assert kinds(subject.rejected(retry.adaptation, Rejection.NOT_POSSIBLE, 1)) == ["task_skipping web1"]
    assert refusals(subject) == ["transient-retry: not-possible"]


def test_an_adaptation_that_did_not_help_is_taken_back() -> None:
    subject = engine(**ADJUSTS)
    (one,) = subject.handle(failed(), 0)
    assert subject.applied(one.adaptation, None, 1) == ()
    (undo,) = subject.applied(one.adaptation, False, 5)
    assert (undo.undo, undo.adaptation, undo.decision.changes) == (True, one.adaptation, {"timeout": 10})
    assert subject.applied(undo.adaptation, True, 6) == ()
    assert kinds(subject.handle(failed(attempt=2), 7)) == ["parameter_adjustment web1"]


def test_a_failed_rollback_ends_adapting_for_its_target() -> None:
    subject = engine(**ADJUSTS)
    (one,) = subject.handle(failed(), 0)
    subject.applied(one.adaptation, False, 5)
    assert subject.applied(one.adaptation, False, 6) == ()
    assert refusals(subject) == ["parameters: rollback-failed"]
    assert subject.handle(failed(attempt=2), 7) == ()
    assert kinds(subject.handle(failed("web2"), 7)) == ["parameter_adjustment web2"]


def test_the_higher_priority_wins_and_the_other_is_told() -> None:
    subject = engine(policies=[*DEFAULT, Parameters()], allowed=frozenset(AdaptationKind))
    assert kinds(subject.handle(failed(), 0)) == ["retry web1"]
    assert refusals(subject) == ["parameters: conflict"]


def test_what_has_not_begun_gives_way_to_a_higher_priority() -> None:
    class Eager(Parameters):
        name = "eager"
        priority = 99

        def can_handle(self, event: Any, state: Any) -> bool:
            return super().can_handle(event, state) and event.task.name == "two"

    subject = engine(policies=[*DEFAULT, Eager()], allowed=frozenset(AdaptationKind))
    (retry,) = subject.handle(failed(ref=task("one")), 0)
    assert kinds(subject.handle(failed(ref=task("two")), 0)) == ["parameter_adjustment web1"]
    assert "transient-retry: conflict" in refusals(subject)
    assert subject.applied(retry.adaptation, True, 1) == ()


def test_a_policy_that_fails_is_left_out_and_the_others_go_on() -> None:
    class Broken(Parameters):
        def decide(self, event: Any, state: Any, now: float) -> Any:
            raise KeyError("nothing")

    subject = engine(policies=[*DEFAULT, Broken()])
    assert kinds(subject.handle(failed(), 0)) == ["retry web1"]
    assert subject.troubles() == ("the policy parameters has failed in decide() and is left out from now on: KeyError: 'nothing'",)
    subject.handle(failed("web2"), 0)
    assert subject.troubles() == ()


def test_a_policy_that_has_seldom_helped_is_passed_over_unless_nothing_is_learned() -> None:
    bad = Outcomes({("transient-retry", "network", "ssh/linux"): (0, 5)})
    assert kinds(engine(outcomes=bad).handle(failed(host_class="ssh/linux"), 0)) == []
    assert kinds(engine(outcomes=bad).handle(failed(host_class="local"), 0)) == ["retry web1"]
    assert kinds(engine(outcomes=bad, learning=False).handle(failed(host_class="ssh/linux"), 0)) == ["retry web1"]
    bad.reset()
    assert kinds(engine(outcomes=bad).handle(failed(host_class="ssh/linux"), 0)) == ["retry web1"]


def test_confidence_is_a_success_rate_with_its_n_or_unknown() -> None:
    (known,) = engine(outcomes=Outcomes({("transient-retry", "network", ""): (3, 4)})).handle(failed(), 0)
    assert (known.decision.confidence.rate, known.decision.confidence.trials) == (0.75, 4)
    (unknown,) = engine().handle(failed(), 0)
    assert (unknown.decision.confidence.rate, unknown.decision.confidence.trials) == (None, 0)


def test_a_duplicate_and_a_message_that_was_overtaken_change_nothing() -> None:
    subject = engine()
    assert kinds(subject.handle(failed(sequence=7), 0)) == ["retry web1"]
    assert subject.handle(failed(sequence=7), 0) == ()
    subject.handle(completed(attempt=2, sequence=9), 1)
    assert subject.handle(failed(sequence=8, attempt=2), 2) == ()
    subject.handle(back(sequence=12), 3)
    assert subject.handle(away(sequence=11), 4) == ()


def test_runs_do_not_know_of_each_other_and_late_messages_of_one_that_has_ended_are_passed_over() -> None:
    subject = engine()
    subject.handle(failed(), 0)
    assert kinds(subject.handle(failed(execution="other"), 0)) == ["retry web1"]
    subject.handle(ExecutionCompleted(execution=RUN), 1)
    assert subject.handle(failed("web2"), 2) == ()
    assert [one.detail for one in subject.news() if one.kind == "adaptation_applied"] == ["the run has ended"]
    assert kinds(subject.handle(failed("web2", execution="other"), 2)) == ["retry web2"]


def test_after_a_halt_there_is_silence() -> None:
    subject = engine(halt_threshold=0.5)
    subject.handle(play("web1", "web2", "web3"), 0)
    subject.handle(failed("web1", final=True, message="boom"), 1)
    (halt,) = subject.handle(failed("web2", message="boom"), 2)
    assert kinds([halt]) == ["halt *"]
    assert "2 of 3 hosts have failed" in halt.decision.rationale and "--limit web1,web2" in halt.decision.rationale
    assert subject.handle(failed("web3"), 3) == ()


def test_a_policy_hears_of_the_kinds_of_events_that_it_names_and_of_no_others() -> None:
    heard: list[tuple[str, str]] = []

    class Ear(Policy):
        def __init__(self, name: str, *kinds: type[Event]) -> None:
            self.name = name
            if kinds:
                self.events = kinds

        def observe(self, event: Event, state: Any, now: float) -> None:
            heard.append((self.name, event.kind))

    subject = engine(policies=[Ear("all"), Ear("ends", TaskEnded), Ear("starts", TaskStarted)])
    for event in (play(), completed(), failed(host="web2"), away()):
        subject.handle(event, 0)
    assert heard == [
        ("all", "play_started"),
        ("all", "task_completed"), ("ends", "task_completed"),
        ("all", "task_failed"), ("ends", "task_failed"),
        ("all", "host_unavailable"),
    ]  # fmt: skip
