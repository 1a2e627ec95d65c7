# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a task touches beside what its entry in the effects tables names: folders above a path, links, and what files stand for.

Rule 1: a folder that may not be there yet is made by the first task that makes what is missing (``folder:/srv/app``): others come after it.
        Folders that every host has, and those that an earlier task certainly has made, are there.
Rule 2: behind a link or a bind mount that the play itself makes, a path is also the path that it leads to. Links that are on a host
        already are not known, but for those that distributions have in common (see `resources`).
Rule 3: who writes the file of the accounts writes all accounts.
"""
from __future__ import annotations

import functools
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import SourceTask
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.arguments import Arguments
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import ANYTHING, overlap, path_resource
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.tables import short_name

__all__ = ['LOGINS', 'Surroundings', 'implied']

LOGINS: t.Final = 'logins:*'
"""Sudoers, PAM and the like, which every task with become goes through; those that change them do so under names of their own."""

_ACCOUNT_FILES = ('/etc/passwd', '/etc/shadow', '/etc/group', '/etc/gshadow', '/etc/nsswitch.conf', '/var/lib/extrausers')
_LOGIN_FILES = (*_ACCOUNT_FILES, '/etc/sudoers', '/etc/sudoers.d', '/etc/pam.d', '/etc/security', '/etc/environment', '/etc/login.defs')


def _folders(folder: str, names: str) -> frozenset[str]:
    return frozenset(f'{folder}/{name}' for name in names.split())


#: folders that are on every host, so that no task makes them
_THERE = (
    _folders('', 'bin boot dev etc home lib media mnt opt proc root run sbin srv sys tmp usr var')
    | _folders('/usr', 'bin include lib local sbin share src')
    | _folders('/usr/local', 'bin etc include lib sbin share src')
    | _folders('/var', 'cache lib lock log run spool tmp')
    | _folders('/etc', 'apt apt/sources.list.d cron.d cron.daily default init.d logrotate.d modprobe.d pam.d profile.d security skel ssh')
    | _folders('/etc', 'sudoers.d sysctl.d systemd systemd/system yum.repos.d')
)

_MOST_ENDS = 100
_SWITCH = {'blockinfile': 'create', 'lineinfile': 'create', 'replace': ''}  # the argument with which they make what is missing
_IN_PLACE = frozenset(
    {'ansible.posix.acl', 'ansible.posix.patch', 'assemble', 'community.general.capabilities', 'community.general.xattr', 'unarchive'})


@functools.lru_cache(maxsize=4096)
def implied(resource: str) -> tuple[str, ...]:
    """What is written with a resource: all accounts with their files, a user's own group with the user."""
    kind, _colon, name = resource.partition(':')
    if kind == 'user':
        return (f'group:{name}',)
    if kind != 'file':
        return ()
    accounts = ('user:*', 'group:*') if _within(resource, _ACCOUNT_FILES) else ()
    return (*accounts, f'logins:{name}') if _within(resource, _LOGIN_FILES) else accounts


def _within(resource: str, paths: t.Iterable[str]) -> bool:
    return any(overlap(resource, f'file:{path}') for path in paths)


