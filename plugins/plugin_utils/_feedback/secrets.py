# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The secrets of a run, as far as masking needs to know them: what came out of a vault."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.vaulted import Vaulted

__all__ = ['Secrets']


class Secrets:
    """Made before anything is decrypted."""

    def __init__(self) -> None:
        self._vaulted = Vaulted()
        self._vaulted.install()
        self._play: t.Any = None

    def play(self, play: t.Any) -> None:
        self._play = play

    def of(self, host: t.Any, task: t.Any) -> None:
        """A task has failed: look at what its host's variables hold, if this run has a vault at all."""
        if self._play is None or not self._play.get_loader()._vault.secrets:
            return
        self._vaulted.look_at(self._play.get_variable_manager().get_vars(play=self._play, host=host, task=task, include_hostvars=False))

    def masked(self, text: str) -> str:
        return self._vaulted.masked(text)
