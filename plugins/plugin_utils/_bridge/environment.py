# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ansible-playbook sets up before it loads a playbook, for commands of ours: command line values, loader, inventory, variables."""
from __future__ import annotations

import os
import typing as t

from ansible import constants as C
from ansible import context
from ansible.cli import CLI
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.common.collections import ImmutableDict
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import add_all_plugin_dirs
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.utils.collection_loader._collection_finder import _get_collection_playbook_path
from ansible.vars.manager import VariableManager
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import InvalidHostPattern, PlanError

__all__ = ['Environment', 'establish']


class Environment(t.NamedTuple):
    loader: t.Any
    inventory: t.Any
    variable_manager: t.Any


def establish(
    playbooks: t.Sequence[str], *, inventory: t.Sequence[str], limit: str | None = None, tags: t.Sequence[str] = (), skip_tags: t.Sequence[str] = (),
    extra_vars: t.Sequence[str] = (), check: bool = False, diff: bool = False, forks: int | None = None, vault_ids: t.Sequence[str] = (),
    vault_password_files: t.Sequence[str] = (), ask_vault_pass: bool = False, verbosity: int = 0,
) -> Environment:
    """Set Ansible up as ``ansible-playbook --list-tasks`` does. PlanError for a playbook that is not there, InvalidHostPattern for a limit.

    AnsibleError for all that Ansible itself complains of. Source: ansible/cli/playbook.py (run).
    """
    folders = []
    for playbook in playbooks:
        if _get_collection_playbook_path(playbook) is None:
            if not os.path.exists(playbook):
                raise PlanError(f'{playbook}: expected a playbook, found nothing there', hint='give the path of a playbook, or collection.name.playbook')
            if os.path.isdir(playbook):
                raise PlanError(f'{playbook}: expected a playbook, found a folder')
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
    loader = DataLoader()
    loader.set_vault_secrets(CLI.setup_vault_secrets(
        loader, vault_ids=[*C.DEFAULT_VAULT_IDENTITY_LIST, *vault_ids], vault_password_files=list(vault_password_files),
        ask_vault_pass=ask_vault_pass, auto_prompt=False))
    manager = InventoryManager(loader=loader, sources=list(inventory) or C.DEFAULT_HOST_LIST)
    variables = VariableManager(loader=loader, inventory=manager, version_info=CLI.version_info(gitinfo=False))
    manager.subset(limit)
    if limit and not manager.list_hosts('all'):
        raise InvalidHostPattern(limit, where='--limit', hint='rustle-plan --list-hosts without --limit shows the hosts that there are')
    return Environment(loader, manager, variables)
