# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings: rustle_* variables, then RUSTLE_* environment, then [rustle] of ansible.cfg, then defaults. docs/settings.md lists them.

Rule 1: every setting can be given in each of the three places, under the same name.
Rule 2: a bad value is an error that names its place; a name that is none of ours is a notice where only we use names (environment,
section), and nobody's business among variables.
"""
from __future__ import annotations

import difflib
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import DeclarationError, SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import DeclaredEffects, Scope
from ansible_collections.rustle.engine.plugins.plugin_utils._schema._pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.config_file import read_config
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.declarations import parse_effects, parse_size

__all__ = ['FOREIGN_ENVIRONMENT', 'NAMES', 'Settings', 'notices', 'read_config', 'resolve']

MIB = 1024 * 1024


class Settings(BaseModel):
    """What the engine was told, for one task. Frozen; the description of each field is what it expects."""

    model_config = ConfigDict(frozen=True, extra='forbid', arbitrary_types_allowed=True)

    enabled: bool = Field(True, description='yes or no')
    mode: t.Literal['auto', 'binary', 'ssh'] = Field('auto', description='auto, binary or ssh')
    ordering: t.Literal['causal', 'linear', 'host'] = Field('causal', description='causal, linear or host')
    scope: t.Literal['host', 'world'] | None = Field(None, description='host or world')
    effects: DeclaredEffects | None = Field(None, description='resources like file:/etc/x, as a list or as writes and reads')
    lookahead: int = Field(200, ge=1, le=100_000, description='a number of tasks from 1 to 100000')
    cache_dir: str = Field('', description='a path')
    cache_limit: int = Field(512 * MIB, ge=0, description='a size in bytes, or like 64M or 1G')
    agent_cache_limit: int = Field(64 * MIB, ge=0, description='a size in bytes, or like 64M or 1G')

    @property
    def rescope(self) -> Scope | None:
        """The declared scope as the rules take it."""
        return None if self.scope is None else Scope(self.scope)

    @field_validator('mode', 'ordering', 'scope', mode='before')
    @classmethod
    def _word(cls, value: object) -> object:
        return str(value).strip().lower() if isinstance(value, str) else value

    @field_validator('cache_limit', 'agent_cache_limit', mode='before')
    @classmethod
    def _size(cls, value: object) -> object:
        return parse_size(value)

    @field_validator('lookahead', mode='before')
    @classmethod
    def _count(cls, value: object) -> object:
        if isinstance(value, bool):
            raise ValueError('a boolean is no number')
        return str(value) if isinstance(value, str) else value

    @field_validator('effects', mode='before')
    @classmethod
    def _effects(cls, value: object) -> object:
        return parse_effects(value)

    @field_validator('cache_dir', mode='before')
    @classmethod
    def _path(cls, value: object) -> object:
        if not isinstance(value, str) or not value.strip():
            raise ValueError('not a path')
        return str(value).strip()


NAMES: t.Final = ('enabled', 'mode', 'ordering', 'scope', 'effects', 'lookahead', 'cache_dir', 'cache_limit', 'agent_cache_limit')
"""The settings, in the order of the documentation."""

FOREIGN_ENVIRONMENT: t.Final = frozenset({'RUSTLE_AGENT_CACHE'})
"""Names with our prefix that are read elsewhere: on the target."""

_VARIABLES = tuple(f'rustle_{name}' for name in NAMES)
_ENVIRONMENT = tuple(f'RUSTLE_{name.upper()}' for name in NAMES)


class _Given(t.NamedTuple):
    """A value as somebody gave it, and where."""

    value: t.Any
    where: str


def resolve(*, variables: t.Mapping[str, t.Any], environ: t.Mapping[str, str], config: t.Mapping[str, str]) -> Settings:
    """The settings of one task. ``variables``: all of the task's, rendered; ``config``: as read_config gives it.

    Raises SettingsError at the first bad value. Equal values give the same object, so it may be asked for each task.
    """
    given = [_given(number, variables, environ, config) for number in range(len(NAMES))]
    cache_home = environ.get('XDG_CACHE_HOME') or '~/.cache'
    key = (cache_home, *(None if one is None else (_fingerprint(one.value), one.where) for one in given))
    settings = _MEMO.get(key)
    if settings is None:
        if len(_MEMO) >= _MEMO_LIMIT:
            _MEMO.clear()
        settings = _MEMO[key] = _validated(dict(zip(NAMES, given, strict=True)), cache_dir=f'{cache_home}/rustle')
    return settings


_MEMO: dict[tuple[t.Any, ...], Settings] = {}
_MEMO_LIMIT = 4096


def _given(
    number: int, variables: t.Mapping[str, t.Any], environ: t.Mapping[str, str], config: t.Mapping[str, str]
) -> _Given | None:
    value = variables.get(_VARIABLES[number])
    if value is not None:
        return _Given(value, f'variable {_VARIABLES[number]}')
    value = environ.get(_ENVIRONMENT[number])
    if value:
        return _Given(value, f'environment variable {_ENVIRONMENT[number]}')
    name = NAMES[number]
    value = config.get(name)
    if value:
        return _Given(value, f'{getattr(value, "where", "ansible.cfg")}: {name} in [rustle]')
    return None


def _fingerprint(value: object) -> object:
    """Hashable, and different for what is validated differently (1 and True are equal, and are not)."""
    return value if isinstance(value, str) else (type(value).__name__, repr(value))


def _validated(given: t.Mapping[str, _Given | None], *, cache_dir: str) -> Settings:
    values = {name: one.value for name, one in given.items() if one is not None}
    try:
        return Settings(**{'cache_dir': cache_dir, **values})
    except DeclarationError as ex:
        raise _error(given['effects'], expected=ex.expected, found=ex.found, hint=ex.hint) from ex
    except ValidationError as ex:
        name = str(ex.errors()[0]['loc'][0])
        field = Settings.model_fields[name]
        raise _error(given[name], expected=str(field.description), words=_words(field.annotation)) from ex


def _error(given: _Given | None, *, expected: str, found: object = None, hint: str = '', words: t.Sequence[str] = ()) -> SettingsError:
    value, where = given if given is not None else (None, 'defaults')
    found = value if found is None else found
    if isinstance(found, str):
        found = str(found)
        if '{{' in found:
            hint = 'the template was not rendered: is a variable in it undefined here?'
    return SettingsError(expected=expected, found=found, where=where, hint=hint or _suggestion(str(found).lower(), words))


def _words(annotation: t.Any) -> tuple[str, ...]:
    """The words of a Literal, also of an optional one."""
    parts = t.get_args(annotation)
    return tuple(word for part in parts for word in (t.get_args(part) or (part,)) if isinstance(word, str))


def _suggestion(found: str, words: t.Iterable[str]) -> str:
    close = difflib.get_close_matches(found, list(words), n=1, cutoff=0.5)
    return f'did you mean {close[0]}?' if close else ''


def notices(*, environ: t.Mapping[str, str], config: t.Mapping[str, str]) -> tuple[str, ...]:
    """One line for each name in the environment or the section that looks like ours and is not; for one warning a run."""
    lines = [
        _notice(f'environment variable {name} is no setting of rustle.engine', name, _ENVIRONMENT)
        for name in sorted(environ)
        if name.startswith('RUSTLE_') and name not in _ENVIRONMENT and name not in FOREIGN_ENVIRONMENT
    ]
    for key in sorted(set(config) - set(NAMES)):
        where = getattr(config[key], 'where', 'ansible.cfg')
        lines.append(_notice(f'{where}: {key} in [rustle] is no setting of rustle.engine', key, NAMES))
    return tuple(lines)


def _notice(text: str, found: str, words: t.Iterable[str]) -> str:
    hint = _suggestion(found, words)
    return f'{text} ({hint})' if hint else text
