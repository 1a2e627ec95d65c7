# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Imports in a thread while others fork: a fork waits until they are through, or its child could wait for ever for what is half imported."""
from __future__ import annotations

import os
import threading
import typing as t

__all__ = ['importing']

importing: t.Final = threading.Lock()

os.register_at_fork(before=importing.acquire, after_in_parent=importing.release, after_in_child=importing.release)
