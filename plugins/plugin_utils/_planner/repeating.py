# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a task may be run a second time without harm, though nobody knows how far its first run came.

Rule 1: in doubt it may not. A module that is not known, or whose arguments are not, may do anything.
Rule 2: a module that says how things shall be may; one that does something may not.
"""
from __future__ import annotations

from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import TaskNode
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.effects import is_known, short_name
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import OURS, Tables

__all__ = ['is_repeatable']

_COLLECTIONS = ('ansible.posix.', 'community.crypto.')
#: of ansible.builtin: they do something, or make a new thing each time
_ACTIVE = frozenset(('async_status', 'command', 'expect', 'pause', 'raw', 'reboot', 'script', 'shell', 'tempfile'))
_STATES = {'service': 'state', 'systemd': 'state', 'systemd_service': 'state', 'sysvinit': 'state'}
_LASTING = frozenset(('started', 'stopped', 'present', 'absent', 'enabled', 'disabled', None))
_READING = frozenset(('GET', 'HEAD', 'OPTIONS'))


def is_repeatable(node: TaskNode, tables: Tables = OURS) -> bool:
    name = short_name(node.action)
    if node.own_module or not is_known(node.action, tables) or name in _ACTIVE:
        return False
    if '.' in name:
        return name.startswith(_COLLECTIONS) and name != 'ansible.posix.patch'
    if name in _STATES:
        return node.args.get(_STATES[name]) in _LASTING
    if name == 'uri':
        return str(node.args.get('method', 'GET')).upper() in _READING
    return True
