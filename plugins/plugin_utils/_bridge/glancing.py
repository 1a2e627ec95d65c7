# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an agent has to know to answer a stat of ansible-core's copy action by itself (module_utils/_agent/glance.py).

Rule 1: only ansible-core's own module, asked as ActionBase._execute_remote_stat asks it; a user's own library/stat.py always runs.
Rule 2: only where the answer depends on nothing but the path: no ~, no $, nothing in the task's temporary directory.
Rule 3: the agent writes the line to syslog that the module would have written; what is not sure to be the same line, the module writes.
Source: ansible/plugins/action/__init__.py, AnsibleModule._log_invocation in ansible/module_utils/basic.py.
"""
from __future__ import annotations

import json
import os
import typing as t

import ansible
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import TMP_TOKEN_PREFIX, Call

from . import compat

__all__ = ['hint_of']

_STAT = os.path.join(os.path.dirname(ansible.__file__), 'modules', 'stat.py')
_ASKED = ['path', 'follow', 'get_checksum', 'get_size', 'checksum_algorithm']


def hint_of(call: Call) -> dict[str, t.Any] | None:
    """The ``stat`` of a module step (docs/agent-protocol.md), or None when the module has to run."""
    if call.module is None or call.module.path != _STAT or call.profile != 'legacy' or 'TZ' in call.env:
        return None
    args = json.loads(call.params)['ANSIBLE_MODULE_ARGS']
    asked = {name: value for name, value in args.items() if not name.startswith('_ansible_')}
    path, follow, checksum = (asked.get(name) for name in ('path', 'follow', 'get_checksum'))
    if list(asked) != _ASKED or asked['checksum_algorithm'] != 'sha1' or not isinstance(follow, bool) or not isinstance(checksum, bool):
        return None
    if not isinstance(path, str) or not os.path.isabs(path) or '$' in path or TMP_TOKEN_PREFIX in path or args.get('_ansible_debug'):
        return None
    log = None
    if not args.get('_ansible_no_log'):
        # a word around an @ may be a password to the module; bytes that are no text make it fail
        if '@' in path or args.get('_ansible_target_log_info') or not path.isprintable():
            return None
        said = ' '.join(f'{name}={value}' for name, value in {**asked, **compat.STAT_DEFAULTS}.items())
        log = {'ident': f"ansible-{args['_ansible_module_name']}", 'facility': str(args['_ansible_syslog_facility']), 'text': f'Invoked with {said}'}
    return {'path': path, 'follow': follow, 'checksum': checksum, 'log': log}
