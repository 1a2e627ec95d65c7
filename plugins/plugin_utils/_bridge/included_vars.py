# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which variables an include_vars may set. Names only: which files it reads, and so what they are set to, is known in the run.

Rule: where a name of a file is a template, it may be any file in the folders ``vars`` that Ansible looks in.
"""
from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleError

from .names import NOTHING, reading_of

__all__ = ['names_set']

_KINDS = ('', '.yml', '.yaml', '.json')
_MOST = 200  # files of one task


def names_set(task: t.Any, loader: t.Any) -> frozenset[str]:
    """``loader``: a DataLoader. A file that cannot be read, or decrypted, sets nothing that is known."""
    whole = task.args.get('name')
    if whole:
        return frozenset() if '{{' in str(whole) else frozenset((str(whole),))
    found: set[str] = set()
    for path in _files(task, loader):
        try:
            data = loader.load_from_file(path)
        except AnsibleError:
            continue
        if isinstance(data, t.Mapping):
            found.update(map(str, data))
    return frozenset(found)


def _files(task: t.Any, loader: t.Any) -> list[str]:
    source = task.args.get('_raw_params') or task.args.get('file')
    if isinstance(source, str) and reading_of(source) is NOTHING:
        try:
            return [loader.path_dwim_relative_stack(task.get_search_path(), 'vars', source)]
        except AnsibleError:
            return []
    folders = [os.path.join(top, 'vars') for top in (*task.get_search_path(), loader.get_basedir())]
    folder = task.args.get('dir')
    if isinstance(folder, str) and reading_of(folder) is NOTHING:
        folders = [os.path.join(top, folder) for top in (*folders, *map(os.path.dirname, folders))]
    found = dict.fromkeys(
        os.path.join(place, name) for folder in dict.fromkeys(folders) for place, _folders, names in os.walk(folder)
        for name in sorted(names) if os.path.splitext(name)[1] in _KINDS)
    return list(found)[:_MOST]
