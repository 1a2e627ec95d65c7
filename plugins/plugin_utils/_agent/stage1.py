# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stage 1: the program text that starts an agent on a target, and how an archive is packed for it.

Rule 1: it runs on Python 3.8 and up with the standard library, before anything of ours is on the target.
Rule 2: it says one line, ``RUSTLE-HAVE <marker>`` or ``RUSTLE-NEED <marker>``; behind HAVE the agent speaks.
Rule 3: what stdin brings before the line of the marker is the agent's; then comes the packed archive, then the agent's again.
Rule 4: code is taken from no folder that another user may write: without a cache of its own it uses a temporary folder.
"""
from __future__ import annotations

import base64
import functools
import shlex
import zlib

__all__ = ['delivery', 'stage1_command']

# The globals that it hands to the archive's __main__: `sha`; `first`, what has arrived for the agent; `scratch`, a folder to remove
# at the end. The size is compared before the checksum: a wrong file is not read.
STAGE1 = '''
import hashlib, zipimport, zlib
sha, marker, size = sys.argv[1:]
own = os.environ.get("RUSTLE_AGENT_CACHE")
home = os.path.expanduser("~")
folder = own or home + "/.ansible/rustle"
first, scratch, data = b"", None, b""
def safe(*places):
    for place in places:
        if os.stat(place).st_uid != os.geteuid(): raise OSError
    if os.stat(folder).st_mode & 18: raise OSError
    return folder + "/" + sha + ".pyz"
def read():
    data = os.read(0, 1 << 18)
    return data or sys.exit("rustle: the connection ended before the payload was here")
def whole(): return hashlib.sha256(data).hexdigest() == sha
places = [folder] if own else [home, home + "/.ansible", folder]
try:
    path = safe(*places)
    if os.stat(path).st_size == int(size):
        with open(path, "rb") as file: data = file.read()
except OSError: pass
have = whole()
os.write(1, ("RUSTLE-%s %s\\n" % ("HAVE" if have else "NEED", marker)).encode())
if not have:
    end = ("\\n%s\\n" % marker).encode()
    got, at = bytearray(), -1
    while at < 0:
        seen = max(0, len(got) - len(end))
        got += read()
        at = got.find(end, seen)
    packed = zlib.decompressobj()
    data = packed.decompress(bytes(got[at + len(end):]))
    while not packed.eof: data += packed.decompress(read())
    first = bytes(got[:at]) + packed.unused_data
    if not whole(): sys.exit("rustle: the payload arrived damaged")
    mask = os.umask(63)
    try:
        os.makedirs(folder, exist_ok=True)
        path = safe(*places)
        part = path + ".%d" % os.getpid()
        with open(part, "wb") as file: file.write(data)
        os.rename(part, path)
    except OSError:
        import tempfile
        scratch = tempfile.mkdtemp("", "rustle-")
        path = scratch + "/" + sha + ".pyz"
        with open(path, "wb") as file: file.write(data)
    os.umask(mask)
sys.path.insert(0, path)
sys.argv[:] = [path]
exec(zipimport.zipimporter(path).get_code("__main__"),
    {"__name__": "__main__", "__file__": path + "/__main__.py", "sha": sha, "first": first, "scratch": scratch})
'''

# Before anything is imported from a file: the working folder is no place to import from.
_UNPACK = (
    'import os,sys;sys.path[:]=[p for p in sys.path if p not in("",".")];'
    'import base64,zlib;exec(zlib.decompress(base64.b64decode("%s")))'
)


@functools.lru_cache(maxsize=1)
def _program() -> str:
    return _UNPACK % base64.b64encode(zlib.compress(STAGE1.encode(), 9)).decode()


def stage1_command(python: str, sha: str, size: int, marker: str) -> str:
    """The command for a POSIX shell on the target: one line, no quotes inside its quotes.

    ``python`` is a path or a name, taken literally as Ansible does; ``sha`` and ``size`` are the archive's; ``marker`` is a random
    word that nothing else on the stream contains.
    """
    return f'{shlex.quote(python)} -c {shlex.quote(_program())} {sha} {marker} {size:d}'


def delivery(archive: bytes, marker: str) -> bytes:
    """What answers NEED: the line of the marker, then the packed archive."""
    return f'\n{marker}\n'.encode() + _packed(archive)


@functools.lru_cache(maxsize=4)
def _packed(archive: bytes) -> bytes:
    return zlib.compress(archive, 9)
