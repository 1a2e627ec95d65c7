# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the engine is set up. Frozen; whoever builds the engine reads the settings."""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind, Stance

__all__ = ['SAFE_KINDS', 'EngineConfig']

SAFE_KINDS: t.Final = frozenset({AdaptationKind.RETRY, AdaptationKind.WAIT, AdaptationKind.TOGGLE, AdaptationKind.SCALE})
"""What is done without being asked for. The rest is done only where the play asks (docs/adaptation.md)."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class EngineConfig:
    """Times in seconds. ``can_act``: False under plain linear, where everything is only advised.

    ``expected``: host -> seconds that its part of the play has usually taken, as far as history knows.
    """

    stance: Stance = 'on'
    run_wide: Stance = 'on'  # for all but failures that are held back: of those their tasks have been asked
    can_act: bool = True
    learning: bool = True
    allowed: frozenset[AdaptationKind] = SAFE_KINDS
    max_adaptations: int = 10  # causes in one execution, see Policy.cause
    timeout: float = 30.0  # until an adaptation has to be begun
    max_tries: int = 3  # of a task on a host, and waits for a host
    backoff: float = 2.0
    backoff_cap: float = 60.0
    wait_limit: float = 300.0  # for one host, all its absences together
    first_wait: float = 60.0  # for one that has not answered in this run yet: it is more often off than about to come back
    wait_every: float = 5.0
    halt_threshold: float | None = None  # part of the hosts that have failed, 0 to 1; None: never
    pressure: float = 0.9  # part of a resource that is too much
    settle: float = 10.0  # between two changes of how much is done at once
    batch: int = 200  # tasks that are sent ahead to a host at most
    connect_timeout: float = 120.0  # until an agent has to be there, as the hub has it
    cool_down: float = 120.0  # on the stock path, before the agent is tried again
    worth: float = 0.2  # a success rate below which a policy is passed over, ...
    worth_trials: int = 5  # ... once it has been seen that often
    expected: t.Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def acts(self) -> bool:
        """Whether instructions are to be followed, and not only said."""
        return self.stance == 'on' and self.can_act
