# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends a wait for nothing in ansible-core's AnsibleModule.run_command.

When a program has closed its pipes, run_command asks twice whether it has ended. If it ends between the two questions, neither branch
is taken, and it waits a whole second on a selector that has no file left before it asks again. The answer is the same at once.
Source: ansible/module_utils/basic.py.

Rule 1: only the selectors that basic.py makes are others; the library's own stay.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, List, Optional

__all__ = ["install"]

_BASIC = "ansible.module_utils.basic"
_CLASSES = ("PollSelector", "SelectSelector")


def install() -> None:
    """See to it that basic.py, if it is imported, never waits on a selector without files."""
    basic = sys.modules.get(_BASIC)
    if basic is None:
        return
    import selectors

    if basic.__dict__.get("selectors") is not selectors:
        return
    own = ModuleType(selectors.__name__, selectors.__doc__)
    own.__dict__.update(selectors.__dict__)
    for name in _CLASSES:
        if hasattr(selectors, name):
            setattr(own, name, _without_idling(getattr(selectors, name)))
    basic.selectors = own  # type: ignore[attr-defined]


def _without_idling(original: Any) -> Any:
    def select(self: Any, timeout: Optional[float] = None) -> List[Any]:
        return original.select(self, timeout) if self.get_map() else []

    return type(original.__name__, (original,), {"select": select, "__module__": original.__module__, "__qualname__": original.__qualname__})
