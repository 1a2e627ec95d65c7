# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Descriptors of this process: how many are open, and room for one process more.

Rule 1: what cannot be known (no /proc, no limit) is never short.
Rule 2: where they are short, agents that have nothing to do are let go. A host that gets work again begins anew, which costs a login.
"""
from __future__ import annotations

import os
import resource
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import OutOfDescriptors

__all__ = ['Room', 'used_and_limit']

#: of an agent while it is being started: both ends of three pipes and of the one that tells how it went, a password's; three of them stay
_AGENT = 12
#: of a worker of the stock path: it has what is open here, and opens its module, a command's pipes and more by itself
_WORKER = 20
#: for whatever else is opened: files that are read, workers, the history
_RESERVE = 64
_PATIENCE = 2.0  # seconds that an agent has to end by itself


def used_and_limit() -> tuple[int, int] | None:
    """Open descriptors, and the soft limit."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        return len(os.listdir('/proc/self/fd')) - 1, limit  # without the one that lists them
    except FileNotFoundError:
        return None
    except OSError:
        return limit, limit  # not even one more


class Room:
    """For the processes of a hub. ``look`` as used_and_limit. ``on_short`` is told once, when the first agent is let go."""

    def __init__(self, hub: t.Any, *, look: t.Callable[[], tuple[int, int] | None] = used_and_limit) -> None:
        self._hub = hub
        self._look = look
        self.on_short: t.Callable[[int, int], None] = lambda used, limit: None
        self._said = False

    def for_agent(self) -> bool:
        """Whether there is room for an agent, or a command, now; else it will be when others have ended. OutOfDescriptors where that cannot be."""
        if self._fits(_AGENT, _RESERVE):
            return True
        if any(agent.retired and not connection.closed for connection, agent in self._hub.owners.items()):
            return False  # its descriptors will be free
        idle = self._idle()
        if idle is not None:
            self._let_go(idle)
            self._hub.after(_PATIENCE, idle.connection.kill)  # which does nothing to one that has ended
        elif not self._hub.at_work and not self._hub.agents:  # an agent that is not idle works, or is about to
            raise self._error('an agent cannot be started')
        return False

    def for_worker(self) -> None:
        """Make room at once: linear starts its worker now, and says nothing when it cannot."""
        while not self._fits(_WORKER, 0):
            idle = self._idle()
            if idle is None:
                raise self._error('a worker cannot be started')
            self._let_go(idle)
            idle.connection.kill()

    def _let_go(self, agent: t.Any) -> None:
        found = self._look()
        if not self._said and found is not None:
            self._said = True
            self.on_short(*found)
        self._hub.retire_agent(agent.target.key)

    def _fits(self, needed: int, reserve: int) -> bool:
        """A quarter of a small limit is reserve enough."""
        found = self._look()
        return found is None or found[0] + needed + min(reserve, found[1] // 4) <= found[1]

    def _idle(self) -> t.Any:
        """An agent that has nothing to do: of a host that does not go on; else the last one, since hosts come in turn, and the first ones come first."""
        idle, needed = self._hub.idle_agents(), self._hub.needed_agents()
        return next((agent for agent in idle if agent.target.key not in needed), idle[-1] if idle else None)

    def _error(self, doing: str) -> OutOfDescriptors:
        used, limit = self._look() or (None, None)
        return OutOfDescriptors(doing, used=used, limit=limit)
