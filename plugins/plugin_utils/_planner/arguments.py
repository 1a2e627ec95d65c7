# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Arguments of a task, read without rendering them. What cannot be known before the run is said to be unknown, never guessed."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import path_resource

__all__ = ['Arguments', 'is_template']

_MARKS = ('{{', '{%', '{#')
_TRUE = frozenset({'1', 'on', 't', 'true', 'y', 'yes'})
_FALSE = frozenset({'0', 'f', 'false', 'n', 'no', 'off'})
_UNKNOWN = '{{ unknown }}'


def is_template(value: object) -> bool:
    """Whether rendering may change the value, or a part of it."""
    if isinstance(value, str):
        return any(mark in value for mark in _MARKS)
    if isinstance(value, t.Mapping):
        return any(is_template(part) for pair in value.items() for part in pair)
    if isinstance(value, (list, tuple)):
        return any(map(is_template, value))
    return False


class Arguments:
    """Reads arguments by their names and aliases; the first name that is given counts.

    ``args: "{{ var }}"`` hides which arguments there are: every argument that is not in sight may then be given, with any value.
    """

    def __init__(self, args: t.Mapping[str, t.Any]) -> None:
        self.raw = args
        self.hidden = '_variable_params' in args

    def names(self) -> tuple[str, ...]:
        """Names of the arguments in sight."""
        return tuple(name for name in self.raw if name != '_variable_params')

    def get(self, *names: str) -> t.Any:
        """The raw value, None when it is not given, a template when it may be given out of sight."""
        for name in names:
            if self.raw.get(name) is not None:
                return self.raw[name]
        return _UNKNOWN if self.hidden else None

    def given(self, *names: str) -> bool:
        """Whether it is given, or may be."""
        return self.get(*names) is not None

    def text(self, *names: str, default: str = '') -> str | None:
        """The literal text, ``default`` when it is not given, None when it is unknown."""
        value = self.get(*names)
        if value is None:
            return default
        return None if is_template(value) else str(value)

    def truth(self, *names: str, default: bool) -> bool | None:
        """The literal boolean, ``default`` when it is not given, None when it is unknown."""
        value = self.get(*names)
        if value is None:
            return default
        if isinstance(value, (bool, int)):
            return bool(value)
        word = str(value).strip().lower()
        return True if word in _TRUE else False if word in _FALSE else None

    def paths(self, *names: str, kind: str = 'file') -> tuple[str, ...]:
        """Resource of an argument that holds a path, resources of one that holds a list of them; () when it is not given."""
        value = self.get(*names)
        if value is None:
            return ()
        paths = value if isinstance(value, (list, tuple)) else (value,)
        return tuple(path_resource(kind, path) for path in paths)

    def named(self, kind: str, *names: str) -> tuple[str, ...]:
        """Resources ``kind:name`` of an argument that holds a name or a list of names; () when it is not given."""
        value = self.get(*names)
        if value is None:
            return ()
        if isinstance(value, str):
            value = value.split(',')
        if not isinstance(value, (list, tuple)) or is_template(value):
            return (f'{kind}:*',)
        return tuple(f'{kind}:{str(name).strip()}' for name in value)
