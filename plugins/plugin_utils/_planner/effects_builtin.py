# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Effects of the modules and actions of ansible.builtin, as they are in ansible-core 2.19 to 2.21. A name that is not here is worldly."""
from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.arguments import Arguments, is_template
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.readonly import only_reads, words_of
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import ANYTHING, path_resource
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.rows import (
    Row,
    local_file,
    nothing,
    only_when,
    owners,
    private,
    private_file,
    private_read,
    worldly,
)

__all__ = ['BUILTIN']

_ACCOUNT_FILES = tuple(f'file:/etc/{name}' for name in ('passwd', 'shadow', 'group', 'gshadow', 'subuid', 'subgid'))


def _controller_files(*names: str, writes: tuple[str, ...] = ()) -> Row:
    """Reads files of the controller, changes nothing but its memory."""

    def row(args: Arguments) -> Effects:
        read = tuple(resource for name in names for resource in args.paths(name, kind='controller'))
        return Effects(Scope.NONE, writes=writes, reads=read or ('controller:*',), controller_reads=True)

    return row


def _set_fact(args: Arguments) -> Effects:
    if args.hidden:
        return Effects(Scope.NONE, writes=('var:*',))
    names = (name for name in args.names() if name != 'cacheable')
    return Effects(Scope.NONE, writes=tuple('var:*' if is_template(name) else f'var:{name}' for name in names))


def _include_vars(args: Arguments) -> Effects:
    read = args.paths('file', '_raw_params', 'dir', kind='controller') or ('controller:*',)
    return Effects(Scope.NONE, writes=args.named('var', 'name') or ('var:*',), reads=read, controller_reads=True)


def _meta(args: Arguments) -> Effects:
    verb = args.text('_raw_params')
    if verb == 'reset_connection':
        return Effects(Scope.NONE, restarts_agent=True)
    if verb in ('refresh_inventory', None):
        # inventory scripts run anew
        return Effects(Scope.WORLDLY, writes=('controller:*',), reads=('controller:*',), controller_reads=True)
    return Effects(Scope.NONE)


def _command(args: Arguments) -> Effects:
    words = words_of(args.raw)
    # whether a shell is used is unknown when arguments are out of sight
    if words is not None and args.truth('_uses_shell', default=False) is False and only_reads(words):
        return Effects(Scope.PRIVATE, reads=(ANYTHING,))
    return Effects(Scope.WORLDLY, writes=(ANYTHING,), reads=(ANYTHING,))


def _script(args: Arguments) -> Effects:
    return Effects(Scope.WORLDLY, writes=(ANYTHING,), reads=(ANYTHING, 'controller:*'), controller_reads=True)


def _fetch(args: Arguments) -> Effects:
    written = args.paths('dest', kind='controller') or ('controller:*',)
    return Effects(Scope.WORLDLY, writes=written, reads=args.paths('src') or ('file:*',), controller_writes=True)


def _template(args: Arguments) -> Effects:
    effects = local_file('dest', src='src')(args)
    # a template may include others
    return dataclasses.replace(effects, reads=(*effects.reads, 'controller:*'), controller_reads=True)


def _unarchive(args: Arguments) -> Effects:
    effects = local_file('dest', src='src')(_unarchive_arguments(args))
    return dataclasses.replace(effects, reads=(*effects.reads, *args.paths('creates')))


def _unarchive_arguments(args: Arguments) -> Arguments:
    """``copy`` is the old opposite of ``remote_src``."""
    if not args.given('copy'):
        return args
    copied = args.truth('copy', default=True)
    return Arguments({**args.raw, 'remote_src': args.get('copy') if copied is None else not copied})


def _not_a_url(*names: str) -> t.Callable[[Arguments], bool]:
    def condition(args: Arguments) -> bool:
        texts = [args.text(name) for name in names]
        return all(text is not None and '://' not in text for text in texts)

    return condition


def _unarchive_is_local(args: Arguments) -> bool:
    # a source that the controller uploads is a file of the controller; only the module itself takes URLs
    return _unarchive_arguments(args).truth('remote_src', default=False) is False or _not_a_url('src')(args)


def _apt_repository_is_local(args: Arguments) -> bool:
    # ppa: asks launchpad for the key; the cache is updated unless told otherwise
    repo = args.text('repo')
    return repo is not None and not repo.startswith('ppa:') and args.truth('update_cache', 'update-cache', default=True) is False


def _getent_is_local(args: Arguments) -> bool:
    # hosts, networks, netgroup and the like ask the network
    return args.text('database') in ('passwd', 'group', 'shadow', 'gshadow', 'services', 'protocols', 'rpc', 'initgroups')


def _known_hosts(args: Arguments) -> Effects:
    path = args.paths('path') or ('file:*',)
    return Effects(Scope.PRIVATE, writes=path, reads=path)


