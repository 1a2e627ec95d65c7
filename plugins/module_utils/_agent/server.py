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


def main(archive, sha=None, initial=b""):
    """Run the agent on stdin and stdout until its controller is gone.

    `archive`: path of the payload that this file came out of, verified; `sha`: its sha256 (None: find out);
    `initial`: bytes that were read from stdin already.
    """
    gc.disable()  # almost nothing that imports make is garbage; children turn it on again
    code = 1
    try:
        table = codefile.read(archive)
        _import_first(archive, table, "hooks")
        from .hooks import Hooks

        hooks = Hooks()  # the importer already imports libraries that have some
        _import_first(archive, table, "payload")
        from .payload import Archive, Mount

        path = [entry for entry in sys.path if entry not in ("", ".", archive)]
        mount = Mount()
        mount.add(Archive(archive, table))
        from .loop import Loop

        Loop(mount, sha or _sha256(archive), path, hooks, 0, 1).run(initial)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        try:
            sys.stderr.flush()
        finally:
            os._exit(code)


def _import_first(archive, table, name):
    """Import a module that comes before the importer, where there is compiled code of it."""
    import marshal

    file = "rustle_agent/%s.py" % name
    if table is None or file not in table["code"]:
        return
    module = types.ModuleType("%s.%s" % (__package__, name))
    module.__package__ = __package__
    module.__file__ = os.path.join(archive, file)
    sys.modules[module.__name__] = module
    exec(marshal.loads(table["code"][file]), module.__dict__)
    setattr(sys.modules[__package__], name, module)


def _sha256(path):
    import hashlib

    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
