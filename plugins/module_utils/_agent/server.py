# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The door by which stage 1, and `python <payload>`, enter the agent.

Rule 1: keep this file small. It and codefile.py are compiled at each start of an agent, everything else comes out of the code file.
Rule 2: `main` does not return: the process is the agent's, and ends with it.
"""

from __future__ import annotations

import gc
import os
import sys
import types

from . import codefile

__all__ = ["main"]

_FIRST = "rustle_agent/payload.py"


def main(archive, sha=None, initial=b""):
    """Run the agent on stdin and stdout until its controller is gone.

    `archive`: path of the payload that this file came out of, verified; `sha`: its sha256 (None: find out);
    `initial`: bytes that were read from stdin already.
    """
    gc.disable()  # almost nothing that imports make is garbage; children turn it on again
    code = 1
    try:
        table = codefile.read(archive)
        if table is not None and _FIRST in table["code"]:
            _import_first(archive, table["code"][_FIRST])
        from .payload import Archive, Mount

        path = [entry for entry in sys.path if entry not in ("", ".", archive)]
        mount = Mount()
        mount.add(Archive(archive, table))
        from .loop import Loop

        Loop(mount, sha or _sha256(archive), path, 0, 1).run(initial)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        try:
            sys.stderr.flush()
        finally:
            os._exit(code)


def _import_first(archive, marshalled):
    """Import the importer: what comes after it, it imports without compiling."""
    import marshal

    name = __package__ + ".payload"
    module = types.ModuleType(name)
    module.__package__ = __package__
    module.__file__ = os.path.join(archive, _FIRST)
    sys.modules[name] = module
    exec(marshal.loads(marshalled), module.__dict__)
    sys.modules[__package__].payload = module  # type: ignore[attr-defined]


def _sha256(path):
    import hashlib

    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
