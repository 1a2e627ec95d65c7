# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the host is: memory, room on its disks, load. Imported only when the controller asks for it.

Rule: what cannot be read is absent; nothing here fails or waits.
"""

from __future__ import annotations

import os
from typing import Any, Dict, Optional

__all__ = ["Vitals", "read"]


class Vitals:
    """A reading at most every `seconds` seconds. `home` is a folder on the file system that temporary folders are made on."""

    def __init__(self, seconds: float, home: str) -> None:
        self._seconds = seconds
        self._home = home
        self._next = float("-inf")

    def due(self, now: float) -> Optional[Dict[str, Any]]:
        """A reading, or None if it is too early for one. `now` is monotonic."""
        if now < self._next:
            return None
        self._next = now + self._seconds
        return read(self._home)


def read(home: str) -> Dict[str, Any]:
    """HEALTH of messages.py: sizes in bytes, the load of the last minute."""
    found = {"cpus": os.cpu_count()}  # type: Dict[str, Any]
    found.update(_memory())
    for name, path in (("home", home), ("root", "/")):
        try:
            there = os.statvfs(path)
        except OSError:
            continue
        found[name + "_size"] = there.f_blocks * there.f_frsize
        found[name + "_free"] = there.f_bavail * there.f_frsize
    try:
        found["load"] = os.getloadavg()[0]
    except OSError:
        pass
    return found


def _memory() -> Dict[str, int]:
    try:
        with open("/proc/meminfo", "rb") as file:
            head = file.read(512).splitlines()
        sizes = {line.split(b":")[0]: int(line.split()[1]) << 10 for line in head[:3]}
        return {"memory_size": sizes[b"MemTotal"], "memory_free": sizes[b"MemAvailable"]}
    except (OSError, LookupError, ValueError):
        return {}
