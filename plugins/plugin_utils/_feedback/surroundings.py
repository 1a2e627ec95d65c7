# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a run and its plays are set up, as far as feedback tells of it.

Rule: values that may be secret (extra variables, passwords) are not looked at.
"""
from __future__ import annotations

import getpass
import typing as t

from ansible import constants as C
from ansible import context
from ansible.errors import AnsibleError
from ansible.playbook.block import Block
from ansible.playbook.task import Task
from ansible.release import __version__ as core_version
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.identities import gathers, identity_of, identity_of_gathering
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.release import engine_version
from ansible_collections.rustle.engine.plugins.plugin_utils._model.traits import RunTrait

__all__ = ['expected', 'hosts_of', 'of_run', 'traits_of_play']


def of_run() -> dict[str, t.Any]:
    """Fields of ExecutionStarted."""
    args = context.CLIARGS
    found = {
        RunTrait.ASK_PASS: bool(args.get('ask_pass')),
        RunTrait.BECOME_ASK_PASS: bool(args.get('become_ask_pass')),
        RunTrait.DIFF: bool(args.get('diff')),
        RunTrait.HOST_KEY_CHECKING_OFF: not C.HOST_KEY_CHECKING,
        RunTrait.PIPELINING: bool(C.config.get_config_value('ANSIBLE_PIPELINING')),
    }
    tags = tuple(args.get('tags') or ())
    return {
        'inventory': ','.join(map(str, args.get('inventory') or ())), 'limit': str(args.get('subset') or ''),
        'tags': () if tags == ('all',) else tags, 'skip_tags': tuple(args.get('skip_tags') or ()), 'forks': int(args.get('forks') or C.DEFAULT_FORKS),
        'check': bool(args.get('check')), 'user': _user(), 'core_version': core_version, 'engine_version': engine_version(),
        'traits': _said(found)}


def traits_of_play(play: t.Any) -> tuple[str, ...]:
    return _said({RunTrait.LOCAL: str(play.connection).rpartition('.')[2] == 'local', RunTrait.SERIAL: bool(play.serial)})


def hosts_of(play: t.Any) -> tuple[str, ...]:
    """The hosts of the play or of its batch: whoever runs it has put their names in the variable manager's way just before."""
    manager = play.get_variable_manager()
    inventory = getattr(manager, '_inventory', None)
    if inventory is None:
        return ()
    return tuple(host.name for host in inventory.get_hosts(play.hosts, order=play.order))


def expected(play: t.Any, *, playbook: str) -> tuple[str, ...] | None:
    """Identities of the tasks that each host of the play has before it at most, in order; None where they cannot be told.

    What includes bring in is not among them, handlers neither; nor is ``meta``, whose end nobody is told of.
    """
    try:
        variables = play.get_variable_manager().get_vars(play=play)
        gathered = gathers(play) and _is_selected(_gathering(play), play, variables)
        tasks = list(_selected(play.compile(), variables))
    except AnsibleError:
        return None  # whoever runs the play will say what is wrong
    gathering = (identity_of_gathering(play, playbook=playbook),) if gathered else ()
    return (*gathering, *(identity_of(task, playbook=playbook) for task in tasks))


def _selected(blocks: t.Iterable[t.Any], variables: dict[str, t.Any]) -> t.Iterator[t.Any]:
    for one in blocks:
        if isinstance(one, Block):
            yield from _selected(one.block, variables)
            yield from _selected(one.always, variables)
        elif one.action not in C._ACTION_META and _is_selected(one, one.get_play(), variables):
            yield one


def _is_selected(task: Task, play: t.Any, variables: dict[str, t.Any]) -> bool:
    return bool(task.evaluate_tags(play.only_tags, play.skip_tags, all_vars=variables))


def _gathering(play: t.Any) -> Task:
    """With the tags of the task by which Ansible gathers facts. Source: PlayIterator.__init__."""
    task = Task(block=Block(play=play))
    task.tags = [] if play.tags else ['always']  # those of the play come through its block
    return task


def _said(found: t.Mapping[RunTrait, bool]) -> tuple[str, ...]:
    return tuple(trait.value for trait, here in found.items() if here)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ''
