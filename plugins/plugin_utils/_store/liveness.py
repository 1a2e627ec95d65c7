# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the process of a run is still there. A number of a process is used again, so its start is compared with that of the run."""
from __future__ import annotations

import os
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord

__all__ = ['is_alive']

MARGIN: t.Final = 5.0
"""Seconds by which a process may seem younger than its run: both are wall clocks, and the kernel's is one of ticks."""


def is_alive(record: ExecutionRecord) -> bool:
    """True when it cannot be told. For runs of this controller only."""
    if record.pid <= 0:
        return False
    if record.pid == os.getpid():
        return True
    try:
        os.kill(record.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # somebody else's
    began = _began(record.pid)
    return began is None or began <= record.started + MARGIN


def _began(pid: int) -> float | None:
    """When a process began, on the wall clock; None where the kernel does not say it like Linux. Source: proc(5)."""
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as stream:
            ticks = int(stream.read().rpartition(')')[2].split()[19])
        with open('/proc/stat', encoding='utf-8') as stream:
            boot = next(int(line.split()[1]) for line in stream if line.startswith('btime '))
    except (OSError, ValueError, IndexError, StopIteration):
        return None
    return boot + ticks / os.sysconf('SC_CLK_TCK')
