# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What users write by hand: effects (``rustle_effects``) and sizes (``64M``), as text or as YAML data."""
from __future__ import annotations

import difflib
import re
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import DeclarationError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import DeclaredEffects

__all__ = ['parse_effects', 'parse_size', 'suggestion']

_RESOURCE = re.compile(r'(?P<kind>[a-z][a-z_-]*):(?P<name>\S.*)')
_SIZE = re.compile(r'(?P<number>\d+(\.\d+)?)\s*(?P<unit>[KMGT]?)(I?B)?', re.IGNORECASE)
_UNITS = {'': 1, 'K': 1024, 'M': 1024**2, 'G': 1024**3, 'T': 1024**4}


def suggestion(found: str, words: t.Iterable[str], *, cutoff: float = 0.5) -> str:
    """The hint to the word that is meant, or an empty text."""
    close = difflib.get_close_matches(found, list(words), n=1, cutoff=cutoff)
    return f'did you mean {close[0]}?' if close else ''


def parse_size(value: object) -> int:
    """Bytes of a number or of a text like ``64M``, ``1.5 GiB``; units are powers of 1024. ValueError for all else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError('not a size')
    return int(float(match['number']) * _UNITS[match['unit'].upper()])


def parse_effects(value: object) -> DeclaredEffects:
    """Effects as a mapping of ``writes`` and ``reads``, or as resources that are written: a list, or a text with commas.

    ``none`` and empty lists say that the task touches nothing but its own host's memory. Raises DeclarationError.
    """
    if isinstance(value, DeclaredEffects):
        return value
    if not isinstance(value, t.Mapping):
        return DeclaredEffects(writes=_resources(value))
    for key in value:
        if key not in ('writes', 'reads'):
            raise DeclarationError(expected='writes and reads', found=key, hint=suggestion(str(key), ('writes', 'reads'), cutoff=0.4))
    return DeclaredEffects(writes=_resources(value.get('writes')), reads=_resources(value.get('reads')))


def _resources(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [] if value.strip().lower() == 'none' else [part for part in value.split(',') if part.strip()]
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        raise DeclarationError(expected='a list of resources', found=value)
    return tuple(map(_resource, value))


def _resource(value: object) -> str:
    text = str(value).strip() if isinstance(value, str) else ''
    if text in ('*', 'world'):
        return 'world:*' if text == 'world' else text
    match = _RESOURCE.fullmatch(text)
    if match is None:
        hint = f'write file:{text} for a path' if text.startswith('/') else ''
        raise DeclarationError(expected='a resource like file:/etc/x, package:nginx, world:dns or *', found=value, hint=hint)
    if match['kind'] in ('file', 'controller') and match['name'] != '*' and not match['name'].startswith('/'):
        raise DeclarationError(
            expected=f'an absolute path after {match["kind"]}:', found=value, hint=f'{match["kind"]}:* stands for any path'
        )
    return text
