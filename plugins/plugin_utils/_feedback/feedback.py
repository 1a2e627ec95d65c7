# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The composition root of feedback: one a process, made by the first callback of ours that is enabled."""
from __future__ import annotations

import typing as t

from .recorder import Recorder

__all__ = ['Feedback']


class Feedback:
    _shared: t.ClassVar[Feedback | None] = None

    @classmethod
    def shared(cls) -> Feedback:
        if cls._shared is None:
            cls._shared = cls()
        return cls._shared

    def __init__(self) -> None:
        self.enabled = True
        self.recorder = Recorder.shared()

