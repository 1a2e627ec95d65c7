# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible.playbook.task import Task
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.traits import of_task


@pytest.mark.parametrize("name", ["password", "login_password", "passphrase", "api_key", "token", "client_secret", "ssh_key"])
def test_an_argument_that_is_called_like_a_secret_is_one(name: str) -> None:
    assert of_task(Task.load({"ansible.builtin.uri": {name: "x"}})) == ("secret-arguments",)


@pytest.mark.parametrize("name", ["update_password", "password_file", "key", "keyfile", "passwordless", "token_url", "name"])
def test_others_are_not(name: str) -> None:
    assert of_task(Task.load({"ansible.builtin.uri": {name: "x"}})) == ()


def test_an_empty_secret_is_none() -> None:
    assert of_task(Task.load({"ansible.builtin.uri": {"password": ""}})) == ()


@pytest.mark.parametrize(
    ("task", "traits"),
    [
        ({"ansible.builtin.apt": {"name": "{{ item }}"}, "loop": ["a"]}, ("loop", "package-loop")),
        ({"ansible.builtin.apt": {"name": ["a", "b"]}}, ()),
        ({"ansible.builtin.command": "x", "changed_when": False}, ("changed-when",)),
        ({"ansible.builtin.ping": {}, "become": True}, ("become", "needs-no-root")),
        ({"ansible.builtin.setup": {"gather_subset": ["min"]}}, ("gather-subset", "gathers-facts")),
        ({"ansible.builtin.command": "x", "async": 10, "no_log": True, "run_once": True}, ("async", "no-log", "run-once")),
        ({"ansible.builtin.command": "x", "throttle": 1, "timeout": 5}, ("throttle", "timeout")),
    ],
)
def test_what_is_remarkable_about_a_task_is_told(task: dict[str, object], traits: tuple[str, ...]) -> None:
    assert of_task(Task.load(task)) == traits
