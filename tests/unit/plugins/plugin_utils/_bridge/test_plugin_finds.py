# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.plugins.loader import PluginLoader, module_loader
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.plugin_finds import finds_remembered


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that Ansible itself looks for."""
    names: list[str] = []
    original = PluginLoader.find_plugin_with_context

    def counting(self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        names.append(name)
        return original(self, name, *args, **kwargs)

    monkeypatch.setattr(PluginLoader, "find_plugin_with_context", counting)
    return names


def test_a_name_is_looked_for_once_and_again_when_all_is_over(asked: list[str]) -> None:
    with finds_remembered():
        first = module_loader.find_plugin_with_context("ansible.builtin.ping")
        assert module_loader.find_plugin_with_context("ansible.builtin.ping") is first
        module_loader.find_plugin_with_context("ansible.builtin.ping", mod_type=".py")
    assert first.plugin_resolved_path.endswith("ping.py")
    module_loader.find_plugin_with_context("ansible.builtin.ping")
    assert asked == ["ansible.builtin.ping"] * 3


def test_a_folder_that_is_added_makes_the_same_name_another_question(asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_loader, "_extra_dirs", [*module_loader._extra_dirs])
    (tmp_path / "brought_by_a_role.py").write_text("")
    with finds_remembered():
        assert not module_loader.find_plugin_with_context("brought_by_a_role").resolved
        module_loader.add_directory(str(tmp_path))
        assert module_loader.find_plugin_with_context("brought_by_a_role").plugin_resolved_path == str(tmp_path / "brought_by_a_role.py")
    assert asked == ["brought_by_a_role"] * 2


def test_an_answer_with_a_message_is_asked_for_each_time(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with finds_remembered():
        redirected = [module_loader.find_plugin_with_context("ansible.builtin.docker_container") for _time in range(2)]
    assert all(len(one.redirect_list) > 1 for one in redirected)
    assert asked.count("ansible.builtin.docker_container") == 2
