# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One task for one host inside a coroutine: what it waits for, what it has said, how it ended.

Rule 1: the task runs on copies (task, variables); the strategy's objects are untouched until its result is delivered.
Rule 2: everything it says (callbacks, display output, the result) is kept in order and delivered only when linear has asked for the task.
Rule 3: no call is asked twice: a recorded reply is used up by the call it belongs to.
"""
from __future__ import annotations

import collections
import enum
import typing as t

from ansible import constants as C
from ansible._internal._errors import _task_timeout
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import Call, Question, Reply, Shell, Sleep, TargetLost

from . import compat, looping
from .asking import Asking
from .coroutine import Coroutine
from .hazards import Guard, Hazard, Unsupported
from .quick import Masters

__all__ = ['Execution', 'Outcome']


class Outcome(enum.Enum):
    """How an execution stands."""

    NEW = 'new'
    WAITING = 'waiting'
    DONE = 'done'
    STOCK = 'stock'
    CUT = 'cut'
    AGAIN = 'again'  # the target has answered, but what the rest needs is known to linear only: run again over the same answers
    DROPPED = 'dropped'


class Execution(Asking):
    """A task on a host. ``make_vars`` gives its variables; it is called inside the coroutine, under the guard."""

    path: t.Final = 'agent'

    def __init__(self, *, host: t.Any, task: t.Any, play_context: t.Any, loader: t.Any, variable_manager: t.Any, masters: Masters,
                 make_vars: t.Callable[[], dict[str, t.Any]], guard: Guard | None = None) -> None:
        super().__init__(guard=guard)
        self.host = host
        self.task = task
        self.predicted = guard is not None
        self.claimed = False
        self.outcome = Outcome.NEW
        self.reason: Reason | None = None
        self.detail = ''
        self.waiting_for: Question | Shell | Sleep | list[Question] | None = None
        self.agent_calls = 0
        self.run: t.Any = None  # the host's part of the play that this belongs to
        self.errands: list[t.Any] = []
        self.given_vars: dict[str, t.Any] | None = None  # of a task ahead: what its variables were before it ran
        self.usage: t.Any = None  # what it has used on its host, where somebody wants to know
        self.attempt = 1
        self.again_by: t.Any = None  # the instruction that had it begun again
        self.told = False  # something of it was delivered
        self.lost_with: TargetLost | None = None
        self.renews = False  # logins are different after it
        self.to_judge = False  # an item has ended in a way that has to be judged, others are still under way
        self.error: BaseException | None = None
        self._messages: list[t.Any] = []
        self._verdict: tuple[bool, dict[str, t.Any] | None] | None = None
        self.trace: collections.deque[tuple[Question, t.Any]] = collections.deque()
        self.answered: list[tuple[Question, t.Any]] = []  # every exchange so far, in the order of the calls
        self._args = {'play_context': play_context, 'loader': loader, 'variable_manager': variable_manager}
        self._make_vars = make_vars
        self._masters = masters
        self._coroutine = Coroutine(self, self._body)

    # -- driven from outside

    def start(self) -> None:
        self._go()

    def take_over(self, earlier: Execution) -> None:
        """Use the answers that a run of the same task ahead has had; none of its calls is made twice."""
        self.trace.extend(earlier.answered)
        self.trace.extend(earlier.trace)  # items of a loop that it had not come to
        self.sent = True

    def resume(self, answer: t.Any = None, error: BaseException | None = None) -> None:
        """Answer what the execution waits for."""
        self.waiting_for = None
        self.to_judge = False
        self._go(answer, error)

    def drop(self) -> None:
        """Nobody wants this execution any more."""
        if self.outcome in (Outcome.NEW, Outcome.WAITING):
            self.outcome = Outcome.DROPPED
            self.waiting_for = None
            self._coroutine.kill()

    @staticmethod
    def timed_out(question: Question) -> BaseException:
        """What an exchange ends with when the task's own time-out passes while it waits for the target."""
        return _task_timeout.TaskTimeoutError(question.timeout or 0)

    @property
    def begun(self) -> bool:
        """Whether the target has answered something of it already, so that it cannot be begun anew."""
        return bool(self.answered)

    @property
    def is_current(self) -> bool:
        """Whether it is what linear waits for."""
        return self.run.current is self

    @property
    def away(self) -> bool:
        """Whether it has ended since its host could not be reached."""
        return self.lost_with is not None

    @property
    def started(self) -> bool:
        """Whether something of it may have run on its host."""
        return self.lost_with is None or self.lost_with.started or self.begun  # what was answered before the connection was lost has run

    def lost(self, error: TargetLost) -> None:
        """The agent ended under what was asked. Items of a loop are told one by one, as stock's are; those that never began ask again."""
        failure = AnsibleConnectionFailure(str(error))
        self.lost_with = error
        if not isinstance(self.waiting_for, list):
            self.resume(error=failure)
            return
        open_items = failure if error.started else None
        answers = [errand.answer if errand.answered else open_items for errand in self.errands]
        if failure not in answers and None in answers:
            answers[answers.index(None)] = failure
        self.resume(answers)

    @property
    def done(self) -> bool:
        return self.outcome is Outcome.DONE

    @property
    def final(self) -> bool:
        """Whether the task ends with the answer to what it waits for."""
        waiting = self.waiting_for
        if isinstance(waiting, list):
            return all(question.final for question in waiting)
        return isinstance(waiting, Question) and waiting.final

    def messages(self) -> list[t.Any]:
        """What it has said since the last call, in order."""
        if self.done:
            self._judge()  # who gets the result may change it
        self._messages += self.queue.take()
        messages, self._messages = self._messages, []
        return messages

    def result(self) -> t.Any:
        """The wire form of the task's result, kept for delivery; None before the end."""
        self._messages += self.queue.take()
        return next((m for m in reversed(self._messages) if compat.is_task_result(m)), None)

    @property
    def failed(self) -> bool:
        """Whether a finished task has failed, ignored or not."""
        return self._judge()[0]

    @property
    def learned(self) -> dict[str, t.Any] | None:
        """The variables that a finished task gives its host; None when it changes more than can be laid over its variables."""
        return self._judge()[1]

    def _judge(self) -> tuple[bool, dict[str, t.Any] | None]:
        if self._verdict is None:
            wire = self.result()
            self._verdict = (True, None) if wire is None else (compat.failed(wire), compat.learned(self.task, wire, C._ACTION_SET_FACT))
        return self._verdict

    def _go(self, answer: t.Any = None, error: BaseException | None = None) -> None:
        question = self._coroutine.resume(answer, error)
        if self._coroutine.ended:
            if self.error is not None and self.outcome is not Outcome.CUT:
                raise self.error
            return
        self.outcome = Outcome.WAITING
        self.waiting_for = question

    # -- inside the coroutine

    def _body(self) -> None:
        try:
            self.task_vars = self._make_vars()
            if self.predicted:
                self.given_vars = dict(self.task_vars)
            compat.run_task(looping.Executor, host=self.host, task=self._masters.copy(self.task), task_vars=self.task_vars, queue=self.queue,
                            **self._args)
        except Unsupported as ex:
            self.outcome, self.reason, self.detail = Outcome.STOCK, ex.reason, ex.detail
        except Hazard as ex:
            self.outcome, self.reason, self.detail = Outcome.AGAIN if self.sent else Outcome.CUT, ex.reason, ex.name
        except Exception as ex:
            self.error = ex
            if self.predicted and not self.sent:
                # it is for linear to run into, if it comes to this task at all
                self.outcome, self.reason, self.detail = Outcome.CUT, Reason.VARS, type(ex).__name__
        else:
            self.outcome = Outcome.DONE

    def ask(self, question: t.Any) -> t.Any:
        self.sent = True
        return self._coroutine.ask(question)

    def exchange(self, question: Question) -> list[tuple[Call, Reply]]:
        answer = None
        if self.trace:
            _asked, answer = self.trace.popleft()
        if answer is None:
            self.agent_calls += 1
            answer = self.ask(question)
        self.answered.append((question, answer))
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, str):
            raise AnsibleError(f'failed to transfer a file to the host: {answer}')
        return t.cast('list[tuple[Call, Reply]]', answer)

    def shell(self, shell: Shell) -> Reply:
        return self.ask(shell)

    def sleep(self, seconds: float) -> None:
        self.ask(Sleep(seconds))
