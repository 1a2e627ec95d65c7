# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Code for modules that the words of the effects tables cannot describe; an entry names it with ``rule``.

A rule takes the task's arguments and the row that the entry's other words make; the rules of `entries.py` hold here too.
"""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.arguments import Arguments, is_template
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.entries import Row, Rule
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.readonly import only_reads, words_of
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import ANYTHING, path_resource

__all__ = ['NAMED_RULES']


def _command(args: Arguments, row: Row) -> Effects:
    """A command that only reads its own host is private, whatever the entry says of the others."""
    words = words_of(args.raw)
    # whether a shell is used is unknown when arguments are out of sight
    if words is not None and args.truth('_uses_shell', default=False) is False and only_reads(words):
        return Effects(Scope.PRIVATE, reads=(ANYTHING,))
    return row(args)


def _docker_container(args: Arguments, row: Row) -> Effects:
    """``volumes`` are texts: ``name:/inside:ro``, or ``/path:/inside`` for a path of the host."""
    effects = row(args)
    volumes = args.get('volumes')
    if volumes is None:
        return effects
    listed = volumes if isinstance(volumes, (list, tuple)) else str(volumes).split(',')
    read = tuple(resource for volume in listed for resource in _volume(volume))
    return dataclasses.replace(effects, reads=(*read, *effects.reads))


def _volume(volume: object) -> tuple[str, ...]:
    source, colon, _inside = str(volume).partition(':')
    if is_template(source):
        return ('volume:*', 'file:*')
    if not colon:
        return ()  # a volume without a name
    return (f'volume:{source.strip()}',) if source.strip()[:1] not in ('/', '.', '~', '$') else (path_resource('file', source.strip()),)


def _find(args: Arguments, row: Row) -> Effects:
    """``paths`` may be a list in one text."""
    paths = args.get('paths', 'path', 'name')
    listed = paths.split(',') if isinstance(paths, str) else paths if isinstance(paths, (list, tuple)) else ()
    return dataclasses.replace(row(args), reads=tuple(path_resource('file', path) for path in listed) or ('file:*',))


def _meta(args: Arguments, row: Row) -> Effects:
    verb = args.text('_raw_params')
    if verb == 'reset_connection':
        return Effects(Scope.NONE, restarts_agent=True)
    if verb in ('refresh_inventory', None):
        # inventory scripts run anew
        return Effects(Scope.WORLDLY, writes=('controller:*',), reads=('controller:*',), controller_reads=True)
    return row(args)


def _set_fact(args: Arguments, row: Row) -> Effects:
    """Its arguments are names of variables."""
    names = (name for name in args.names() if name != 'cacheable')
    written = ('var:*',) if args.hidden else tuple('var:*' if is_template(name) else f'var:{name}' for name in names)
    return dataclasses.replace(row(args), writes=written)


def _synchronize(args: Arguments, row: Row) -> Effects:
    """``mode`` says which end is the controller's."""
    effects, mode = row(args), args.text('mode', default='push')
    pushes, pulls = mode != 'pull', mode != 'push'
    written = [*effects.writes, *(args.paths('dest') if pushes else ())]
    read = [*effects.reads, *(args.paths('src') if pulls else ())]
    if pushes:
        read += args.paths('src', kind='controller') or ('controller:*',)
    if pulls:
        written += args.paths('dest', kind='controller') or ('controller:*',)
    return dataclasses.replace(effects, writes=tuple(written), reads=tuple(read), controller_reads=pushes, controller_writes=pulls)


def _unarchive(args: Arguments, row: Row) -> Effects:
    """``copy`` is the old opposite of ``remote_src``."""
    if not args.given('copy'):
        return row(args)
    copied = args.truth('copy', default=True)
    return row(Arguments({**args.raw, 'remote_src': args.get('copy') if copied is None else not copied}))


NAMED_RULES: t.Final[t.Mapping[str, Rule]] = {
    'command': _command,
    'docker_container': _docker_container,
    'find': _find,
    'meta': _meta,
    'set_fact': _set_fact,
    'synchronize': _synchronize,
    'unarchive': _unarchive,
}
