# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which payload serves what. A run and a deployment ahead of it both ask this, so that they mean the same bytes."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import ModuleRef

from .payload import Payload, PayloadBuilder

__all__ = ['PayloadChoice']


class PayloadChoice:
    """The payloads that were built, newest first. ``refused``: why a module is in none."""

    def __init__(self, builder: PayloadBuilder) -> None:
        self.refused: dict[ModuleRef, str] = {}
        self._builder = builder
        self._built: list[Payload] = []

    def expect(self, wanted: t.Iterable[ModuleRef]) -> None:
        """Build one for the modules that no payload holds yet."""
        missing = [module for module in dict.fromkeys(wanted) if module not in self.refused and self.holding(module) is None]
        if missing:
            built = self._builder.build(missing)
            self.refused.update(self._builder.refused)
            self._built = built + self._built

    def holding(self, module: ModuleRef) -> Payload | None:
        """The one that its calls name."""
        return next((payload for payload in self._built if module in payload), None)

    def first(self) -> Payload:
        """The one that an agent is started from: the largest, which is that of a play as a rule."""
        return max(self._built, key=lambda payload: len(payload.modules)) if self._built else self._builder.build([])[0]

    def read(self, sha: str) -> bytes:
        return next(payload for payload in self._built if payload.sha == sha).read()
