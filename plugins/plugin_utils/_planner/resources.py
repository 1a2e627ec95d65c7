# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of things that tasks touch, and when two of them may be the same thing. Pure text: no file system is looked at.

Rule 1: what is not known is everything of its kind (``file:*``); a doubt makes two resources overlap, never differ.
Rule 2: a path stands for itself and all that is below it, so ancestors and descendants overlap.
Rule 3: symbolic links are not resolved here, but for those that distributions have in common; who knows real paths (the controller, for
        its own files) passes real paths.
"""
from __future__ import annotations

import functools
import posixpath
import re
import typing as t

__all__ = ['ANYTHING', 'conflicts', 'on_controller', 'overlap', 'path_resource', 'place']

ANYTHING = '*'
_PATHS = frozenset({'file', 'controller'})
_LINKS = {'bin': '/usr/bin', 'sbin': '/usr/bin', 'lib': '/usr/lib', 'lib64': '/usr/lib64', 'usr/sbin': '/usr/bin', 'var/run': '/run', 'var/lock': '/run/lock'}
_PATTERN = re.compile(r'[^/]*[*?\[].*')
_OF_CONTROLLER = ('controller:', 'var:')  # variables are the controller's memory


def path_resource(kind: str, path: object) -> str:
    """``kind:path`` of a literal absolute path; ``kind:*`` of all else: relative, ``~``, ``..``, ``$VAR``, templates."""
    if isinstance(path, str) and _known(path) and not any(mark in path for mark in ('$', '{{', '{%', '{#')):
        return f'{kind}:{_clean(path)}'
    return f'{kind}:*'


def on_controller(resources: t.Iterable[str]) -> tuple[str, ...]:
    """The same things when the task's host is the controller: its files are the controller's files."""
    twins = []
    for resource in resources:
        kind, _colon, name = resource.partition(':')
        if resource == ANYTHING:
            twins.append('controller:*')
        elif kind == 'file':
            twins.append(f'controller:{name}')
    return tuple(twins)


def overlap(one: str, other: str) -> bool:
    """Whether two resources may be, or contain, the same thing."""
    mine, its = place(one), place(other)
    depth = min(len(mine), len(its))
    return mine[:depth] == its[:depth]


@functools.lru_cache(maxsize=16384)
def place(resource: str) -> tuple[str, ...]:
    """Where a resource stands in the tree of all: two of them overlap when the place of one begins with that of the other.

    There are three roots: ``host`` (which is ``*``, anything on the task's host), ``controller`` (another machine, unless on_controller() says otherwise)
    and ``var``.
    """
    if resource == ANYTHING:
        return ('host',)
    kind, _colon, name = resource.partition(':')
    root = (kind,) if resource.startswith(_OF_CONTROLLER) else ('host', kind)
    if name == ANYTHING or (kind in _PATHS and not _known(name)):
        return root
    return (*root, *(part for part in _real(name).split('/') if part)) if kind in _PATHS else (*root, name)


def conflicts(writes: t.Iterable[str], reads: t.Iterable[str]) -> bool:
    """Whether one of ``reads`` may see one of ``writes``."""
    reads = tuple(reads)
    return any(overlap(write, read) for write in writes for read in reads)


def _known(path: str) -> bool:
    # what '..' leads to depends on symbolic links
    return path.startswith('/') and '..' not in path.split('/')


def _clean(path: str) -> str:
    return '/' + posixpath.normpath(path).lstrip('/')


def _real(path: str) -> str:
    """Clean, and behind the links that distributions have in common. A pattern (``/var/log/*.gz``) is the folder that it looks into."""
    path = _clean(_PATTERN.sub('', path))
    parts = path.split('/', 3)
    for depth in (2, 3):
        target = _LINKS.get('/'.join(parts[1:depth]))
        if target is not None:
            return target + path[len('/'.join(parts[:depth])):]
    return path
