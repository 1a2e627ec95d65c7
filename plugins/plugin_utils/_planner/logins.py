# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tasks change what a fresh login sees: groups, PAM, name services, sshd, the files that a login shell reads.

Stock Ansible logs in (or runs sudo) anew for every task, so its next task sees such a change at once; an agent that was started
before does not, and is started anew. Names are matched as text, templates included: a match too many costs one start. What a
script or a shell pipeline does out of sight is not found.
"""
from __future__ import annotations

import re

from ansible_collections.rustle.engine.plugins.plugin_utils._planner.arguments import Arguments

__all__ = ['changes_logins']

_FILES = re.compile(
    r'/etc/(pam\.d|pam\.conf|security|ssh/sshd_config|passwd|shadow|group|gshadow|nsswitch\.conf|environment|login\.defs|sudoers|sssd|nslcd'
    r'|krb5\.conf|locale\.conf|default/locale|profile|bash\.bashrc|bashrc|zsh|zshenv|ld\.so|systemd/logind|subuid|subgid)'
    r'|\.(bashrc|bash_profile|profile|zshenv|pam_environment)\b|\.ssh/(environment|rc)\b'
)
_PROGRAMS = re.compile(
    r'(?<!/etc/)\b(useradd|userdel|usermod|adduser|deluser|addgroup|delgroup|groupadd|groupdel|groupmod|groupmems|gpasswd|passwd'
    r'|chpasswd|chsh|newusers|vipw|vigr|visudo|pam-auth-update|pam-config|authselect|authconfig|realm|loginctl|update-locale)\b'
)
_SERVICES = re.compile(r'\b(sshd?|openssh|sssd|nslcd|nscd|systemd-logind|logind)\b')
_PACKAGES = re.compile(r'pam|nss|sssd|openssh|\bssh|sudo|libc6|glibc')

_PACKAGERS = frozenset({'apt', 'dnf', 'dnf5', 'package'})
_STARTERS = frozenset({'service', 'systemd', 'systemd_service', 'sysvinit'})
_RUNNERS = frozenset({'command', 'expect', 'raw', 'script', 'shell'})
_ACCOUNTS = frozenset({'community.general.pam_limits', 'community.general.pamd', 'community.general.sudoers'})


def changes_logins(action: str, args: Arguments) -> bool:
    """``action`` is the short name of a builtin, or a full one; the account modules say it in their own rows."""
    if action in _RUNNERS:
        return bool(_PROGRAMS.search(' '.join(str(args.get(name) or '') for name in ('_raw_params', 'cmd', 'argv', 'command'))))
    if action in _STARTERS:
        return bool(_SERVICES.search(str(args.get('name', 'service', 'unit') or '')))
    if action in _PACKAGERS:
        return bool(_PACKAGES.search(str(args.get('name', 'pkg', 'package') or '')))
    if action in _ACCOUNTS:
        return True
    return bool(_FILES.search(f"{args.get('dest', 'path', 'name', 'destfile') or ''}"))