def _user(args: Arguments) -> Effects:
    home = args.paths('home') or ('file:*',)
    named = args.named('user', 'name', 'user') or ('user:*',)
    groups = (*args.named('group', 'group'), *args.named('group', 'groups'))
    return Effects(Scope.PRIVATE, writes=(*named, *_ACCOUNT_FILES, *home), reads=(*named, *groups, *home), restarts_agent=True)


def _group(args: Arguments) -> Effects:
    named = args.named('group', 'name') or ('group:*',)
    return Effects(Scope.PRIVATE, writes=(*named, *_ACCOUNT_FILES), reads=named, restarts_agent=True)


def _file(args: Arguments) -> Effects:
    path = args.paths('path', 'dest', 'name') or ('file:*',)
    # a link's target that is not absolute is relative to the link
    target = args.paths('src')
    return Effects(Scope.PRIVATE, writes=path, reads=(*path, *target, *owners(args)))


def _facts(args: Arguments) -> Effects:
    return Effects(Scope.PRIVATE, writes=('var:ansible_facts',), reads=(ANYTHING,))


def _find(args: Arguments) -> Effects:
    paths = args.get('paths', 'path', 'name')
    listed = paths.split(',') if isinstance(paths, str) else paths if isinstance(paths, (list, tuple)) else ()
    return Effects(Scope.PRIVATE, reads=tuple(path_resource('file', path) for path in listed) or ('file:*',))


def _read_file(*names: str) -> Row:
    def row(args: Arguments) -> Effects:
        return Effects(Scope.PRIVATE, reads=args.paths(*names) or ('file:*',))

    return row


def _reboot(args: Arguments) -> Effects:
    return Effects(Scope.WORLDLY, writes=(ANYTHING,), reads=(ANYTHING,), restarts_agent=True)


_edited = private_file('path', 'dest', 'destfile', 'name')
_package = worldly(package=('name', 'pkg', 'package'))
_service = worldly(service=('name', 'service', 'unit'))

BUILTIN: t.Final[t.Mapping[str, Row]] = {
    # the controller's memory
    'add_host': nothing,
    'assert': nothing,
    'debug': nothing,
    'fail': nothing,
    'group_by': nothing,
    'meta': _meta,
    'set_fact': _set_fact,
    'set_stats': nothing,
    'validate_argument_spec': nothing,
    # the controller's memory and files
    'import_playbook': _controller_files('_raw_params'),
    'import_role': _controller_files(),
    'import_tasks': _controller_files('_raw_params', 'file'),
    'include_role': _controller_files(),
    'include_tasks': _controller_files('_raw_params', 'file'),
    'include_vars': _include_vars,
    'fetch': _fetch,
    # files of the host
    'assemble': local_file('dest', src='src', remote_src=True),
    'blockinfile': _edited,
    'copy': local_file('dest', src='src'),
    'file': _file,
    'find': _find,
    'known_hosts': _known_hosts,
    'lineinfile': _edited,
    'replace': _edited,
    'slurp': _read_file('src', 'path'),
    'stat': _read_file('path', 'dest', 'name'),
    'tempfile': private_file('path'),
    'template': _template,
    'unarchive': only_when(_unarchive_is_local, _unarchive),
    # accounts, package lists and facts of the host
    'apt_key': only_when(lambda args: not args.given('url', 'keyserver'), private('file:/etc/apt', 'apt-keys:*')),
    'apt_repository': only_when(_apt_repository_is_local, private('file:/etc/apt')),
    'deb822_repository': only_when(
        lambda args: _not_a_url('signed_by')(args) and args.truth('install_python_debian', default=False) is False,
        private('file:/etc/apt'),
    ),
    'debconf': private(debconf=('name', 'pkg')),
    'dpkg_selections': private(package=('name',)),
    'gather_facts': _facts,
    'getent': only_when(_getent_is_local, private_read()),
    'group': _group,
    'package_facts': private_read('package:*', 'file:*'),
    'ping': private_read('host:*'),
    'rpm_key': only_when(_not_a_url('key'), private('rpm-keys:*')),
    'service_facts': private_read('service:*', 'file:*'),
    'setup': _facts,
    'user': _user,
    'yum_repository': private('file:/etc/yum.repos.d', 'file:*'),
    # anything
    'apt': _package,
    'async_status': worldly(),
    'async_wrapper': worldly(),
    'command': _command,
    'cron': worldly(cron=('name', 'cron_file')),
    'dnf': _package,
    'dnf5': _package,
    'expect': worldly(),
    'get_url': worldly(),
    'git': worldly(),
    'hostname': worldly(),
    'iptables': worldly(),
    'mount_facts': worldly(),  # sizes of network mounts are what others make them
    'package': _package,
    'pause': worldly(),
    'pip': _package,
    'raw': worldly(),
    'reboot': _reboot,
    'script': _script,
    'service': _service,
    'shell': worldly(),
    'subversion': worldly(),
    'systemd': _service,
    'systemd_service': _service,
    'sysvinit': _service,
    'uri': worldly(),
    'wait_for': worldly(),
    'wait_for_connection': worldly(),
}
