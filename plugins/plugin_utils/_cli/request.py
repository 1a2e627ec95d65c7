# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a user asks to be planned. Python's own library only: it is read before Ansible is there."""
from __future__ import annotations

import dataclasses
import typing as t

__all__ = ['Request', 'request_of']


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What to plan. None where the settings decide. ``latency`` in seconds; ``build``: build the deployments' payloads for their sizes.

    A playbook ``-`` is a document of rustle-parse on standard input.
    """

    playbooks: tuple[str, ...]
    inventory: tuple[str, ...] = ()
    limit: str | None = None
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    extra_vars: tuple[str, ...] = ()
    vault_ids: tuple[str, ...] = ()
    vault_password_files: tuple[str, ...] = ()
    ask_vault_pass: bool = False
    strategy: str | None = None
    serial: str | None = None
    forks: int | None = None
    check: bool = False
    diff: bool = False
    binary_threshold: int | None = None
    force_binary: bool = False
    force_ssh: bool = False
    optimization_level: int | None = None
    latency: float | None = None
    target_arch: str = ''
    target_os: str = ''
    fact_cache: str | None = None
    build: bool = False
    verbosity: int = 0


def request_of(given: t.Mapping[str, t.Any], **more: t.Any) -> Request:
    """What a command line asks for: rustle-plan's, or a run's, which has the same options. ``more``: fields that they have not, or call otherwise."""
    listed = ('inventory', 'tags', 'skip_tags', 'extra_vars', 'vault_ids', 'vault_password_files')
    found = {name: tuple(given.get(name) or ()) for name in listed} | {name: bool(given.get(name)) for name in ('ask_vault_pass', 'check', 'diff')}
    return Request(**found | more)
