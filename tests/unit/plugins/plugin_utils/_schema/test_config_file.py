"""The [rustle] section is read as Ansible reads the file, and values know their lines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible.config.manager import find_ini_config_file
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import SettingsError
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.config_file import find_config, parse_config, read_config

FILE = """\
# a comment
[defaults]
mode = not ours
stdout_callback = 100%sure

[rustle]
; a comment
mode = ssh ; why not
Ordering: host

[ssh_connection]
pipelining = true
"""


def test_only_the_section_is_read() -> None:
    assert parse_config(FILE, path="/x") == {"mode": "ssh", "ordering": "host"}


def test_each_value_knows_its_file_and_line() -> None:
    values = parse_config(FILE, path="/x")
    assert [values["mode"].where, values["ordering"].where] == ["/x:8", "/x:9"]  # type: ignore[attr-defined]


def test_a_section_of_defaults_is_no_default_for_ours() -> None:
    assert parse_config("[DEFAULT]\nmode = ssh\n[rustle]\nordering = host\n", path="/x") == {"ordering": "host"}


@pytest.mark.parametrize("path", [None, "", "/no/such/file.cfg"])
def test_no_file_means_no_settings(path: str | None) -> None:
    assert read_config(path) == {}


def test_no_section_means_no_settings(tmp_path: Path) -> None:
    (tmp_path / "ansible.cfg").write_text("[defaults]\nforks = 5\n")
    assert read_config(str(tmp_path / "ansible.cfg")) == {}


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("[rustle]\nmode = ssh\nmode = auto\n", "/x:3", "mode"),
        ("[rustle]\nmode = ssh\n[rustle]\n", "/x:3", "[rustle]"),
        ("mode = ssh\n", "/x:1", "mode = ssh"),
        ("[rustle]\nwhat is this\n", "/x:2", "what is this"),
    ],
)
def test_a_malformed_file_is_refused_with_the_line(text: str, where: str, found: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_config(text, path="/x")
    assert (caught.value.where, caught.value.found) == (where, found)


def test_a_file_that_is_no_text_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "ansible.cfg"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError) as caught:
        read_config(str(path))
    assert caught.value.where == str(path)


def test_a_file_that_is_named_and_missing_gives_way_to_the_next_place_as_with_ansible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ansible.cfg").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANSIBLE_CONFIG", str(tmp_path / "none.cfg"))
    assert find_config(os.environ) == find_ini_config_file() == str(tmp_path / "ansible.cfg")
