# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ansible-playbook sets up before it loads a playbook, for commands of ours: command line values, loader, inventory, variables."""
from __future__ import annotations

import contextlib
import os
import typing as t

from ansible import constants as C
from ansible import context
from ansible.cli import CLI
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.vault import VaultSecretsContext
from ansible.plugins.loader import add_all_plugin_dirs
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.utils.collection_loader._collection_finder import _get_collection_playbook_path
from ansible.utils.vars import load_extra_vars
from ansible.vars.clean import clean_facts
from ansible.vars.manager import VariableManager
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import InvalidHostPattern, PlanError, SettingsError

from .documents import Document, DocumentLoader, trusted
from .fact_cache import FactCache

if t.TYPE_CHECKING:
    from ansible_collections.rustle.engine.plugins.plugin_utils._schema.parsed_playbook import ParsedInventory

__all__ = ['Environment', 'borrowed', 'establish']


class Environment(t.NamedTuple):
    loader: t.Any
    inventory: t.Any
    variable_manager: t.Any


@contextlib.contextmanager
def borrowed() -> t.Iterator[None]:
    """What Ansible keeps for a process is as it was afterwards: another plan may be made here, or Ansible itself may be running.

    It begins without the command line's variables and without vault secrets. A pattern that matches nothing ends no plan: the group may be made in the run.
    """
    arguments, known, config = context.CLIARGS, VaultSecretsContext.current(optional=True), AnsibleCollectionConfig
    paths, collection, extra = config.playbook_paths, config.default_collection, getattr(load_extra_vars, 'extra_vars', None)
    VaultSecretsContext._current = None
    vars(load_extra_vars).pop('extra_vars', None)
    mismatch = C.HOST_PATTERN_MISMATCH
    if mismatch == 'error':
        C.HOST_PATTERN_MISMATCH = 'ignore'
    try:
        yield
    finally:
        C.HOST_PATTERN_MISMATCH = mismatch
        context.CLIARGS, VaultSecretsContext._current = arguments, known
        config.playbook_paths, config.default_collection = paths, collection
        vars(load_extra_vars).pop('extra_vars', None)
        if extra is not None:
            load_extra_vars.extra_vars = extra


def establish(
    playbooks: t.Sequence[str], *, inventory: t.Sequence[str], limit: str | None = None, tags: t.Sequence[str] = (), skip_tags: t.Sequence[str] = (),
    extra_vars: t.Sequence[str] = (), check: bool = False, diff: bool = False, forks: int | None = None, vault_ids: t.Sequence[str] = (),
    vault_password_files: t.Sequence[str] = (), ask_vault_pass: bool = False, verbosity: int = 0, documents: t.Sequence[Document] = (),
    parsed: t.Sequence[ParsedInventory] = (), fact_cache: str | None = None,
) -> Environment:
    """Set Ansible up as ``ansible-playbook --list-tasks`` does. PlanError for a playbook that is not there, InvalidHostPattern for a limit.

    ``documents`` stand for some of the ``playbooks``; ``parsed``: inventories beside those that Ansible reads; ``fact_cache``: a folder.
    AnsibleError for all that Ansible itself complains of. Source: ansible/cli/playbook.py (run).
    """
    folders = []
    made_up = {document.path for document in documents}
    for playbook in playbooks:
        if playbook in made_up or _get_collection_playbook_path(playbook) is None:
            if playbook not in made_up:
                _check(playbook)
            folder = os.path.dirname(os.path.abspath(playbook))
            add_all_plugin_dirs(folder)
            folders.append(folder)
    if folders:
        AnsibleCollectionConfig.playbook_paths = folders
    context.CLIARGS = ImmutableDict(
        args=tuple(playbooks), inventory=tuple(inventory), subset=limit, tags=tuple(tags) or ('all',), skip_tags=tuple(skip_tags),
        extra_vars=tuple(extra_vars), check=check, diff=diff, forks=forks or C.DEFAULT_FORKS, vault_ids=tuple(vault_ids),
        vault_password_files=tuple(vault_password_files), ask_vault_pass=ask_vault_pass, verbosity=verbosity, flush_cache=False, syntax=False,
        listtasks=True, listhosts=False, listtags=False, start_at_task=None, step=False, become=False, become_method=None, become_user=None,
        become_ask_pass=False, connection=C.DEFAULT_TRANSPORT, remote_user=C.DEFAULT_REMOTE_USER, private_key_file=C.DEFAULT_PRIVATE_KEY_FILE,
        timeout=C.DEFAULT_TIMEOUT, module_path=None, basedir=None, force_handlers=C.DEFAULT_FORCE_HANDLERS)
    loader = DocumentLoader(documents)
    loader.set_vault_secrets(CLI.setup_vault_secrets(
        loader, vault_ids=[*C.DEFAULT_VAULT_IDENTITY_LIST, *vault_ids], vault_password_files=list(vault_password_files),
        ask_vault_pass=ask_vault_pass, auto_prompt=False))
    _check_extra_vars(loader, extra_vars)
    sources = list(inventory) or ([] if parsed else [source for source in C.DEFAULT_HOST_LIST if not documents or _is_there(source)])
    # without a source Ansible would only warn that there is none
    manager = InventoryManager(loader=loader, sources=sources, parse=bool(sources) or not (documents or parsed))
    for one in parsed:
        _add(one, manager)
    if documents and not manager.hosts:
        _add(_named(name for document in documents for name in document.names), manager)
    if fact_cache is not None:
        cache = FactCache(fact_cache)
        for host in manager.hosts.values():
            _add_facts(host, cache.of(host.name))
    variables = VariableManager(loader=loader, inventory=manager, version_info=CLI.version_info(gitinfo=False))
    try:
        manager.subset(limit)
        hosts = manager.list_hosts('all') if limit else ()
    except AnsibleError as ex:
        raise InvalidHostPattern(str(limit), where='--limit', problem=str(ex)) from ex
    if limit and not hosts and manager.hosts:  # without any there is still the implicit localhost
        raise InvalidHostPattern(limit, where='--limit', hint='rustle-plan --list-hosts without --limit shows the hosts that there are')
    return Environment(loader, manager, variables)


