# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No view of a plan, and no saved plan, holds a secret: out of a vault file, an inline vault, `no_log`, or an argument that is named like one."""

from __future__ import annotations

import lzma
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.play import COLLECTIONS, ROOT

ENTRY = ROOT / "plugins" / "plugin_utils" / "_cli" / "entry.py"
BIN = Path(sys.executable).parent
SITE = """
- hosts: all
  gather_facts: false
  vars_files: [vault.yml]
  vars:
    INLINE
    derived: "x-{{ whole }}"
  tasks:
    - copy: {content: "{{ derived }}", dest: "/etc/{{ inline }}"}
    - command: "echo {{ whole }}"
      when: whole == 'anything'
    - debug: {msg: "{{ inline }} {{ nested.deep[0] }}"}
    - user: {name: bob, password: SECRET-literal, comment: "{{ named_secret }}"}
    - shell: echo SECRET-unlogged
      no_log: true
    - name: "named {{ whole }}"
      uri: {url: "http://x/", headers: {Authorization: "Bearer {{ named_secret }}"}, url_password: SECRET-argument}
      loop: ["{{ whole }}"]
      notify: "again {{ whole }}"
    - set_fact: {fact: "{{ whole }}"}
    - file: {path: "/srv/{{ whole }}/y", state: touch}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("secrets")
    (home / "password").write_text("pw\n")
    (home / "vault.yml").write_text("whole: SECRET-whole\nnamed_secret: SECRET-named\nnested: {deep: [SECRET-nested]}\n")
    vault = [str(BIN / "ansible-vault"), "encrypt", "--vault-password-file", "password", "vault.yml"]
    subprocess.run(vault, cwd=home, check=True, capture_output=True)
    vault[1:2], vault[-1:] = ["encrypt_string"], ["SECRET-inline", "--name", "inline"]
    inline = subprocess.run(vault, cwd=home, check=True, capture_output=True, text=True).stdout.rstrip()
    (home / "site.yml").write_text(SITE.replace("INLINE", inline.replace("\n", "\n    ")))
    return home


def plan(folder: Path, *words: str) -> bytes:
    command = [sys.executable, str(ENTRY), "-i", "h1,", "--vault-password-file", "password", "site.yml", "-vv", *words]
    done = subprocess.run(command, cwd=folder, env=os.environ | {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("output", ["text", "json", "html", "dot", "mermaid"])
def test_no_view_holds_a_secret(folder: Path, output: str) -> None:
    shown = plan(folder, "-o", output)
    assert b"SECRET-" not in shown
    assert b"copy" in shown and b"file" in shown


def test_no_saved_plan_holds_a_secret(folder: Path) -> None:
    plan(folder, "--save", "site.rplan", "--dry-run")
    data = (folder / "site.rplan").read_bytes()
    text = lzma.decompress(data[data.index(b"\xfd7zXZ") :])
    assert b"SECRET-" not in text and b"bob" in text
