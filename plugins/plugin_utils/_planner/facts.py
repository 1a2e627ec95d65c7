# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which variables may come from gathered facts, going by their names. Plans and runs ask the same question."""
from __future__ import annotations

__all__ = ['is_fact']

_PREFIXES = ('ansible_', 'facter_', 'ohai_')
_NOT_FACTS = frozenset(
    {'ansible_check_mode', 'ansible_diff_mode', 'ansible_forks', 'ansible_inventory_sources', 'ansible_limit', 'ansible_loop', 'ansible_loop_var'}
    | {'ansible_index_var', 'ansible_run_tags', 'ansible_skip_tags', 'ansible_verbosity', 'ansible_version', 'ansible_config_file'}
    | {'ansible_playbook_python', 'ansible_play_name', 'ansible_role_name', 'ansible_role_names', 'ansible_play_role_names', 'ansible_search_path'}
    | {'ansible_dependent_role_names', 'ansible_parent_role_names', 'ansible_parent_role_paths', 'ansible_collection_name', 'ansible_host'}
    | {'ansible_python_interpreter', 'ansible_connection', 'ansible_port', 'ansible_user', 'ansible_become', 'ansible_become_user'}
    | {'ansible_become_method', 'ansible_play_hosts', 'ansible_play_hosts_all', 'ansible_play_batch'}
)


def is_fact(name: str) -> bool:
    """Whether a variable may come from gathered facts, going by its name."""
    return name.startswith(_PREFIXES) and name not in _NOT_FACTS
