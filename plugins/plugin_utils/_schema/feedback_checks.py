# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a setting of feedback may be. Imported when one is given that is not plainly right, as checks.py is."""
from __future__ import annotations

import os
import re
import typing as t
import urllib.parse

from ansible_collections.rustle.engine.plugins.plugin_utils._schema._pydantic import BaseModel, ConfigDict, Field, field_validator
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.declarations import parse_size

__all__ = ['SECRET', 'FeedbackValues']

SECRET: t.Final = frozenset(('events_url', 'events_token', 'events_secret'))
"""What no message shows; the address of a receiver is among them, since it may hold a key."""

_LOOPBACK = ('localhost', '127.0.0.1', '::1')


Further = t.Literal['task_reordering', 'strategy_change', 'parameter_adjustment']
"""Kinds of adaptations that are made only where they are asked for, and that no task can ask for."""


class FeedbackValues(BaseModel):
    """The settings that were given. The description of each field is what it expects; defaults are those of FeedbackSettings."""

    model_config = ConfigDict(frozen=True, extra='forbid')

    feedback: bool | None = Field(None, description='yes or no')
    feedback_db: str | None = Field(None, description='a path')
    feedback_days: int | None = Field(None, ge=0, le=100_000, description='a number of days, or 0 for all')
    feedback_size: int | None = Field(None, ge=0, description='a size in bytes, or like 64M or 1G')
    feedback_report: bool | None = Field(None, description='yes or no')
    progress_interval: float | None = Field(None, ge=0.1, le=86_400, description='a number of seconds from 0.1 on')
    adaptation_learning: bool | None = Field(None, description='yes or no')
    adaptation_timeout: float | None = Field(None, gt=0, le=86_400, description='a number of seconds above 0')
    max_adaptations_per_execution: int | None = Field(None, ge=0, le=100_000, description='a number from 0 to 100000')
    adaptations: tuple[Further, ...] | None = Field(None, description=f'{", ".join(t.get_args(Further))}, with commas between them')
    policies: tuple[str, ...] | None = Field(None, description='paths of files or folders, with : between them')
    error_classes: str | None = Field(None, min_length=1, description='a path')
    wait_limit: float | None = Field(None, ge=0, le=86_400, description='a number of seconds from 0 to 86400')
    halt_failures: float | None = Field(None, gt=0, le=1, description='a share above 0 and up to 1, or like 25%')
    exploration: float | None = Field(None, ge=0, le=0.2, description='a share from 0 to 0.2, or like 5%')
    events_file: str | None = Field(None, description='a path, or fd:3 for a descriptor that is open already')
    events_url: str | None = Field(None, description='an address like https://host/path, without a user in it (http:// only to this machine)')
    events_token: str | None = Field(None, description='letters, digits and signs without blanks')
    events_token_file: str | None = Field(None, description='a path')
    events_secret: str | None = Field(None, min_length=1, description='a text')
    events_secret_file: str | None = Field(None, description='a path')

    @field_validator('feedback_size', mode='before')
    @classmethod
    def _size(cls, value: object) -> object:
        return parse_size(value)

    @field_validator('halt_failures', 'exploration', mode='before')
    @classmethod
    def _share(cls, value: object) -> object:
        percent = re.fullmatch(r'([\d.]+)\s*%', str(value).strip())
        return float(percent.group(1)) / 100 if percent else str(value)

    @field_validator('adaptations', mode='before')
    @classmethod
    def _words(cls, value: object) -> object:
        return tuple(part.strip().lower() for part in str(value).split(',') if part.strip())

    @field_validator('policies', mode='before')
    @classmethod
    def _paths(cls, value: object) -> object:
        return tuple(part.strip() for part in str(value).split(os.pathsep) if part.strip())

    @field_validator('feedback_db', 'events_token_file', 'events_secret_file', mode='before')
    @classmethod
    def _path(cls, value: object) -> object:
        return _named(value)

    @field_validator('events_file', mode='before')
    @classmethod
    def _sink(cls, value: object) -> object:
        text = _named(value)
        if text == '-' or (text.startswith('fd:') and not re.fullmatch(r'fd:\d{1,6}', text)):
            raise ValueError('neither a path nor a descriptor')
        return text

    @field_validator('events_url')
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urllib.parse.urlsplit(value.strip())
        if '@' in parts.netloc or not parts.hostname or not (parts.scheme == 'https' or (parts.scheme == 'http' and parts.hostname in _LOOPBACK)):
            raise ValueError('not an address of a receiver')
        return value.strip()

    @field_validator('events_token')
    @classmethod
    def _token(cls, value: str) -> str:
        if not re.fullmatch(r'[!-~]+', value):  # it goes into a header of HTTP
            raise ValueError('not a token')
        return value


def _named(value: object) -> str:
    text = str(value).strip()
    if not text:
        raise ValueError('not a path')
    return text
