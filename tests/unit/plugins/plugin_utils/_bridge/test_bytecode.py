# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Own files are imported by way of Python's cache of bytecode, everything else as before."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import bytecode
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.bytecode import _Finder

COLLECTION = "ansible_collections.rustle.engine.plugins"
FOLDER = str(Path(bytecode.__file__).parent)

# as the strategy does it: Ansible's own finder first, then ours
RUN = """
import sys
from ansible.plugins.loader import init_plugin_loader
init_plugin_loader()
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import bytecode
bytecode.install()
bytecode.install()
from ansible_collections.rustle.engine.plugins.plugin_utils._run import session
from ansible_collections.rustle.engine.plugins.module_utils._agent import framing
print(sum(finder.__name__ == "_Finder" for finder in sys.meta_path if isinstance(finder, type) and finder.__module__ == bytecode.__name__))
for module in (session, framing):
    print(module.__name__, module.__file__, type(module.__loader__).__name__, bool(module.__cached__))
"""


def test_a_module_of_ours_is_found_where_it_lies() -> None:
    spec = _Finder.find_spec(f"{COLLECTION}.plugin_utils._bridge.bytecode", [FOLDER])
    assert spec is not None
    assert isinstance(spec.loader, SourceFileLoader)
    assert spec.origin == bytecode.__file__


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (f"{COLLECTION}.plugin_utils._bridge.nothing", [FOLDER]),
        (f"{COLLECTION}.strategy.rustle_binary_hybrid", [FOLDER]),
        ("ansible_collections.other.engine.plugins.plugin_utils.bytecode", [FOLDER]),
        ("bytecode", [FOLDER]),
        (f"{COLLECTION}.plugin_utils._bridge.bytecode", None),
    ],
)
def test_anything_else_is_left_to_others(name: str, path: list[str] | None) -> None:
    assert _Finder.find_spec(name, path) is None


def test_a_process_imports_what_was_compiled_before(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env |= {"PYTHONPYCACHEPREFIX": str(tmp_path), "ANSIBLE_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", RUN], env=env, capture_output=True, text=True, check=True, timeout=60)
    count, *lines = done.stdout.splitlines()
    assert count == "1"
    assert [line.split()[0] for line in lines] == [f"{COLLECTION}.plugin_utils._run.session", f"{COLLECTION}.module_utils._agent.framing"]
    assert all(line.endswith("SourceFileLoader True") for line in lines), lines
    for name in ("session", "framing"):
        assert list(tmp_path.rglob(f"{name}.*.pyc")), f"{name} was not kept"
