# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One exchange for the copy action (and template, assemble, which use it): stat, decide and write on the target.

Rule 1: the action's own code decides. It is run ahead against each class of stat result, in coroutines that are thrown away; what it then asks
        for becomes a branch of one entry; the agent picks the branch, and the action runs again with the true replies.
Rule 2: a run ahead changes nothing: files the action would remove stay until the real run.
Rule 3: anything unexpected while running ahead means no branches: the action goes step by step.
Source: ansible/plugins/action/copy.py (_copy_file).
"""
from __future__ import annotations

import copy
import functools
import inspect
import json
import os
import typing as t

from ansible.utils.hashing import checksum
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import Branch, Call, Reply

from .asking import Asking
from .coroutine import Coroutine, Killed, current
from .hazards import refuse_large

__all__ = ['fits', 'seam']

_PARAMETERS = ['self', 'source_full', 'source_rel', 'content', 'content_tempfile', 'dest', 'task_vars', 'follow']
_STAT = 'ansible.modules.stat'


def fits(copy_class: type) -> bool:
    """Whether this copy action is the one that is known here."""
    method = getattr(copy_class, '_copy_file', None)
    return method is not None and list(inspect.signature(method).parameters) == _PARAMETERS


class _Loader:
    """The data loader of a run ahead: it has the decrypted file already and keeps it."""

    def __init__(self, loader: t.Any, real_file: str, keep: bool) -> None:
        self._loader = loader
        self._real_file = real_file
        self._keep = keep

    def get_real_file(self, *_args: t.Any, **_kwargs: t.Any) -> str:
        return self._real_file

    def cleanup_tmp_file(self, path: str) -> None:
        if not self._keep:
            self._loader.cleanup_tmp_file(path)

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._loader, name)


class _WhatIf(Asking):
    """Owner of a run ahead: answers the stat, notes the call after it."""

    def __init__(self, owner: t.Any, stat: dict[str, t.Any]) -> None:
        super().__init__(guard=owner.guard)
        self.python = owner.python
        self.task_vars = owner.task_vars
        self.tmp_base = owner.tmp_base
        self.sent = True  # too late to turn to the stock path here: the real run will say so
        self._stat = stat
        self.calls: list[Call] = []

    def call(self, action: t.Any, call: Call) -> Reply:
        self.calls.append(call)
        if len(self.calls) > 1:
            raise Killed
        return Reply(rc=0, stdout=json.dumps({'changed': False, 'stat': self._stat}).encode(), stderr=b'')

    def shell(self, shell: t.Any) -> t.Any:
        raise Killed

    def sleep(self, seconds: float) -> None:
        raise Killed


def _ahead(owner: t.Any, run: t.Callable[[t.Any], t.Any], action: t.Any, stat: dict[str, t.Any]) -> list[Call] | None:
    """The calls that the action makes when its stat gives ``stat``; None when it failed otherwise."""
    what_if = _WhatIf(owner, stat)
    outcome: list[str] = []

    def body() -> None:
        try:
            run(action)
            outcome.append('done')
        except Killed:
            outcome.append('asked')
            raise
        except Exception:
            outcome.append('failed')

    coroutine = Coroutine(what_if, body)
    coroutine.resume()
    return what_if.calls if outcome and outcome[0] != 'failed' else None


def _branches(owner: t.Any, run: t.Callable[[t.Any], t.Any], action: t.Any, local_sum: str) -> tuple[Call, list[Branch]] | None:
    """(the stat call, what follows each class of its result), or None when the action cannot be foreseen."""
    shadow = copy.copy(action)
    shadow._connection = copy.copy(action._connection)
    shadow._connection._shell = copy.copy(action._connection._shell)
    shadow._loader = _Loader(action._loader, owner.real_file, keep=True)
    shadow._remove_tempfile_if_content_defined = lambda *_args: None
    stats = {
        'absent': {'exists': False},
        'differs': {'exists': True, 'isdir': False, 'islnk': False, 'checksum': '0' * 40},
        'same': {'exists': True, 'isdir': False, 'islnk': False, 'checksum': local_sum},
    }
    force = action._task.args.get('force', True)
    if force is True or str(force).lower() in ('true', 'yes', '1'):
        del stats['absent']  # to the action that is a file whose checksum differs
    first: Call | None = None
    branches: list[Branch] = []
    for kind, stat in stats.items():
        calls = _ahead(owner, run, shadow, stat)
        if not calls or calls[0].module is None or calls[0].module.fqn != _STAT or (first is not None and calls[0] != first):
            return None
        first = calls[0]
        then = calls[1] if len(calls) > 1 else None
        if then is not None and (then.module is None or then.module.fqn == _STAT or then.target != first.target):
            continue  # the action goes on from here itself
        kinds = (kind,) if kind in ('same', 'absent') or 'absent' in stats else ('absent', kind)
        branches.append(Branch(kinds, then))
    return (first, branches) if first is not None and branches else None


def _single(action: t.Any, content: t.Any) -> bool:
    """Whether the action copies one file, not a tree."""
    if content is not None:
        return True
    try:
        return not os.path.isdir(action._find_needle('files', action._task.args['src']))
    except Exception:
        return False


def seam(original: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    @functools.wraps(original)
    def _copy_file(self: t.Any, source_full: str, source_rel: str, content: t.Any, content_tempfile: t.Any, dest: str, task_vars: t.Any,
                   follow: bool) -> t.Any:
        owner = current()
        args = (source_full, source_rel, content, content_tempfile, dest, task_vars, follow)
        if owner is None or owner.foreseen is not None or self._task.diff:
            return original(self, *args)
        decrypt = self._task.args.get('decrypt', True)
        if decrypt is not True and str(decrypt).lower() not in ('true', 'yes', '1'):
            return original(self, *args)
        try:
            owner.real_file = self._loader.get_real_file(source_full, decrypt=True)
            local_sum = checksum(owner.real_file)
        except Exception:
            return original(self, *args)  # it reports the error itself
        refuse_large(owner, owner.real_file)
        foreseen = _branches(owner, lambda action: original(action, *args), self, local_sum)
        loader = self._loader
        self._loader = _Loader(loader, owner.real_file, keep=False)
        owner.foreseen = (foreseen[0], tuple(foreseen[1]), local_sum, _single(self, content)) if foreseen else None
        try:
            return original(self, *args)
        finally:
            self._loader = loader
            owner.foreseen = None
    return _copy_file
