# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A file of error classes that a user gives (setting ``error_classes``), in the language of our own (docs/adaptation.md).

Rule: whatever comes out of here can be followed without a further look; a file is refused as a whole, with the place.
"""
from __future__ import annotations

import re
import typing as t

import yaml  # type: ignore[import-untyped]
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._schema._pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.declarations import suggestion

__all__ = ['parse_error_classes', 'read_error_classes']

_LOADER = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
_CODE = re.compile(r'[a-z][a-z0-9]*(-[a-z0-9]+)*')


class ErrorClassEntry(BaseModel):
    """The description of each field is what it expects."""

    model_config = ConfigDict(frozen=True, extra='forbid', strict=True)

    transient: bool = Field(..., description='true or false: whether such a failure may go away by itself')
    text: str = Field('', description='the class in words')
    delay: float = Field(0.0, ge=0, le=3600, allow_inf_nan=False, description='seconds from 0 to 3600')
    matches: list[str] = Field([], description='a list of regular expressions')
    unless: list[str] = Field([], description='a list of regular expressions')
    modules: list[str] = Field([], description='a list of names of modules')
    unreachable: bool = Field(False, description='true or false')

    @field_validator('matches', 'unless')
    @classmethod
    def _patterns(cls, value: list[str]) -> list[str]:
        for pattern in value:
            try:
                re.compile(pattern)
            except re.error as ex:
                raise ValueError(f'{pattern!r}: {ex}') from ex
        return value


def read_error_classes(path: str) -> dict[str, dict[str, t.Any]]:
    """The entries of the file at ``path``; see parse_error_classes. SettingsError as well when there is no such file."""
    try:
        with open(path, encoding='utf-8') as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as ex:
        raise SettingsError(expected='a readable text file', found=getattr(ex, 'strerror', None) or str(ex), where=f'error_classes {path}') from ex
    return parse_error_classes(text, path=path)


def parse_error_classes(text: str, *, path: str) -> dict[str, dict[str, t.Any]]:
    """Code -> entry, in the order of the file. Raises SettingsError at the first thing that cannot be right."""
    try:
        data = yaml.load(text, _LOADER)
    except yaml.MarkedYAMLError as ex:
        line = f':{ex.problem_mark.line + 1}' if ex.problem_mark else ''
        raise SettingsError(expected='YAML', found=str(ex.problem), where=f'{path}{line}') from ex
    except yaml.YAMLError as ex:
        raise SettingsError(expected='YAML', found=str(ex), where=path) from ex
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise SettingsError(expected='classes, each with what fits it', found=data, where=path, hint='quota: {transient: true, matches: [over quota]}')
    return {_code(code, path): _entry(entry, f'{path}: {code}') for code, entry in data.items()}


def _code(code: object, path: str) -> str:
    if not isinstance(code, str) or not _CODE.fullmatch(code) or code == 'unknown':
        raise SettingsError(expected='a name like http-unavailable', found=code, where=path)
    return code


def _entry(entry: object, where: str) -> dict[str, t.Any]:
    if not isinstance(entry, dict):
        raise SettingsError(expected='a mapping with transient and matches', found=entry, where=where, hint='{transient: true, matches: [over quota]}')
    if not {'matches', 'unreachable'} & set(entry):
        raise SettingsError(expected='matches, or unreachable', found=', '.join(map(str, entry)) or 'nothing', where=where)
    fields = ErrorClassEntry.model_fields
    for key in entry:
        if key not in fields:
            raise SettingsError(expected=f'one of {", ".join(fields)}', found=key, where=f'{where}.{key}', hint=suggestion(str(key).lower(), tuple(fields)))
    if isinstance(entry.get('delay'), int) and not isinstance(entry['delay'], bool):
        entry = entry | {'delay': float(entry['delay'])}
    try:
        return dict(ErrorClassEntry(**entry).model_dump())
    except ValidationError as ex:
        first = ex.errors()[0]
        name = str(first['loc'][0])
        found = entry.get(name)
        hint = first['msg'].removeprefix('Value error, ') if first['type'] == 'value_error' else f'write [{found}]' if isinstance(found, str) else ''
        raise SettingsError(expected=str(fields[name].description), found=found, where=f'{where}.{name}', hint=hint) from ex
