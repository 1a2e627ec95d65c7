# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a dynamic include brings, where its name and the items of its loop are literal: loaded as a run would load it.

Rule 1: Ansible's own classes find the file or role and say what its tasks inherit; nothing is rendered to get there.
Rule 2: an include whose tasks cannot be known stays as it is, with the reason; so does one that brings itself.
Rule 3: a play has the same roles afterwards, since their variables would hold for all of its tasks. It has the roles' handlers too, as in a run.
"""
from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.playbook.handler import Handler
from ansible.playbook.helpers import load_list_of_blocks
from ansible.playbook.role_include import IncludeRole
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import PlanError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason

from . import compat
from .abstaining import words
from .names import NOTHING, reading_of

__all__ = ['Includes', 'Opened']

_MOST = 500  # includes of one play; each item of a loop is one
_FLAT_LOOPS = (None, 'items', 'list')
_SWITCHES = ('public', 'allow_duplicates', 'rolespec_validate')


@dataclasses.dataclass(frozen=True)
class Opened:
    """What is known of an include. ``blocks``: what it brings, in order; ``key``: what it names; ``exports``: variables that hold behind it.

    ``opaque``: why it stays as it is, with ``detail``; there are no blocks then.
    """

    blocks: t.Sequence[t.Any] = ()
    key: str = ''
    exports: frozenset[str] = frozenset()
    opaque: Reason | None = None
    detail: str = ''


class Includes:
    """Opens the includes of one play."""

    def __init__(self, play: t.Any, *, loader: t.Any, variable_manager: t.Any, inputs: t.Any) -> None:
        self._play = play
        self._loader = loader
        self._variable_manager = variable_manager
        self._inputs = inputs
        self._left = _MOST

    def open(self, task: t.Any, within: t.Container[str]) -> Opened:
        """``within``: keys of the includes that have brought this one."""
        if isinstance(task, Handler):
            return Opened(opaque=Reason.INCLUDE_HANDLER)
        named = {name: value for name, value in task.args.items() if name != 'apply'}  # what applies to its tasks is theirs to render
        if reading_of(named) is not NOTHING:
            return Opened(opaque=Reason.INCLUDE_TEMPLATE, detail=str(task.args.get('_raw_params') or task.args.get('name') or ''))
        items = _items(task)
        if items is None:
            return Opened(opaque=Reason.INCLUDE_LOOP)
        self._left -= max(len(items), 1)
        if self._left < 0:
            return Opened(opaque=Reason.INCLUDE_LIMIT, detail=str(_MOST))
        roles = list(self._play.roles)
        try:
            return self._opened(task, items, within)
        except (AnsibleError, PlanError) as ex:
            return Opened(opaque=Reason.INCLUDE_UNREADABLE, detail=words(ex).partition('\n')[0])
        finally:
            self._play.roles = roles

    def _opened(self, task: t.Any, items: t.Sequence[t.Mapping[str, t.Any]], within: t.Container[str]) -> Opened:
        if isinstance(task, IncludeRole):
            key = ' '.join(f'{name}={value}' for name, value in sorted(task.args.items()) if name != 'apply')
        else:
            key = os.path.realpath(compat.included_file(task, play=self._play, loader=self._loader, variable_manager=self._variable_manager))
        if key in within:
            return Opened(opaque=Reason.INCLUDE_RECURSION, detail=key)
        blocks: list[t.Any] = []
        exports: set[str] = set()
        for variables in items:
            include = _copied(task, variables)
            if isinstance(task, IncludeRole):
                found, role = self._role(include)
                if role.public:
                    exports.update(role.get_default_vars(), role.get_vars(include_params=False))
            else:
                found = self._file(include, key)
            blocks += filter(None, map(self._filtered, found))
        return Opened(blocks=blocks, key=key, exports=frozenset(exports))

    def _role(self, include: t.Any) -> tuple[t.Any, t.Any]:
        for name in _SWITCHES:
            value = getattr(include, name)
            setattr(include, name, value if value is None else boolean(value, strict=False))
        blocks, _handlers = include.get_block_list(play=self._play, variable_manager=self._variable_manager, loader=self._loader)
        role = self._play.roles[-1]
        self._inputs.folder(role._role_path)
        return blocks, role

    def _file(self, include: t.Any, path: str) -> t.Any:
        """Source: StrategyBase._load_included_file."""
        if not os.path.isfile(path):
            raise AnsibleError(f'{os.path.relpath(path)} is not there')
        data = self._loader.load_from_file(path, trusted_as_template=True)
        if data is None:
            return []
        if not isinstance(data, list):
            raise AnsibleError('included task files must contain a list of tasks', obj=data)
        return load_list_of_blocks(
            data, play=self._play, parent_block=include.build_parent_block(), role=include._role, use_handlers=False, loader=self._loader,
            variable_manager=self._variable_manager)

    def _filtered(self, block: t.Any) -> t.Any:
        """Without the tasks that tags leave out; None when nothing is left."""
        task_vars = self._variable_manager.get_vars(play=self._play, task=block.get_first_parent_include())
        left = block.filter_tagged_tasks(task_vars)
        return left if left.has_tasks() else None


def _items(task: t.Any) -> list[dict[str, t.Any]] | None:
    """The variables that each item of its loop adds; None when the items are not literal. Source: IncludedFile.process_include_results."""
    if task.loop is None and not task.loop_with:
        return [{}]
    control = task.loop_control
    names = [control.loop_var or 'item', control.index_var] if control is not None else ['item', None]
    if task.loop_with not in _FLAT_LOOPS or not isinstance(task.loop, list) or reading_of([task.loop, *names]) is not NOTHING:
        return None
    items = task.loop
    if task.loop_with == 'items':
        items = [inner for item in items for inner in (item if isinstance(item, list) else [item])]
    return [{name: value for name, value in zip(names, (item, number), strict=True) if name} for number, item in enumerate(items)]


def _copied(task: t.Any, variables: t.Mapping[str, t.Any]) -> t.Any:
    """One of its own, which loading may change. Source: StrategyBase._copy_included_file."""
    made = task.copy(exclude_parent=True)
    made._parent = task._parent
    made.vars = {**made.vars, **variables}
    if 'apply' in made.args:
        made.args = {**made.args, 'apply': dict(made.args['apply'])}
    return made
