# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The words of the effects tables, which say in YAML what a module touches (docs/ordering.md explains them by examples).

Who checks a table (`_schema/effects_file.py`) and who follows one (`_planner/entries.py`) both take the words from here.
"""
from __future__ import annotations

import dataclasses
import re

__all__ = ['CONDITIONS', 'KEYS', 'PATHS', 'RULES', 'SCOPES', 'Pattern', 'parse_pattern']

KEYS = ('scope', 'host_if', 'writes', 'reads', 'edits', 'source', 'remote_src', 'exact', 'restarts_agent', 'rule', 'like')
"""What an entry may hold. ``edits``: written and read; ``like`` stands alone."""

SCOPES = ('none', 'host', 'world')
CONDITIONS = ('not_given', 'one_of', 'not_like')
PATHS = frozenset({'file', 'controller'})
"""Kinds whose names are paths: what an argument says is taken only when it is literal and absolute."""

RULES = ('command', 'docker_container', 'find', 'meta', 'set_fact', 'synchronize', 'unarchive')
"""What an entry's ``rule`` may be: code in `_planner/named_rules.py`, for modules that the words cannot describe."""

_PATTERN = re.compile(r'(?P<kind>[a-z][a-z_-]*):(?P<before>[^<>]*)(?:<(?P<names>[^<>]+)>(?P<after>[^<>]*))?')
_NAME = re.compile(r'\w[\w-]*(\.\w+)*')


@dataclasses.dataclass(frozen=True)
class Pattern:
    """``kind:before<name|alias|default>after``: resources out of an argument; without ``names`` a fixed one, ``kind:before``.

    ``default`` is what stands for an argument that is not given: None nothing, ``*`` all of the kind, else a name.
    A name with a dot leads into lists and mappings: ``networks.name``.
    """

    kind: str
    before: str = ''
    names: tuple[str, ...] = ()
    default: str | None = None
    after: str = ''


def parse_pattern(text: str) -> Pattern:
    """The pattern of a text like ``file:<dest|path|*>``. Raises ValueError, which says what is wrong with it."""
    if text == '*':
        return Pattern('*')
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError('a resource like file:/etc/x, file:<dest>, package:<name|pkg|*> or *')
    if match['names'] is None:
        return _fixed(match['kind'], match['before'])
    *names, last = match['names'].split('|')
    default = None
    if last == '*' or last.startswith('='):
        default = last.removeprefix('=')
    else:
        names.append(last)
    if not names or not all(map(_NAME.fullmatch, names)):
        raise ValueError('names of arguments between < and >, with | between them, and * or =default at the end')
    return Pattern(match['kind'], match['before'], tuple(names), default, match['after'])


def _fixed(kind: str, name: str) -> Pattern:
    if not name:
        raise ValueError(f'a name after {kind}:')
    if kind in PATHS and name != '*' and not name.startswith('/'):
        raise ValueError(f'an absolute path after {kind}: ({kind}:* stands for any)')
    return Pattern(kind, name)
