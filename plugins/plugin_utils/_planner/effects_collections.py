# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Effects of well-known modules of other collections. Only private ones earn an entry: what is not here is worldly anyway.

Left out on purpose, though they write on one host only: what changes the network or running services at once (sysctl, modprobe,
firewalld, ufw, seboolean), what others may share (mount, lvol, filesystem, parted), and what acts later by itself (at, cron).
"""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._planner.arguments import Arguments
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.rows import (
    Row,
    local_file,
    only_when,
    private,
    private_file,
    private_read,
)

__all__ = ['COLLECTIONS']


def _own_issuer(args: Arguments) -> bool:
    return args.text('provider') in ('selfsigned', 'ownca')


def _not_given(*names: str) -> t.Callable[[Arguments], bool]:
    return lambda args: not args.given(*names)


_path = private_file('path', 'dest', 'name')
_any_file = private('file:*')

_POSIX: dict[str, Row] = {
    'acl': _path,
    'patch': local_file('dest', 'basedir', src='src'),
    'rhel_facts': private_read(),
}

_GENERAL: dict[str, Row] = {
    'alternatives': private('file:/etc/alternatives', 'file:*', alternative=('name',)),
    'archive': private_file('dest', reads=('path',)),
    'capabilities': private_file('path', 'key'),
    'cloud_init_data_facts': private_read(),
    'crypttab': private('file:/etc/crypttab', 'file:*'),
    'dconf': private('dconf:*'),
    'decompress': private_file('dest', reads=('src',)),
    'dpkg_divert': private('file:*'),
    'filesize': _path,
    'git_config': private('file:*'),
    'git_config_info': private_read(),
    'htpasswd': private_file('path', 'dest', 'destfile'),
    'ini_file': private_file('path', 'dest'),
    'interfaces_file': private_file('dest'),
    'iso_create': _any_file,
    'iso_customize': _any_file,
    'iso_extract': _any_file,
    'java_cert': only_when(_not_given('cert_url'), _any_file),
    'java_keystore': _any_file,
    'kernel_blacklist': private('file:/etc/modprobe.d', 'file:*'),
    'listen_ports_facts': private_read(),
    'locale_gen': private('file:/etc/locale.gen', 'file:/usr/lib/locale', 'file:*'),
    'pam_limits': private('file:/etc/security', 'file:*'),
    'pamd': private('file:/etc/pam.d', 'file:*'),
    'pids': private_read(),
    'python_requirements_info': private_read(),
    'read_csv': private_read(),
    'sefcontext': private('sefcontext:*'),
    'ssh_config': _any_file,
    'sudoers': private('file:/etc/sudoers.d', 'file:*'),
    'sysrc': _any_file,
    'systemd_info': private_read(),
    'timezone': private('file:/etc/localtime', 'file:/etc/timezone', 'file:*'),
    'usb_facts': private_read(),
    'xattr': _path,
    'xml': private_file('path', 'dest', 'file'),
}

_CRYPTO: dict[str, Row] = {
    'certificate_complete_chain': private_read(),
    'crypto_info': private_read(),
    'openssh_keypair': _path,
    'openssh_cert': only_when(lambda args: args.truth('use_agent', default=False) is False, _path),
    'openssl_csr': _path,
    'openssl_csr_info': private_read(),
    'openssl_csr_pipe': private_read(),
    'openssl_dhparam': _path,
    'openssl_pkcs12': _path,
    'openssl_privatekey': _path,
    'openssl_privatekey_convert': private_file('dest_path'),
    'openssl_privatekey_info': private_read(),
    'openssl_privatekey_pipe': private_read(),
    'openssl_publickey': _path,
    'openssl_publickey_info': private_read(),
    'openssl_signature': private_read(),
    'openssl_signature_info': private_read(),
    'x509_certificate': only_when(_own_issuer, _path),
    'x509_certificate_convert': private_file('dest_path'),
    'x509_certificate_info': private_read(),
    'x509_certificate_pipe': only_when(_own_issuer, private_read()),
    'x509_crl': _path,
    'x509_crl_info': private_read(),
}

COLLECTIONS: t.Final[t.Mapping[str, Row]] = {
    f'{collection}.{name}': row
    for collection, rows in (('ansible.posix', _POSIX), ('community.general', _GENERAL), ('community.crypto', _CRYPTO))
    for name, row in rows.items()
}
