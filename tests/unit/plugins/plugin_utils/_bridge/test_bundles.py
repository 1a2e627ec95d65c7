# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a bundle can hold, and what stands in it then."""

from __future__ import annotations

import json
import types
import typing as t

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import EncryptedString, VaultSecret
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import bundles, deployments


def tasks(text: str, loader: DataLoader | None = None) -> list[t.Any]:
    data = yaml.safe_load(text) if loader is None else loader.load(text)
    (stretch,) = deployments.read_tasks(data, loader or DataLoader())
    return list(stretch.tasks)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{ping: , become: true}", "become needs a controller"),
        ("{block: [{ping: }], become: true}", "become needs a controller"),
        ("{ping: , check_mode: true}", "check_mode needs a controller"),
        ("{ping: , delegate_to: x}", "delegate_to needs a controller"),
        ("{ping: , run_once: true}", "run_once needs a controller"),
        ("{ping: , timeout: 5}", "timeout needs a controller"),
        ("{ping: , module_defaults: {ping: {data: x}}}", "module_defaults needs a controller"),
        ("{block: [{ping: }], rescue: [{ping: }]}", "rescue and always need a controller"),
        ("{ping: , async: 5}", "async needs a controller"),
        ("{ping: , loop: [1]}", "loop needs a controller"),
        ("{ping: , with_items: [1]}", "loop needs a controller"),
        ("{ping: , notify: x}", "notify needs a controller"),
        ("{ping: , retries: 3}", "retries needs a controller"),
        ("{ping: , when: x}", "when needs a controller"),
        ("{block: [{ping: }], when: x}", "when needs a controller"),
        ("{ping: , until: x}", "until needs a controller"),
        ("{ping: , changed_when: false}", "changed_when needs a controller"),
        ("{ping: , failed_when: false}", "failed_when needs a controller"),
        ("{ping: , ignore_errors: '{{ x }}'}", "ignore_errors is a template"),
        ("{ping: , no_log: true}", "no_log asks for arguments that nobody sees, and a bundle shows them"),
        ("{ping: {data: '{{ x }}'}}", "a template needs a controller"),
        ("{command: {argv: [echo, '{% if x %}']}}", "a template needs a controller"),
        ("{ping: , args: '{{ x }}'}", "a template needs a controller"),
        ("{ping: , environment: {A: '{{ x }}'}}", "a template needs a controller"),
        ("{ping: , environment: '{{ x }}'}", "a template needs a controller"),
        ("{ping: , environment: {PYTHONPATH: x}}", "PYTHON* and LD_* have to be there before Python starts"),
        ("{copy: {content: x, dest: /x}}", "the action copy works on the controller"),
        ("{ansible.builtin.package: {name: x}}", "the action ansible.builtin.package works on the controller"),
        ("{set_fact: {x: 1}}", "the action set_fact works on the controller"),
        ("{meta: noop}", "the action meta works on the controller"),
        ("{ping: {data: 2020-01-01}}", "a value of type date is no JSON value"),
    ],
)
def test_what_only_a_controller_can_do_is_refused(text: str, words: str) -> None:
    assert bundles.refusal(tasks(f"[{text}]")[0]) == words


def test_vaulted_values_are_refused_and_never_decrypted_into_a_bundle() -> None:
    loader = DataLoader()
    secret = VaultSecret(b"word")
    loader.set_vault_secrets([("default", secret)])
    vaulted = EncryptedString(ciphertext=loader._vault.encrypt("tiger", secret).decode())
    (stretch,) = deployments.read_tasks([{"ping": {"data": vaulted}}], loader)
    assert bundles.refusal(stretch.tasks[0]) == "a value comes out of a vault"


def test_plain_tasks_are_held_as_they_are_written() -> None:
    found = tasks("""
    - name: Say it
      shell: echo $X $Y
      environment: {X: 2}
      ignore_errors: true
      tags: [some]
      register: unused
    - block:
        - ansible.builtin.file: {path: /x, state: directory}
          environment: {X: "2"}
      environment: {X: "1", Y: "1"}
    - command: {argv: [a, b], chdir: /}
    """)
    assert [bundles.refusal(task) for task in found] == [None] * 3
    payload = types.SimpleNamespace(sha="0" * 64, modules=dict.fromkeys(("ansible.modules.command", "ansible.modules.file"), ()))
    assert json.loads(bundles.document(found, payload)) == {
        "format": 1,
        "tasks": [
            {
                "id": "1: Say it", "module": "ansible.modules.command", "args": {"_raw_params": "echo $X $Y", "_uses_shell": True},
                "environment": {"X": "2"}, "ignore_errors": True,
            },
            {
                "id": "2: ansible.builtin.file", "module": "ansible.modules.file", "args": {"path": "/x", "state": "directory"},
                "environment": {"X": "2", "Y": "1"},
            },
            {"id": "3: command", "module": "ansible.modules.command", "args": {"argv": ["a", "b"], "chdir": "/"}},
        ],
    }


def test_a_payload_without_the_module_holds_no_bundle_of_it() -> None:
    with pytest.raises(LookupError):
        bundles.document(tasks("[{ping: }]"), types.SimpleNamespace(sha="0" * 64, modules={}))
