# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a setting may be. Imported when one is given that is not plainly right: most runs do without pydantic's start."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import DeclarationError, SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import DeclaredEffects
from ansible_collections.rustle.engine.plugins.plugin_utils._schema._pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.declarations import parse_effects, parse_size, suggestion
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.settings import Adaptation, Given, Mode, Ordering, Place, Strategy

__all__ = ['HIDDEN', 'Values', 'checked']

HIDDEN: t.Final = '(not shown)'


class Values(BaseModel):
    """The settings that were given. The description of each field is what it expects; defaults are those of settings.Settings."""

    model_config = ConfigDict(frozen=True, extra='forbid', arbitrary_types_allowed=True)

    enabled: bool | None = Field(None, description='yes or no')
    mode: Mode | None = Field(None, description='auto, binary or ssh')
    ordering: Ordering | None = Field(None, description='causal, linear or host')
    scope: Place | None = Field(None, description='host or world')
    effects: DeclaredEffects | None = Field(None, description='resources like file:/etc/x, as a list or as writes and reads')
    effects_file: str | None = Field(None, description='a path')
    lookahead: int | None = Field(None, ge=1, le=100_000, description='a number of tasks from 1 to 100000')
    cache_dir: str | None = Field(None, description='a path')
    cache_limit: int | None = Field(None, ge=0, description='a size in bytes, or like 64M or 1G')
    agent_cache_limit: int | None = Field(None, ge=0, description='a size in bytes, or like 64M or 1G')
    plan_file: str | None = Field(None, description='a path')
    adaptation: Adaptation | None = Field(None, description='off, advise or on')
    retry: bool | None = Field(None, description='yes or no')
    skippable: bool | None = Field(None, description='yes or no')
    interchangeable: str | None = Field(None, min_length=1, description='the name of a group')
    default_forks: int | None = Field(None, ge=1, le=100_000, description='a number of hosts from 1 to 100000')
    planning_timeout: float | None = Field(None, ge=0, le=1_000_000, allow_inf_nan=False, description='a number of seconds, or 0 for none')
    optimization_level: int | None = Field(None, ge=0, le=3, description='0, 1, 2 or 3')
    strategy: Strategy | None = Field(None, description=', '.join(t.get_args(Strategy)))
    binary_threshold: int | None = Field(None, ge=1, le=1_000_000, description='a number of tasks from 1 on')
    plan_cache: bool | None = Field(None, description='yes or no')

    @field_validator('mode', 'ordering', 'scope', mode='before')
    @classmethod
    def _word(cls, value: object) -> object:
        return str(value).strip().lower() if isinstance(value, str) else value

    @field_validator('adaptation', mode='before')
    @classmethod
    def _stance(cls, value: object) -> object:
        """YAML makes booleans of on and off."""
        if isinstance(value, bool):
            return 'on' if value else 'off'
        return str(value).strip().lower() if isinstance(value, str) else value

    @field_validator('cache_limit', 'agent_cache_limit', mode='before')
    @classmethod
    def _size(cls, value: object) -> object:
        return parse_size(value)

    @field_validator('strategy', mode='before')
    @classmethod
    def _any_spelling(cls, value: object) -> object:
        words = {word.lower(): word for word in t.get_args(Strategy)}
        return words.get(str(value).strip().replace('_', '').replace('-', '').lower(), value) if isinstance(value, str) else value

    @field_validator('lookahead', 'default_forks', 'planning_timeout', 'optimization_level', 'binary_threshold', mode='before')
    @classmethod
    def _count(cls, value: object) -> object:
        if isinstance(value, bool):
            raise ValueError('a boolean is no number')
        return str(value) if isinstance(value, str) else value

    @field_validator('effects', mode='before')
    @classmethod
    def _effects(cls, value: object) -> object:
        return parse_effects(value)

    @field_validator('cache_dir', 'effects_file', 'plan_file', mode='before')
    @classmethod
    def _path(cls, value: object) -> object:
        if not isinstance(value, str) or not value.strip():
            raise ValueError('not a path')
        return str(value).strip()


def checked(given: t.Mapping[str, Given], *, model: type[BaseModel] = Values, hidden: t.Container[str] = ()) -> dict[str, t.Any]:
    """The values in the types of the settings. Raises SettingsError at the first bad one; what is ``hidden`` is not in its text."""
    try:
        values = model(**{name: one.value for name, one in given.items()})
    except DeclarationError as ex:
        raise _error(given['effects'], expected=ex.expected, found=ex.found, hint=ex.hint) from ex
    except ValidationError as ex:
        name = str(ex.errors()[0]['loc'][0])
        field = model.model_fields[name]
        if name in hidden:
            raise SettingsError(expected=str(field.description), found=HIDDEN, where=given[name].where) from None
        raise _error(given[name], expected=str(field.description), words=_words(field.annotation)) from ex
    return {name: getattr(values, name) for name in given}


def _error(given: Given, *, expected: str, found: object = None, hint: str = '', words: t.Sequence[str] = ()) -> SettingsError:
    found = given.value if found is None else found
    if isinstance(found, str):
        found = str(found)
        if '{{' in found:
            hint = 'the template was not rendered: is a variable in it undefined here?'
    return SettingsError(expected=expected, found=found, where=given.where, hint=hint or suggestion(str(found).lower(), words))


def _words(annotation: t.Any) -> tuple[str, ...]:
    """The words of an optional Literal."""
    return tuple(word for part in t.get_args(annotation) for word in t.get_args(part) if isinstance(word, str))