class Surroundings:
    """What the tasks of a play have made so far, in their order."""

    def __init__(self) -> None:
        self._made: set[str] = set()
        self._links: list[tuple[str, str]] = []  # (resource, what it leads to)

    def around(self, task: SourceTask, writes: t.Iterable[str], reads: t.Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(writes, reads) with what comes to them here; takes up what the task makes."""
        written, read = self._followed(writes), self._followed(reads)
        made, needed = self._folders(task, written)
        self._removed(task, written)
        self._link(task)
        return (*written, *made), (*read, *needed)

    # -- links

    def _followed(self, resources: t.Iterable[str]) -> tuple[str, ...]:
        found = dict.fromkeys(resources)
        if self._links:
            pending = list(found)
            while pending:
                resource = pending.pop()
                if len(found) > _MOST_ENDS:  # links into themselves
                    return (*found, 'file:*')
                for other in self._ends(resource):
                    if other not in found:
                        found[other] = None
                        pending.append(other)
        return tuple(found)

    def _ends(self, resource: str) -> t.Iterator[str]:
        for link, target in self._links:
            if resource.startswith(f'{link}/') and not target.endswith('*'):
                yield target.rstrip('/') + resource[len(link):]
            elif resource != ANYTHING and overlap(resource, link):
                yield target

    def _link(self, task: SourceTask) -> None:
        args, action = Arguments(task.node.args), short_name(task.node.action)
        mounts = action == 'ansible.posix.mount' and 'bind' in str(args.get('opts') or 'bind') and not str(args.get('src')).startswith('/dev/')
        if not args.given('src') or not (mounts or action == 'file'):
            return
        place, source = args.get('path', 'dest', 'name'), str(args.get('src'))
        link = path_resource('file', place)
        if not source.startswith(('/', '{', '~', '$')) and link != 'file:*':
            source = f'{str(place).rstrip("/").rpartition("/")[0]}/{source}'  # it leads on from its own folder
        self._links.append((link, path_resource('file', source)))

    # -- folders

    def _folders(self, task: SourceTask, writes: t.Iterable[str]) -> tuple[list[str], list[str]]:
        """(folders that it may make, folders that it needs)."""
        paths = [resource[5:] for resource in writes if resource.startswith('file:/')]
        above = dict.fromkeys(folder for path in paths for folder in _above(path))
        certain = _certain(task)
        if certain and short_name(task.node.action) == 'file' and task.node.args.get('state') == 'directory':
            self._made.update(paths)
        if not above:
            return [], []
        if not _makes(task):
            return [], [f'folder:{folder}' for folder in above]
        first = [folder for folder in above if folder not in self._made]
        if certain:
            self._made.update(first)
        return [f'folder:{folder}' for folder in first], [f'folder:{folder}' for folder in above if folder not in first]

    def _removed(self, task: SourceTask, writes: t.Iterable[str]) -> None:
        """What somebody may have removed since is not there for certain."""
        if not self._made:
            return
        wide = [resource for resource in writes if resource in (ANYTHING, 'file:*')]
        if wide:
            self._made.clear()
        elif short_name(task.node.action) == 'file' and Arguments(task.node.args).text('state') in ('absent', None):
            self._made = {folder for folder in self._made if not any(overlap(f'file:{folder}', resource) for resource in writes)}


@functools.lru_cache(maxsize=4096)
def _above(path: str) -> tuple[str, ...]:
    """Folders above a path that not every host has."""
    found = []
    folder = path.rstrip('/').rpartition('/')[0]
    while folder and folder not in _THERE:
        found.append(folder)
        folder = folder.rpartition('/')[0]
    return tuple(found)


def _certain(task: SourceTask) -> bool:
    """Whether a task runs on every host that reaches it, and with these arguments."""
    conditional = any(condition.kind != 'tag' and condition.decided is not True for condition in task.conditions)
    return not (conditional or task.check_mode or task.node.loop or task.node.when_constant_false or any(part != 'block' for _block, part in task.blocks))


def _makes(task: SourceTask) -> bool:
    """Whether a task may make the folders above what it writes. In doubt it does; who declares effects has named all of them."""
    if task.node.declared_effects is not None:
        return False
    action, args = short_name(task.node.action), Arguments(task.node.args)
    if action == 'file':
        state = args.text('state')
        return state not in ('absent', 'file', 'hard', 'link', 'touch') and (state != '' or args.given('recurse'))
    if action in _SWITCH:
        return bool(_SWITCH[action]) and args.truth(_SWITCH[action], default=False) is not False
    if action in ('copy', 'template'):
        whole = str(args.get('dest') or '').endswith('/')
        return whole or args.hidden or (action == 'copy' and args.given('src') and not task.files)
    return action not in _IN_PLACE and not action.startswith('community.crypto.')
