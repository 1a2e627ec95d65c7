# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How often a policy has helped, by class of error and of host: what confidence is, and what choice follows from."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import Confidence

__all__ = ['Key', 'Outcomes']

Key = tuple[str, str, str]
"""Policy, class of error, class of host; the last two may be empty."""


class Outcomes:
    """Counts of successes and trials. ``counts``: what earlier runs have seen, Key -> (successes, trials)."""

    def __init__(self, counts: t.Mapping[Key, tuple[int, int]] | None = None) -> None:
        self._counts = dict(counts or {})
        self._passed: dict[Key, int] = {}

    def note(self, key: Key, succeeded: bool) -> None:
        """One more trial, and how it went."""
        successes, trials = self._counts.get(key, (0, 0))
        self._counts[key] = successes + succeeded, trials + 1

    def confidence(self, key: Key) -> Confidence:
        """The success rate and its n; without a trial the rate is None: not known."""
        successes, trials = self._counts.get(key, (0, 0))
        return Confidence(successes / trials, trials) if trials else Confidence()

    def is_promising(self, key: Key, *, worth: float, trials: int) -> bool:
        """Whether it is worth doing: seen less often than ``trials``, or with a rate of at least ``worth``.

        Of those that are not, one in ``trials`` is done all the same, or it could never be seen to have become better.
        """
        known = self.confidence(key)
        if known.rate is None or known.trials < trials or known.rate >= worth:
            return True
        self._passed[key] = self._passed.get(key, 0) + 1
        return self._passed[key] % trials == 0

    def counts(self) -> dict[Key, tuple[int, int]]:
        """A copy, in the order of the keys."""
        return dict(sorted(self._counts.items()))

    def reset(self) -> None:
        """Nothing is known any more."""
        self._counts.clear()
        self._passed.clear()
