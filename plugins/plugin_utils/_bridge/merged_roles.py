# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Variables of a play's roles in one piece: VariableManager.get_vars puts them together anew for each host and each task that it is asked about.

Source: VariableManager.get_vars, which takes the defaults and the exported variables of ``play.roles`` one after the other, each time in one go.
"""
from __future__ import annotations

import contextlib
import functools
import typing as t

from ansible.utils.vars import combine_vars

__all__ = ['merged_roles']


@contextlib.contextmanager
def merged_roles(play: t.Any) -> t.Iterator[None]:
    """While the playbook is read and nothing of it runs: the first role brings what all of them bring, the others bring nothing."""
    roles = play.roles
    bringing = [role for role in roles if role.public]
    play.roles = [_Role(role, bringing if not number else []) for number, role in enumerate(roles)]
    try:
        yield
    finally:
        play.roles = roles


class _Role:
    """A role of Ansible's but for its variables."""

    def __init__(self, role: t.Any, bringing: t.Sequence[t.Any]) -> None:
        self._role = role
        self.public = bool(bringing)
        self._defaults = functools.reduce(combine_vars, [one.get_default_vars() for one in bringing], {})
        self._exported = functools.reduce(combine_vars, [one.get_vars(include_params=False, only_exports=True) for one in bringing], {})

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._role, name)

    def get_default_vars(self) -> dict[str, t.Any]:
        return self._defaults

    def get_vars(self, *, include_params: bool, only_exports: bool) -> dict[str, t.Any]:
        return self._exported
