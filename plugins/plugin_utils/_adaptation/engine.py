# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine: events in, instructions out. Whoever it serves acts, and tells how it went; ``news`` is what has been decided, as events.

Rule 1: one engine serves many runs at once and is told of time in each call; equal calls give equal answers.
Rule 2: an adaptation is requested, begun and ended, or rejected with a reason. While it is under way no other one is begun for its target;
one that has not begun gives way to a policy of higher priority.
Rule 3: about a failure that is held back the answer is one instruction about its host, or none: then it stands.
Rule 4: an adaptation that has not helped, and can be taken back, is taken back; when that fails, adapting has ended for its target.
"""
from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.classification import Classifier
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.config import EngineConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.course import HELD, LASTING, TASK_ENDS, Adaptation, Course
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.guarding import Guarded
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.journal import Journal
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.outcomes import Key, Outcomes
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policies import DEFAULT
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.policy import Policy
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.state import RunState
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Decision, Instruction, Level, Rejection, Stance
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import (
    AdaptationApplied,
    AdaptationEvent,
    Event,
    ExecutionCompleted,
    HostRecovered,
    HostUnavailable,
    TaskEnded,
    TaskEvent,
    TaskFailed,
)

__all__ = ['Engine']

_ENDED = 1024  # runs that are known to have ended, so that a late message does not begin them anew


class Engine:
    """``outcomes``: what earlier runs have learned; what this one learns is added to it."""

    def __init__(
        self, config: EngineConfig, *, policies: t.Sequence[Policy] = DEFAULT, classifier: Classifier | None = None, outcomes: Outcomes | None = None
    ) -> None:
        self.config = config
        self.classifier = classifier or Classifier()
        self.outcomes = outcomes if outcomes is not None else Outcomes()
        self._courses: dict[str, Course] = {}
        self._ended: collections.OrderedDict[str, None] = collections.OrderedDict()
        self._journal = Journal()
        self._troubles: list[str] = []
        self._policies = sorted((Guarded(policy, self._troubles.append) for policy in policies), key=lambda policy: (-policy.priority, policy.name))
        self._by_event: dict[type[Event], list[Guarded]] = {}
        self._tickers = [policy for policy in self._policies if policy.ticks]

    # -- what happens

    def handle(self, event: Event, now: float) -> tuple[Instruction, ...]:
        """What is to be done about an event. ``now``: monotonic seconds, here as everywhere."""
        if self.config.stance == 'off' or event.execution in self._ended:
            return ()
        if isinstance(event, AdaptationApplied):
            return self.applied(event.adaptation, event.succeeded, now, event.detail)
        if isinstance(event, AdaptationEvent):
            return ()
        event, course = self._classified(event), self._course(event.execution)
        if not course.state.take(event, now):
            return ()
        if isinstance(event, ExecutionCompleted):
            self._end(course)
            return ()
        asked = self._asked_about(event)
        for policy in asked:
            if policy.observes:
                policy.observe(event, course.state, now)
        shown = self._shown_by(event, course, now) if course.open else []
        return (*shown, *self._ask(course, event, now, asked))

    def advise(self, event: TaskFailed, now: float) -> tuple[Instruction, ...]:
        """What would be done about a failure whose task wants to know no more (``event.advise``). Nothing of it is taken up, and the event is none yet."""
        if self.config.stance == 'off' or event.execution in self._ended:
            return ()
        return tuple(self._ask(self._course(event.execution), self._classified(event), now, self._asked_about(event)))

    def _asked_about(self, event: Event) -> list[Guarded]:
        """Most events are starts and ends of tasks that go well, and most policies want to hear of neither."""
        kind = type(event)
        asked = self._by_event.get(kind)
        if asked is None:
            asked = self._by_event[kind] = [policy for policy in self._policies if issubclass(kind, policy.events)]
        return asked

    def _course(self, execution: str) -> Course:
        course = self._courses.get(execution)
        if course is None:
            course = self._courses[execution] = Course(RunState(execution, self.config, self.classifier))
        return course

    def _classified(self, event: Event) -> Event:
        if isinstance(event, TaskFailed) and not event.error_class:
            return dataclasses.replace(event, error_class=self.classifier.classify(event).code)
        return event

    def applied(self, adaptation_id: str, succeeded: bool | None, now: float, detail: str = '') -> tuple[Instruction, ...]:
        """It was done, and has helped or not; None: it was begun, and what it leads to is not known yet. An id that is not under way is passed over."""
        course = self._courses.get(adaptation_id.rpartition('-')[0])
        one = course.find(adaptation_id) if course else None
        if course is None or one is None:
            return ()
        if succeeded is not None or one.decision.kind is AdaptationKind.HALT:
            return tuple(self._close(course, one, succeeded, now, detail))
        if not one.begun:
            one.begun, one.since = True, now
            self._journal.applied(course.state.execution, one.instruction, None, detail)
            if one.decision.kind in LASTING and not one.instruction.undo:
                del course.open[one.decision.target]
                course.lasting[one.id] = one
        return ()

    def rejected(self, adaptation_id: str, reason: Rejection | str, now: float) -> tuple[Instruction, ...]:
        """It cannot be done. The answer is what the next policies say about the same event, if they say anything."""
        course = self._courses.get(adaptation_id.rpartition('-')[0])
        one = course.find(adaptation_id) if course else None
        if course is None or one is None or one.id in course.lasting:
            return ()
        self._drop(course, one, reason, now)
        if one.instruction.undo or one.event is None:
            return ()
        if isinstance(one.event, TaskFailed) and one.decision.kind is AdaptationKind.RETRY:
            course.state.give_up(one.event)
        instead = self._ask_others(course, one, one.event, now)
        return tuple(instead or ([self._report(course, one, 'nothing else can be done')] if one.late else []))

    def tick(self, now: float) -> tuple[Instruction, ...]:
        """What is to be done because time has passed: call it once a second or so."""
        instructions: list[Instruction] = []
        for course in self._courses.values():
            for one in tuple(course.open.values()):
                instructions += self._look_at_open(course, one, now)
            for one in tuple(course.lasting.values()):
                instructions += self._look_at_lasting(course, one, now)
            for policy in () if course.state.halted else self._tickers:
                decision = policy.tick(course.state, now)
                if decision is not None:
                    instructions += self._consider(course, policy, decision, None, now, set())
        return tuple(instructions)

    def news(self) -> tuple[AdaptationEvent, ...]:
        """What was decided since the last call, to be published: requested, applied, rejected."""
        return self._journal.take()

    def troubles(self) -> tuple[str, ...]:
        """Lines for people, since the last call: a policy has failed and is left out from now on."""
        troubles = tuple(self._troubles)
        self._troubles.clear()
        return troubles

    # -- asking the policies

    def _ask(self, course: Course, event: Event, now: float, policies: t.Sequence[Guarded], *, only: str = '') -> list[Instruction]:
        """The instructions of those that want something done, at most one a target."""
        instructions: list[Instruction] = []
        taken: set[str] = set()
        for policy in policies:
            if course.state.halted:
                break
            decision = policy.decide(event, course.state, now)
            if decision is not None and only in ('', decision.target):
                instructions += self._consider(course, policy, decision, event, now, taken)
        return instructions

    def _ask_others(self, course: Course, one: Adaptation, event: Event, now: float) -> list[Instruction]:
        """What those of lower priority say about the event, now that this one has come to nothing."""
        later = [policy for policy in self._asked_about(event) if policy.priority < one.policy.priority]
        return self._ask(course, event, now, later, only=one.decision.target)

    def _consider(self, course: Course, policy: Guarded, decision: Decision, event: Event | None, now: float, taken: set[str]) -> list[Instruction]:
        """Take the decision up, unless something speaks against it. ``taken``: targets that have got their instruction for this event."""
        target, state = decision.target, course.state
        if decision.level is Level.NONE:
            if target in taken:
                return []
            taken.add(target)
            return [self._instruction(course, policy, decision, event)]
        if self._stance_on(event) == 'off':
            return []
        other = course.open.get(target)
        if other is not None and other.policy is policy and decision.kind is AdaptationKind.WAIT is other.decision.kind:
            if isinstance(event, TaskFailed):
                other.held.append(event)
            taken.add(target)
            return [other.instruction]  # one more task of a host that is waited for already
        key = self._key(course, policy, decision, event)
        cause = policy.cause(decision, event)
        reason = Rejection.CONFLICT if target in taken else self._objection(course, policy, decision, event, key, cause)
        if reason is not None:
            if course.is_first('rejected', policy.name, cause, reason):
                self._journal.rejected(state.execution, course.new_id(), policy.name, decision, reason)
            return []
        task = event.task.task_id if isinstance(event, TaskEvent) else ''
        acts = self._acts_on(event)
        if not acts and not course.is_first('advised', policy.name, decision.kind, target, task):
            return []
        if other is not None and acts:
            self._drop(course, other, Rejection.CONFLICT, now)
        taken.add(target)
        if acts or not self.config.acts:
            course.count_cause((policy.name, cause))
        if self.config.learning:
            decision = dataclasses.replace(decision, confidence=self.outcomes.confidence(key))
        instruction = self._instruction(course, policy, decision, event, deadline=now + decision.changes.get('after', 0.0) + self.config.timeout)
        self._journal.requested(state.execution, instruction)
        if acts:
            one = Adaptation(instruction, policy, cause, key, now, policy.inverse(decision, state), event)
            one.begun = decision.kind is AdaptationKind.WAIT  # nobody has to do anything for it
            if isinstance(event, TaskFailed):
                one.held.append(event)
            course.open[target] = one
            policy.accepted(decision, state, now)
            state.halted = decision.kind is AdaptationKind.HALT
        return [instruction]

    def _objection(
        self, course: Course, policy: Guarded, decision: Decision, event: Event | None, key: Key, cause: str
    ) -> Rejection | None:
        """Why it is not to be done, or None."""
        config = self.config
        if decision.target in course.closed:
            return Rejection.ROLLBACK_FAILED
        if decision.kind not in config.allowed and not _is_asked_for(decision.kind, event, config):
            return Rejection.NOT_ALLOWED
        if (policy.name, cause) not in course.causes and len(course.causes) >= config.max_adaptations:
            return Rejection.LIMIT
        other = course.open.get(decision.target)
        if other is not None and not other.gives_way(policy, decision.kind):
            return Rejection.CONFLICT
        if config.learning and not self.outcomes.is_promising(key, worth=config.worth, trials=config.worth_trials):
            return Rejection.UNPROMISING
        return None

    def _instruction(self, course: Course, policy: Guarded, decision: Decision, event: Event | None, *, deadline: float | None = None) -> Instruction:
        return Instruction(
            adaptation=course.new_id(), policy=policy.name, decision=decision, task=event.task.identity if isinstance(event, TaskEvent) else '',
            error_class=event.error_class if isinstance(event, TaskFailed) else '', advised=not self._acts_on(event), deadline=deadline)

    def _acts_on(self, event: Event | None) -> bool:
        return self.config.acts and self._stance_on(event) == 'on'

    def _stance_on(self, event: Event | None) -> Stance:
        if not isinstance(event, TaskFailed) or event.final:
            return self.config.run_wide
        return 'advise' if event.advise else 'on'

    @staticmethod
    def _key(course: Course, policy: Guarded, decision: Decision, event: Event | None) -> Key:
        host_class = decision.changes.get('host_class') or ('' if decision.target == '*' else course.state.host(decision.target).host_class)
        return policy.name, event.error_class if isinstance(event, TaskFailed) else '', host_class

    # -- how it went

    def _shown_by(self, event: Event, course: Course, now: float) -> list[Instruction]:
        """Close what this event shows to have helped, or not."""
        instructions: list[Instruction] = []
        if isinstance(event, TaskEnded):
            for one in tuple(course.open.values()):
                if one.is_ended_by(event):
                    failed = isinstance(event, TaskFailed)
                    instructions += self._close(course, one, not failed, now, event.message if isinstance(event, TaskFailed) else '')
        elif isinstance(event, (HostRecovered, HostUnavailable)):
            host = course.open.get(event.host)
            if host is not None and isinstance(event, HostRecovered) and host.decision.kind is AdaptationKind.WAIT:
                instructions += self._close(course, host, True, now, f'it was back after {event.seconds:.0f} s')
            elif host is not None and isinstance(event, HostUnavailable) and host.decision.kind in TASK_ENDS:
                instructions += self._close(course, host, False, now, 'the host went away')
        return instructions

    def _close(self, course: Course, one: Adaptation, succeeded: bool | None, now: float, detail: str = '') -> list[Instruction]:
        """It has ended. The instruction that takes it back, when it has not helped and can be taken back."""
        target, execution = one.decision.target, course.state.execution
        if course.open.get(target) is one:
            del course.open[target]
        course.lasting.pop(one.id, None)
        self._journal.applied(execution, one.instruction, succeeded, detail)
        if one.instruction.undo:
            if succeeded is False:
                self._end_adapting(course, one)
            else:
                one.policy.taken_back(one.decision, course.state, now)
            return []
        if succeeded is not None and not one.judged:
            one.judged = True
            if succeeded or not self._goes_on(one):
                self.outcomes.note(one.key, succeeded)
        one.policy.ended(one.decision, succeeded, course.state, now)
        if not one.decision.rollback:
            return []
        course.lasting[one.id] = one
        return self._take_back(course, one, now) if succeeded is False else []

    def _goes_on(self, one: Adaptation) -> bool:
        """Whether a try that has failed is not the last: what is learned of is whether trying again has helped in the end."""
        return one.decision.kind is AdaptationKind.RETRY and isinstance(one.event, TaskFailed) and one.event.attempt + 1 < self.config.max_tries

    def _take_back(self, course: Course, one: Adaptation, now: float) -> list[Instruction]:
        target = one.decision.target
        if target in course.open:
            return []  # when that one has ended
        course.lasting.pop(one.id, None)
        decision = dataclasses.replace(one.decision, changes=one.inverse, rationale=one.decision.rollback, impact='', rollback='')
        one.instruction = dataclasses.replace(one.instruction, decision=decision, undo=True, deadline=now + self.config.timeout)
        one.begun, one.since = False, now
        course.open[target] = one
        self._journal.requested(course.state.execution, one.instruction)
        return [one.instruction]

    def _end_adapting(self, course: Course, one: Adaptation) -> None:
        course.closed.add(one.decision.target)
        self._journal.rejected(course.state.execution, one.id, one.policy.name, one.decision, Rejection.ROLLBACK_FAILED)

    def _drop(self, course: Course, one: Adaptation, reason: str, now: float) -> None:
        """It is not done after all."""
        del course.open[one.decision.target]
        if one.instruction.undo:
            self._end_adapting(course, one)
            return
        course.count_cause((one.policy.name, one.cause), -1)
        self._journal.rejected(course.state.execution, one.id, one.policy.name, one.decision, reason)
        one.policy.ended(one.decision, None, course.state, now)

    def _look_at_open(self, course: Course, one: Adaptation, now: float) -> list[Instruction]:
        until = one.decision.changes.get('until')
        if one.decision.kind is AdaptationKind.WAIT and until is not None and now >= until:
            self._close(course, one, False, now, 'it did not come back in time')
            instead = [instruction for event in one.held for instruction in self._ask_others(course, one, event, now)]
            for instruction in instead:
                course.open[instruction.decision.target].late = True
            return instead or [self._report(course, one, 'it was waited for as long as it may be')]
        deadline = one.instruction.deadline
        if one.begun or deadline is None or now <= deadline:
            return []
        self._drop(course, one, Rejection.TIMEOUT, now)
        if one.instruction.undo or one.decision.kind not in HELD:
            return []
        return [self._report(course, one, f'{one.decision.kind} was not begun within {self.config.timeout:.0f} s')]

    def _look_at_lasting(self, course: Course, one: Adaptation, now: float) -> list[Instruction]:
        if not one.judged:
            verdict = one.policy.verdict(one.decision, one.since, course.state, now)
            if verdict is not None:
                return self._close(course, one, verdict, now)
        if one.decision.rollback and one.policy.is_over(one.decision, one.since, course.state, now):
            return self._take_back(course, one, now)
        return []

    def _report(self, course: Course, one: Adaptation, why: str) -> Instruction:
        decision = Decision(level=Level.NONE, kind=AdaptationKind.REPORT, target=one.decision.target, rationale=why)
        return dataclasses.replace(one.instruction, adaptation=course.new_id(), decision=decision, deadline=None)

    def _end(self, course: Course) -> None:
        execution = course.state.execution
        for one in (*course.open.values(), *course.lasting.values()):
            if not one.judged:
                self._journal.applied(execution, one.instruction, None, 'the run has ended')
        del self._courses[execution]
        self._ended[execution] = None
        if len(self._ended) > _ENDED:
            self._ended.popitem(last=False)


def _is_asked_for(kind: AdaptationKind, event: Event | None, config: EngineConfig) -> bool:
    """Whether the play, or a setting, asks for a kind that is not done by itself."""
    if kind is AdaptationKind.HALT:
        return config.halt_threshold is not None
    if not isinstance(event, TaskFailed):
        return False
    if kind in (AdaptationKind.REALLOCATE, AdaptationKind.FAILOVER):
        return bool(event.interchangeable)
    if kind is AdaptationKind.SKIP:
        return event.skippable
    return kind is AdaptationKind.REPLAN  # it leaves out nothing and runs nothing twice
