# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How rows of the effects tables are written: a row takes the arguments of a task and gives its effects.

Rule 1: a row may be private only if nobody beyond the host can notice the task, nor the task anybody, whatever is not literal.
Rule 2: what a row does not know it names as a whole (``file:*``) or as worldly.
"""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.arguments import Arguments
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import ANYTHING

__all__ = ['Row', 'local_file', 'nothing', 'only_when', 'owners', 'private', 'private_file', 'private_read', 'worldly']

Row = t.Callable[[Arguments], Effects]


def nothing(args: Arguments) -> Effects:
    """Nothing but the controller's memory."""
    return Effects(Scope.NONE)


def worldly(*kinds: str, **names: tuple[str, ...]) -> Row:
    """Anything beyond; ``package=('name', 'pkg')`` names what is meant to be written on the host, for people and plans."""

    def row(args: Arguments) -> Effects:
        named = tuple(resource for kind, of in names.items() for resource in args.named(kind, *of))
        return Effects(Scope.WORLDLY, writes=(*kinds, *named, ANYTHING), reads=(ANYTHING,))

    return row


def private(*writes: str, **names: tuple[str, ...]) -> Row:
    """Things of the host itself: fixed ones, and ``kind=(argument, alias)``; a kind whose argument is not given is meant as a whole."""

    def row(args: Arguments) -> Effects:
        named = tuple(resource for kind, of in names.items() for resource in args.named(kind, *of) or (f'{kind}:*',))
        return Effects(Scope.PRIVATE, writes=(*writes, *named), reads=(ANYTHING,))

    return row


def private_read(*reads: str) -> Row:
    """Looks at the host and changes nothing; without ``reads``, at anything of it."""

    def row(args: Arguments) -> Effects:
        return Effects(Scope.PRIVATE, reads=reads or (ANYTHING,))

    return row


def owners(args: Arguments) -> tuple[str, ...]:
    """The user and group that a file is given to have to exist."""
    return (*args.named('user', 'owner'), *args.named('group', 'group'))


def private_file(*paths: str, reads: tuple[str, ...] = ()) -> Row:
    """Reads and writes the file of the argument ``paths`` (its name and aliases); ``file:*`` when it is not given."""

    def row(args: Arguments) -> Effects:
        written = args.paths(*paths) or ('file:*',)
        read = tuple(resource for name in reads for resource in args.paths(name))
        return Effects(Scope.PRIVATE, writes=written, reads=(*written, *read, *owners(args)))

    return row


def local_file(*paths: str, src: str, remote_src: bool = False) -> Row:
    """Writes a file of the host from a file of the controller, or of the host with ``remote_src`` (given: its default)."""

    def row(args: Arguments) -> Effects:
        written = args.paths(*paths) or ('file:*',)
        on_host = args.truth('remote_src', default=remote_src)
        reads = [*written, *owners(args)]
        controller = args.given(src) and on_host is not True
        if controller:
            reads.extend(args.paths(src, kind='controller'))
        if on_host is not False:
            reads.extend(args.paths(src))
        return Effects(Scope.PRIVATE, writes=written, reads=tuple(reads), controller_reads=controller)

    return row


def only_when(condition: t.Callable[[Arguments], bool], row: Row) -> Row:
    """``row`` when the condition is certain, worldly otherwise; what it names stays named."""

    def judged(args: Arguments) -> Effects:
        effects = row(args)
        if condition(args):
            return effects
        return Effects(
            Scope.WORLDLY,
            writes=(*effects.writes, ANYTHING),
            reads=(*effects.reads, ANYTHING),
            controller_reads=effects.controller_reads,
        )

    return judged
