# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may be told of a failure: its words without secrets, and whether they may be judged at all.

Rule 1: under no_log nothing is told but that it failed.
Rule 2: texts out of a vault and what stands where a password stands are masked; the text is cut in its middle.
"""
from __future__ import annotations

import re
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import MASKED

from .vaulted import vaulted

__all__ = ['LONGEST', 'declared', 'failure', 'words']

LONGEST: t.Final = 1000

_PASSWORDS = re.compile(r'''(?ix)
    ( \b [\w-]* (?: password | passwd | passphrase | secret | token | api[_-]?key | credentials? ) ["']? \s* [:=] \s* )
    ( "[^"]*" | '[^']*' | [^\s,;&"']+ )''')
_URLS = re.compile(r'(://[^/\s:@]*:)[^/\s@]+@')
_TEXTS = ('msg', 'response', 'reason', 'module_stderr', 'stderr', 'module_stdout', 'stdout')


def failure(result: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The fields of TaskFailed that a result gives: ``message`` and ``rc``."""
    rc = result.get('rc')
    if result.get('_ansible_no_log') or 'censored' in result:
        return {'message': '', 'rc': None}
    return {'message': words(result), 'rc': rc if isinstance(rc, int) and not isinstance(rc, bool) else None}


def words(result: t.Mapping[str, t.Any]) -> str:
    """How it failed, in at most LONGEST characters. Of a loop: the first item that failed."""
    items = result.get('results')
    if isinstance(items, list):
        bad = next((item for item in items if isinstance(item, t.Mapping) and (item.get('failed') or item.get('unreachable'))), None)
        if bad is not None:
            return '' if bad.get('_ansible_no_log') else words(bad)
    found = [str(result[name]).strip() for name in _TEXTS if isinstance(result.get(name), str | int) and str(result[name]).strip()]
    text = vaulted.masked('\n'.join(dict.fromkeys(found)))
    text = _URLS.sub(rf'\1{MASKED}@', _PASSWORDS.sub(rf'\1{MASKED}', text))
    return text if len(text) <= LONGEST else f'{text[:LONGEST // 3]} ... {text[-(LONGEST * 2 // 3 - 5):]}'


def declared(task: t.Any) -> bool:
    """Whether the playbook says itself what a failure of the task means."""
    # 2.21 makes no list of failed_when
    if task.until or task.ignore_errors or task.ignore_unreachable or task.failed_when not in (None, []):
        return True
    parent = task._parent
    while parent is not None:
        if getattr(parent, 'rescue', None):
            return True
        parent = parent._parent
    return False
