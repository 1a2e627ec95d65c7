# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The composition root of feedback: one a process, made by the callback when it is enabled."""
from __future__ import annotations

import typing as t

from ansible.utils.display import Display
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.config import EngineConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.engine import Engine
from ansible_collections.rustle.engine.plugins.plugin_utils._stream.channel import channel

from .advising import Advising
from .recorder import Recorder

__all__ = ['Feedback']

_display = Display()


class Feedback:
    """``recorder``: where the callback hands over."""

    _shared: t.ClassVar[Feedback | None] = None

    @classmethod
    def shared(cls) -> Feedback:
        if cls._shared is None:
            cls._shared = cls()
        return cls._shared

    def __init__(self) -> None:
        self.enabled = True
        self.recorder = Recorder.shared()
        channel.on_error = _left_out
        advising = Advising(Engine(EngineConfig()), channel, warn=_display.warning)
        channel.listen(advising)
        channel.adviser = advising


def _left_out(listener: object, error: Exception) -> None:
    _display.warning(f'rustle.engine: {type(listener).__name__} has failed and is left out of this run: {type(error).__name__}: {error}')
