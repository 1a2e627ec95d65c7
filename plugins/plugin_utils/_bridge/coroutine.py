# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Coroutines that Ansible's own synchronous code can run in: the one door to greenlet.

Rule 1: a coroutine is resumed only from the strategy's thread, and gives control back by ask() or by ending.
Rule 2: while a coroutine runs, current() is its owner; everywhere else (also in forked workers) it is None, and every seam is stock.
Rule 3: a killed coroutine unwinds; it may not ask again.
"""
from __future__ import annotations

import contextvars
import typing as t

try:
    import greenlet
except ImportError as ex:  # the strategy checks the requirement before anything is run
    GREENLET_ERROR: ImportError | None = ex
else:
    GREENLET_ERROR = None

__all__ = ['GREENLET_ERROR', 'Coroutine', 'Killed', 'current']


class Killed(BaseException):
    """Unwinds a coroutine whose outcome nobody wants any more."""


class Owner(t.Protocol):
    """What a coroutine belongs to; told when control enters and leaves it."""

    def enter(self) -> None: ...

    def leave(self) -> None: ...


_current: list[t.Any] = [None]


def current() -> t.Any:
    """The owner of the running coroutine, or None outside of any."""
    return _current[0]


class Coroutine:
    """Runs ``body()`` until it asks or ends."""

    def __init__(self, owner: Owner, body: t.Callable[[], None]) -> None:
        self._owner = owner
        self._body = body
        self._greenlet = greenlet.greenlet(self._main)
        # ambient contexts (TaskContext, templating) are context variables: each coroutine has its own set
        self._greenlet.gr_context = contextvars.copy_context()
        self._dying = False

    @property
    def ended(self) -> bool:
        return self._greenlet.dead

    def resume(self, value: t.Any = None, error: BaseException | None = None) -> t.Any:
        """Run on until the next question (returned) or the end (None). Whatever the body raises comes out here."""
        outer = _current[0]
        self._greenlet.parent = greenlet.getcurrent()
        _current[0] = self._owner
        self._owner.enter()
        try:
            if error is not None:
                return self._greenlet.throw(error)
            return self._greenlet.switch(value)
        finally:
            self._owner.leave()
            _current[0] = outer

    def ask(self, question: t.Any) -> t.Any:
        """Inside the coroutine: hand a question out and wait for its answer."""
        if self._dying:
            raise Killed
        return self._greenlet.parent.switch(question)

    def kill(self) -> None:
        """Unwind the coroutine; a no-op when it has ended or never begun."""
        if self.ended or not self._greenlet:
            return
        self._dying = True
        try:
            self.resume(error=Killed())
        except Killed:
            pass

    def _main(self, _value: t.Any) -> None:
        try:
            self._body()
        except Killed:
            pass
