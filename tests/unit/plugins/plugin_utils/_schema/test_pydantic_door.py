"""Without pydantic the room can be imported, and its first use says what to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ansible_collections.rustle.engine.plugins.plugin_utils._schema._pydantic as door
import pytest

SCRIPT = """
import sys
sys.modules['pydantic'] = None
from ansible_collections.rustle.engine.plugins.plugin_utils._schema import _pydantic, settings
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import MissingPackage
print(settings.resolve(variables={}, environ={'RUSTLE_MODE': 'ssh'}, config={}).mode)
try:
    settings.resolve(variables={'rustle_lookahead': 5}, environ={}, config={})
except MissingPackage as ex:
    print(_pydantic.HAS_PYDANTIC, ex)
"""


def test_pydantic_is_here_in_the_tests() -> None:
    assert door.HAS_PYDANTIC


def test_without_pydantic_one_line_names_the_package() -> None:
    collections = next(parent for parent in Path(door.__file__).parents if parent.name == "ansible_collections").parent
    run = subprocess.run([sys.executable, "-c", SCRIPT], env={"PYTHONPATH": str(collections)}, capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.fail(run.stderr)
    assert run.stdout.startswith("ssh\nFalse ") and "pip install pydantic" in run.stdout
