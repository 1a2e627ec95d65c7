# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Places in a host's file system that are more than its own: file systems shared over the network, and switches of the kernel."""
from __future__ import annotations

import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import conflicts

__all__ = ['leaves_the_host', 'shared_mounts']

_SHARED_TYPES = frozenset(
    {'9p', 'afs', 'beegfs', 'ceph', 'cifs', 'fuse.cephfs', 'fuse.glusterfs', 'fuse.sshfs', 'gfs2', 'glusterfs', 'gpfs', 'lustre'}
    | {'ncpfs', 'nfs', 'nfs4', 'ocfs2', 'orangefs', 'smb3', 'smbfs', 'virtiofs'}
)
_SHARED = ('file:/net', 'file:/afs')  # where automounters put other machines
_AT_ONCE = ('file:/proc', 'file:/sys')  # what is written here acts at once, as the worldly sysctl does


def shared_mounts(mounts: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[str, ...]:
    """Mount points that other machines share, out of the fact ``ansible_mounts``."""
    return tuple(
        str(mount['mount']) for mount in mounts if str(mount.get('fstype', '')).lower() in _SHARED_TYPES and mount.get('mount')
    )


def leaves_the_host(effects: Effects, mounts: t.Iterable[str] = ()) -> bool:
    """Whether a known path of private effects is beyond the host after all. Unknown paths (``file:*``) are not held for such."""
    shared = (*_SHARED, *(f'file:{mount}' for mount in mounts))
    written, read = _known(effects.writes), _known(effects.reads)
    return conflicts(written, _AT_ONCE) or conflicts((*written, *read), shared)


def _known(resources: t.Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in resources if name.startswith('file:/') and name != 'file:/')
