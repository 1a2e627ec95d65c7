"""What holds for the engine whatever happens, in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.classification import UNKNOWN, Classifier
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.course import HELD
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.engine import Engine
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policy import is_safe_to_repeat
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Instruction, Rejection
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import (
    AdaptationApplied,
    AdaptationRejected,
    AdaptationRequested,
    BundleFinished,
    Event,
    ExecutionStarted,
    ResourceConstraint,
    TaskFailed,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from .builders import REFUSED, RUN, away, back, completed, engine, failed, play, task

MAX = 3
HOSTS = ["h0", "h1", "h2"]
MESSAGES = [REFUSED, "HTTP Error 503", "Could not get lock /x. It is held by process 7", "Permission denied", "boom", "timed out", "No space left on device"]
AGAIN = {AdaptationKind.RETRY, AdaptationKind.REALLOCATE, AdaptationKind.FAILOVER, AdaptationKind.REPLAN}
CONFIG: dict[str, Any] = {"max_adaptations": MAX, "allowed": frozenset(AdaptationKind), "halt_threshold": 0.9, "expected": dict.fromkeys(HOSTS, 1.0)}

host = st.sampled_from(HOSTS)
ref = st.builds(task, st.sampled_from(["a", "b", "c"]), traits=st.sampled_from([(), ("run-once",)]))
attempt = st.integers(1, 4)
EVENTS = st.one_of(
    st.builds(
        failed,
        host,
        message=st.sampled_from(MESSAGES),
        attempt=attempt,
        final=st.booleans(),
        ref=ref,
        idempotent=st.booleans(),
        declared=st.booleans(),
        ignored=st.booleans(),
        unreachable=st.booleans(),
        skippable=st.booleans(),
        started=st.sampled_from([None, True, False]),
        retry_declared=st.sampled_from([None, True, False]),
        interchangeable=st.sampled_from([(), tuple(HOSTS)]),
        host_class=st.sampled_from(["", "ssh/linux"]),
    ),
    st.builds(completed, host, attempt=attempt, ref=ref, duration=st.floats(0, 10), path=st.sampled_from(["agent", "stock"]), host_class=st.just("ssh/linux")),
    st.builds(away, host, message=st.sampled_from(["", "Connection refused", "Permission denied (publickey)."])),
    st.builds(back, host, seconds=st.floats(0, 100)),
    st.builds(
        ResourceConstraint,
        execution=st.just(RUN),
        host=st.sampled_from(["", *HOSTS]),
        resource=st.sampled_from(["memory", "memory", "connects"]),
        used=st.sampled_from([0.2, 0.6, 0.8, 1.0]),
        limit=st.just(1.0),
    ),
    st.builds(BundleFinished, execution=st.just(RUN), host=host, done=st.integers(0, 3), dropped=st.integers(0, 3), failed=st.booleans()),
)
ACTS = st.tuples(st.sampled_from(["begun", "helped", "failed", "rejected"]), st.integers(0, 30))
STEPS = st.lists(st.tuples(st.sampled_from([0.0, 0.1, 1.0, 31.0, 130.0]), st.one_of(EVENTS, ACTS, st.just("tick"))), min_size=5, max_size=60)


def numbered(steps: list[Any]) -> list[tuple[float, Any]]:
    """With the time of each step, and sequences in their order; a run begins first."""
    now, found = 0.0, [(0.0, ExecutionStarted(execution=RUN, forks=3, sequence=1)), (0.0, play(*HOSTS, sequence=2))]
    for number, (pause, step) in enumerate(steps, 3):
        now += pause
        found.append((now, replace(step, sequence=number) if isinstance(step, Event) else step))
    return found


def drive(subject: Engine, steps: list[Any], look: Callable[[Any, tuple[Instruction, ...]], None] = lambda step, told: None) -> list[Instruction]:
    told: list[Instruction] = []
    for now, step in numbered(steps):
        if isinstance(step, Event):
            answer = subject.handle(step, now)
        elif step == "tick":
            answer = subject.tick(now)
        else:
            how, number = step
            known = told[number % len(told)].adaptation if told else "none"
            if how == "rejected":
                answer = subject.rejected(known, "not-possible", now)
            else:
                answer = subject.applied(known, {"begun": None, "helped": True, "failed": False}[how], now)
        look(step, answer)
        told += answer
    assert subject.troubles() == ()
    return told


@given(STEPS)
def test_there_are_never_more_causes_than_allowed(steps: list[Any]) -> None:
    def cause(one: Instruction) -> tuple[str, ...]:
        kind = one.decision.kind
        if kind is AdaptationKind.RETRY:
            return one.policy, one.error_class
        if kind in (AdaptationKind.WAIT, AdaptationKind.REORDER):
            return (one.policy,)
        return one.policy, one.decision.target if not one.task else one.task

    subject = engine(**CONFIG)
    told = [one for one in drive(subject, steps) if one.decision.kind is not AdaptationKind.REPORT]
    undone = {one.adaptation for one in subject.news() if isinstance(one, AdaptationRejected)}
    told = [one for one in told if one.adaptation not in undone]
    assert len({cause(one) for one in told}) <= MAX
    none = drive(engine(**CONFIG | {"max_adaptations": 0}), steps)
    assert {one.decision.kind for one in none} <= {AdaptationKind.REPORT}


@given(STEPS)
@settings(max_examples=200)
def test_a_target_has_one_at_a_time_and_what_has_begun_is_not_pushed_aside(steps: list[Any]) -> None:
    subject = engine(**CONFIG | {"max_adaptations": 100})
    under_way: dict[str, str] = {}
    begun: set[str] = set()

    def look(step: Any, told: tuple[Instruction, ...]) -> None:
        for news in subject.news():
            if isinstance(news, AdaptationRequested):
                assert under_way.setdefault(news.target, news.adaptation) == news.adaptation
                if news.what == AdaptationKind.WAIT:
                    begun.add(news.adaptation)
                continue
            if isinstance(news, AdaptationRejected):
                pushed_aside = news.adaptation in begun and news.reason == Rejection.CONFLICT
                assert not pushed_aside or subject_is_halted(told)
            elif isinstance(news, AdaptationApplied) and news.succeeded is None:
                begun.add(news.adaptation)
                if AdaptationKind(news.what) in HELD:
                    continue
            if under_way.get(news.target) == news.adaptation:
                del under_way[news.target]

    drive(subject, steps, look)


def subject_is_halted(told: tuple[Instruction, ...]) -> bool:
    return any(one.decision.kind is AdaptationKind.HALT for one in told)


@given(STEPS)
def test_nothing_is_repeated_that_may_do_harm_or_does_not_pass(steps: list[Any]) -> None:
    classifier = Classifier()

    def look(step: Any, told: tuple[Instruction, ...]) -> None:
        for one in told:
            if one.decision.kind in AGAIN and isinstance(step, TaskFailed):
                error = classifier.classify(step)
                assert error.transient or (error == UNKNOWN and step.retry_declared is True)
                assert is_safe_to_repeat(step) and not step.final and not step.declared and step.retry_declared is not False
                assert step.idempotent or step.started is False or step.retry_declared is True
            if one.decision.kind is AdaptationKind.RETRY and isinstance(step, TaskFailed):
                assert step.attempt < 3

    drive(engine(**CONFIG | {"max_adaptations": 100}), steps, look)


@given(STEPS)
def test_the_engine_is_deterministic(steps: list[Any]) -> None:
    one, other = engine(**CONFIG), engine(**CONFIG)
    assert drive(one, steps) == drive(other, steps)
    assert one.news() == other.news()


@given(STEPS)
@settings(max_examples=50)
def test_messages_that_come_twice_are_harmless(steps: list[Any]) -> None:
    once, twice = engine(**CONFIG), engine(**CONFIG)
    expected = drive(once, steps)

    def look(step: Any, told: tuple[Instruction, ...]) -> None:
        if isinstance(step, Event):
            assert twice.handle(step, 1e9) == ()

    assert drive(twice, steps, look) == expected


@given(STEPS)
def test_advice_is_never_acted_on(steps: list[Any]) -> None:
    told = drive(engine(**CONFIG | {"stance": "advise"}), steps)
    assert all(one.advised and not one.undo for one in told)


@given(STEPS)
def test_a_wait_ends(steps: list[Any]) -> None:
    subject = engine(**CONFIG)
    waits = {one.decision.target for one in drive(subject, steps) if one.decision.kind is AdaptationKind.WAIT}
    ended = subject.tick(1e9)
    assert {one.decision.target for one in ended if one.decision.kind is AdaptationKind.REPORT} <= waits | set(HOSTS)
    assert all(one.decision.kind is not AdaptationKind.WAIT for one in subject.tick(1e9 + 1))
