# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options and files of the action binary_deployment; its states are run in tests/integration/test_deployments.py."""

from __future__ import annotations

import os
import pathlib
import stat
import typing as t

import pytest
import yaml
from ansible_collections.rustle.engine.plugins.modules import binary_deployment
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import deploying
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError

SHA = "0" * 64


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "state planned: expected one of tasks, modules and playbook, found none"),
        ({"foo": 1, "modules": ["ping"]}, "there is no option foo"),
        ({"modules": ["ping"], "playbook": "x"}, "modules and playbook exclude each other"),
        ({"modules": ["ping"], "state": "gone"}, "value of state must be one of"),
        ({"tasks": "ping"}, "tasks: expected a list of tasks, found str"),
        ({"tasks": ["ping"]}, "tasks: expected a list of tasks"),
        ({"modules": ["ping"], "play": "x"}, "play: expected the playbook that it is in"),
        ({"modules": ["ping"], "state": "built"}, "state built: expected dest"),
        ({"modules": ["ping"], "state": "built", "dest": "x", "bundles": True}, "bundles: expected state built and tasks"),
        ({"tasks": [{}], "bundles": True}, "bundles: expected state built and tasks"),
        ({"modules": ["ping"], "name": "../x"}, "name: expected the beginning of a file name, found '../x'"),
        ({"state": "absent", "sha256": ["12"]}, "sha256: expected 12 to 64 lower-case hex digits, found '12'"),
        ({"state": "present", "modules": ["ping"], "sha256": [SHA]}, "sha256: expected state absent, found present"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(RustleError) as refused:
        deploying._validated(options)
    assert words in str(refused.value)


def test_the_documented_options_are_those_of_action_and_module() -> None:
    documented = set(yaml.safe_load(binary_deployment.DOCUMENTATION)["options"])
    assert documented == {*deploying._SPEC, "tasks"}


def test_sums_of_other_files_stay_while_the_files_do(tmp_path: pathlib.Path) -> None:
    (tmp_path / "other.pyz").touch()
    old = f"{'1' * 64}  other.pyz\n{'2' * 64}  gone.pyz\n{'3' * 64}  site.pyz\n"
    assert deploying._sums(old, {"site.pyz": SHA}, str(tmp_path)) == f"{'1' * 64}  other.pyz\n{SHA}  site.pyz\n"


@pytest.mark.parametrize(("private", "mode"), [(True, 0o600), (False, 0o640)])
def test_files_are_written_whole_and_private_ones_for_their_owner(tmp_path: pathlib.Path, private: bool, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    mask = os.umask(0o027)
    try:
        deploying._write(str(path), b"new", private=private)
    finally:
        os.umask(mask)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode), os.listdir(tmp_path)) == (b"new", mode, ["file"])
