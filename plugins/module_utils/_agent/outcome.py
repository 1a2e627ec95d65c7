# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an ended step means: whether the entry goes on, and whether the controller must judge before its lane goes on.

Rule 1: pure. It reads what steps left on stdout and nothing else; results stay as they are, the controller parses them again.
Rule 2: in doubt the lane stops. A result that is not plainly good is for the controller, which has Ansible's own rules.
Rule 3: the first step that goes wrong is the last step of its entry.
"""

from __future__ import annotations

import json
from typing import Any, Dict, Optional

__all__ = ["Progress", "classify", "verdict"]


def verdict(out: bytes, *, go_on_failed: bool, facts_expected: bool) -> Optional[str]:
    """Return why the lane must stop after a module that left `out` on its stdout, or None."""
    return _verdict(_parse(out), go_on_failed, facts_expected)


def classify(out: bytes, checksum: Optional[str]) -> Optional[str]:
    """Return the class (messages.CLASSES) of what ansible's stat has found, or None when `out` is no result of it."""
    result = _parse(out) or {}
    stat = result.get("stat")
    if not isinstance(stat, dict) or "exists" not in stat:
        return None
    if not stat["exists"]:
        return "absent"
    if stat.get("isdir"):
        return "dir"
    return "same" if checksum is not None and stat.get("checksum") == checksum else "differs"


class Progress:
    """Where one entry stands: which step is next, and in the end why the lane stops (`stop`, None: it goes on)."""

    def __init__(self, entry: Dict[str, Any]) -> None:
        self.stop: Optional[str] = None
        self._entry = entry
        self._outputs: Dict[int, bytes] = {}
        self._next = 0
        self._over = False

    def next(self) -> Optional[int]:
        """Return the index of the step to run now, or None when the entry is over; steps whose guard forbids are skipped."""
        steps = self._entry["steps"]
        while not self._over and self._next < len(steps):
            index = self._next
            self._next += 1
            if not self._allows(steps[index].get("only")):
                continue
            if steps[index]["k"] == "judge":
                self.abort("judge")  # what follows this class of stat is the controller's to say
                return None
            return index
        if self.stop is None and self._entry.get("judge"):
            self.stop = "judge"
        return None

    def module_ended(self, index: int, out: bytes) -> None:
        """A module step has ended by itself."""
        self._outputs[index] = out
        result = _parse(out)
        last = self._next >= len(self._entry["steps"])
        self.stop = _verdict(result, bool(self._entry.get("go_on_failed")), bool(self._entry.get("facts_expected")))
        if self.stop == "facts" and not last:
            self.stop = None  # only the last module's facts become the task's
        self._over = self.stop is not None or (result is not None and _has_failed(result))

    def step_ended(self, rc: int) -> None:
        """A put or exec step has ended by itself."""
        if rc != 0:
            self.abort("error")

    def abort(self, why: str) -> None:
        """The entry ends here, whatever its outputs say ("killed", "error")."""
        self.stop = why
        self._over = True

    def _allows(self, guard: Optional[Dict[str, Any]]) -> bool:
        if guard is None:
            return True
        out = self._outputs.get(guard["of"])
        return out is not None and classify(out, guard.get("sum")) in guard["when"]


def _parse(out: bytes) -> Optional[Dict[str, Any]]:
    """Return the one JSON object that `out` consists of, or None."""
    try:
        result = json.loads(out.decode("utf-8").strip())
    except (ValueError, RecursionError):
        return None
    return result if isinstance(result, dict) else None


def _verdict(result: Optional[Dict[str, Any]], go_on_failed: bool, facts_expected: bool) -> Optional[str]:
    if result is None:
        return "malformed"
    if result.get("unreachable"):
        return "unreachable"
    if _has_failed(result) and not go_on_failed:
        return "failed"
    if "ansible_facts" in result and not facts_expected:
        return "facts"
    if "add_host" in result or "add_group" in result:
        return "facts"  # up to ansible-core 2.20 any module's result may change the inventory
    return None


def _has_failed(result: Dict[str, Any]) -> bool:
    if "failed" in result:
        return bool(result["failed"]) or "exception" in result
    return "exception" in result or ("rc" in result and result["rc"] not in (0, "0"))