def _check(playbook: str) -> None:
    hint = 'give the path of a playbook, or collection.name.playbook'
    if not os.path.exists(playbook):
        raise PlanError(f'{playbook}: expected a playbook, found nothing there', hint=hint)
    if not os.path.isfile(playbook):
        raise PlanError(f'{playbook}: expected a playbook, found a {"folder" if os.path.isdir(playbook) else "device"}', hint=hint)


def _check_extra_vars(loader: t.Any, given: t.Sequence[str]) -> None:
    """Before the inventory's plugins ask for them: they would complain of an inventory."""
    if '_raw_params' in load_extra_vars(loader):
        wrong = next((text for text in given if '=' not in text and text[:1] not in ('@', '{', '[')), given[-1])
        raise SettingsError(expected='key=value, YAML or JSON, or @file', found=wrong, where='--extra-vars')


def _is_there(source: str) -> bool:
    return ',' in source or os.path.exists(source)


def _named(names: t.Iterable[str]) -> ParsedInventory:
    from ansible_collections.rustle.engine.plugins.plugin_utils._schema.parsed_playbook import ParsedHost, ParsedInventory

    return ParsedInventory(hosts={name: ParsedHost(connection='local' if name in C.LOCALHOST else None) for name in names})


# -- inventories of rustle-parse

_HOST_VARIABLES = {
    'address': 'ansible_host', 'port': 'ansible_port', 'user': 'ansible_user', 'connection': 'ansible_connection', 'connection_timeout': 'ansible_timeout',
    'ansible_become': 'ansible_become', 'become_method': 'ansible_become_method', 'become_user': 'ansible_become_user',
    'become_flags': 'ansible_become_flags', 'ssh_private_key_file': 'ansible_ssh_private_key_file', 'ssh_common_args': 'ansible_ssh_common_args',
    'ssh_extra_args': 'ansible_ssh_extra_args', 'ssh_pipelining': 'ansible_ssh_pipelining',
}


def _add(inventory: ParsedInventory, manager: t.Any) -> None:
    """Put the hosts and groups of a document into Ansible's inventory; facts become variables of their hosts."""
    for name in inventory.groups:
        manager.add_group(name)
    for name, host in inventory.hosts.items():
        _add_host(name, manager, host.groups_of_host)
        said = {variable: getattr(host, field) for field, variable in _HOST_VARIABLES.items()}
        variables = {**{key: value for key, value in said.items() if value is not None}, **host.vars}
        _add_facts(manager.hosts[name], inventory.host_facts.get(name, {}))
        for key, value in trusted(variables).items():
            manager.hosts[name].set_variable(key, value)
    for name, group in inventory.groups.items():
        for child in group.children:
            manager.add_group(child)
            if child != name:
                manager.groups[name].add_child_group(manager.groups[child])
        for host_name in group.hosts:
            _add_host(host_name, manager, [name])
        for key, value in trusted(group.vars).items():
            manager.groups[name].set_variable(key, value)
    for key, value in trusted(inventory.variables).items():
        manager.groups['all'].set_variable(key, value)
    manager.reconcile_inventory()


def _add_facts(host: t.Any, facts: t.Mapping[str, t.Any]) -> None:
    named = {key if key.startswith('ansible_') else f'ansible_{key}': value for key, value in facts.items()}
    for key, value in clean_facts(named).items():
        host.set_variable(key, value)


def _add_host(name: str, manager: t.Any, groups: t.Iterable[str]) -> None:
    manager.add_host(name)
    for group in groups:
        manager.add_group(group)
        if group != 'all':  # every host is in it once the inventory is reconciled
            manager.add_host(name, group)
