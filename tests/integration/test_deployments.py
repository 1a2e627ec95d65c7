# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Code that is put on hosts before a run is the code that the run looks for, and it goes away again; on real ssh hosts."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.fleet import Fleet
from tests.lab.play import LINEAR, RUSTLE, Contestant, Outcome, play

pytestmark = pytest.mark.parametrize("fleet", [{"hosts": 2}], indirect=True)
ARCHIVE = 50_000  # bytes on their way; an archive takes more, and all that a run sends besides takes less

SITE = """
- name: First
  hosts: fleet
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {content: "{{ inventory_hostname }}", dest: "{{ workdir }}/x", mode: "0600"}
      notify: Say so
    - ansible.builtin.import_role: {name: small}
  handlers:
    - name: Say so
      ansible.builtin.lineinfile: {path: "{{ workdir }}/said", line: "{{ inventory_hostname }}", create: true, mode: "0600"}

- name: Second
  hosts: fleet
  gather_facts: false
  tasks:
    - ansible.builtin.replace: {path: "{{ workdir }}/x", regexp: h, replace: H}
"""
ROLE = """
- ansible.builtin.file: {path: "{{ workdir }}/folder", state: directory, mode: "0700"}
"""
# Each state would change something, does, and then has nothing to do.
STATE = """
- hosts: fleet
  gather_facts: false
  tasks:
    - {rustle.engine.binary_deployment: &to {state: STATE, playbook: site.yml}, check_mode: true, diff: true, register: would}
    - {rustle.engine.binary_deployment: *to, diff: true, register: done}
    - {rustle.engine.binary_deployment: *to, diff: true, register: again}
    - {rustle.engine.binary_deployment: *to, check_mode: true, register: would_again}
    - ansible.builtin.assert:
        that:
          - would is changed and done is changed and again is not changed and would_again is not changed
          - would.diff == done.diff and done.diff.before != done.diff.after
          - again.diff.before == again.diff.after == done.diff.after
          - would.KEY == done.KEY and done.KEY | length >= 2 and again.KEY == []
          - done.deployments | length == 2
          - done.refused == []
"""
AS_NOBODY = """
- hosts: fleet
  gather_facts: false
  become: true
  vars:
    ansible_become_method: su
    ansible_become_user: nobody
    ansible_become_flags: -s /bin/sh
    ansible_become_exe: "env RUSTLE_AGENT_CACHE={{ workdir | dirname }}/theirs/rustle su"  # nobody has no home
  tasks:
TASKS
"""
ROLES = """
- hosts: fleet
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: rustle.engine.agent}
      vars: {agent_state: present, agent_tasks: [{ansible.builtin.command: "echo {{ nowhere }}"}]}
    - ansible.builtin.include_role: {name: rustle.engine.agent}
    - ansible.builtin.shell: for file in ~/.ansible/rustle/*.pyz; do echo >> $file; done
    - ansible.builtin.include_role: {name: rustle.engine.agent, apply: {ignore_errors: true}}
    - ansible.builtin.shell: chmod 755 ~/.ansible/rustle
    - ansible.builtin.include_role: {name: rustle.engine.agent, apply: {ignore_errors: true}}
"""
BUILD = """
- hosts: localhost
  gather_facts: false
  tasks:
    - rustle.engine.binary_deployment:
        {state: built, dest: DEST, name: small, bundles: true, tasks: [{ansible.builtin.copy: {content: secret, dest: /x}}]}
      register: refused
      ignore_errors: true
    - rustle.engine.binary_deployment: &to
        state: built
        dest: DEST
        name: small
        bundles: true
        tasks:
          - {name: Touch it, ansible.builtin.file: {path: "DEST/it", state: touch, mode: "0600"}}
          - {name: Say it, ansible.builtin.command: echo secret}
      check_mode: true
      register: would
    - {rustle.engine.binary_deployment: *to, register: done}
    - {rustle.engine.binary_deployment: *to, register: again}
    - ansible.builtin.file: {path: DEST/small.bundle.json, mode: "0644"}
    - {rustle.engine.binary_deployment: *to, register: private_again}
    - ansible.builtin.assert:
        that:
          - private_again is changed
          - "'the action ansible.builtin.copy works on the controller' in refused.msg"
          - would is changed and done is changed and again is not changed
          - would.deployments == done.deployments
          - done.deployments[0].execution_mode == 'standalone'
          - done.files == ['SHA256SUMS', 'small.bundle.json', 'small.pyz']
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site.yml").write_text(SITE)
    (tmp_path / "roles" / "small" / "tasks").mkdir(parents=True)
    (tmp_path / "roles" / "small" / "tasks" / "main.yml").write_text(ROLE)
    return tmp_path / "site.yml"


def go_to(fleet: Fleet, site: Path, state: str, contestant: Contestant) -> None:
    playbook = site.with_name("state.yml")
    playbook.write_text(STATE.replace("STATE", state).replace("KEY", {"present": "sent", "absent": "removed"}[state]))
    outcome = play(fleet, playbook, contestant, arguments=["-v"])
    assert outcome.rc == 0, outcome.stdout


def kept(fleet: Fleet) -> list[set[str]]:
    """Names in each host's cache."""
    return [{path.name for path in (host.home / ".ansible" / "rustle").glob("*")} for host in fleet.hosts]


def sent_code(outcome: Outcome) -> bool:
    assert outcome.rc == 0, outcome.stdout
    sent = {traffic.up > ARCHIVE for traffic in outcome.traffic.values()}
    assert len(sent) == 1, outcome.traffic
    return sent.pop()


@pytest.mark.parametrize("contestant", [LINEAR, RUSTLE], ids=["linear", "rustle"])
def test_a_run_sends_no_code_to_hosts_that_have_it(fleet: Fleet, site: Path, contestant: Contestant) -> None:
    go_to(fleet, site, "present", contestant)
    before = kept(fleet)
    for host, names in zip(fleet.hosts, before, strict=True):
        cache = host.home / ".ansible" / "rustle"
        assert stat.S_IMODE(cache.stat().st_mode) == 0o700
        assert len(names) == 2
        assert names == {f"{hashlib.sha256(path.read_bytes()).hexdigest()}.pyz" for path in cache.iterdir()}

    assert not sent_code(play(fleet, site, RUSTLE))
    assert [{name for name in names if name.endswith(".pyz")} for names in kept(fleet)] == before

    go_to(fleet, site, "absent", contestant)
    assert kept(fleet) == [set(), set()]


def test_without_it_the_code_is_sent_and_purge_removes_it(fleet: Fleet, site: Path) -> None:
    assert sent_code(play(fleet, site, RUSTLE))
    assert all(kept(fleet))
    outcome = play(fleet, "rustle.engine.purge", RUSTLE)
    assert outcome.rc == 0, outcome.stdout
    assert kept(fleet) == [set(), set()]


@pytest.mark.skipif(os.geteuid() != 0, reason="su asks for a password")
@pytest.mark.parametrize("contestant", [LINEAR, RUSTLE], ids=["linear", "rustle"])
def test_with_become_the_code_is_put_where_that_user_looks_for_it(fleet: Fleet, tmp_path: Path, contestant: Contestant) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    for host in fleet.hosts:
        theirs = host.folder / "theirs"
        shutil.rmtree(theirs, ignore_errors=True)
        theirs.mkdir()
        os.chown(theirs, nobody, -1)
    site, state = tmp_path / "site.yml", tmp_path / "state.yml"
    site.write_text(AS_NOBODY.replace("TASKS", "    - ansible.builtin.command: id -un\n    - ansible.builtin.slurp: {src: /etc/hostname}"))
    to = "rustle.engine.binary_deployment: {state: present, playbook: site.yml}"
    checked = "ansible.builtin.assert: {that: [would is changed, done is changed, again is not changed, done.sent == would.sent, done.sent | length == 1]}"
    state.write_text(AS_NOBODY.replace("TASKS", "\n".join(f"    - {{{task}}}" for task in (
        f"{to}, check_mode: true, register: would", f"{to}, register: done", f"{to}, register: again", checked))))  # fmt: skip

    outcome = play(fleet, state, contestant)
    assert outcome.rc == 0, outcome.stdout
    for host in fleet.hosts:
        cache = host.folder / "theirs" / "rustle"
        assert {path.stat().st_uid for path in (cache, *cache.glob("*.pyz"))} == {nobody}
    assert not sent_code(play(fleet, site, RUSTLE))


def test_the_role_fills_verifies_and_finds_what_was_changed(fleet: Fleet, tmp_path: Path) -> None:
    playbook = tmp_path / "roles.yml"
    playbook.write_text(ROLES)
    outcome = play(fleet, playbook, LINEAR)
    assert outcome.rc == 0, outcome.stdout
    assert {counters.rpartition("ignored=")[2] for counters in outcome.recap.values()} == {"3"}, outcome.stdout
    for words in ("with the sha256 of its name", "with mode 0700"):
        assert words in outcome.stdout


def test_what_is_built_runs_without_a_controller(fleet: Fleet, tmp_path: Path) -> None:
    playbook, dest = tmp_path / "build.yml", tmp_path / "dest"
    playbook.write_text(BUILD.replace("DEST", str(dest)))
    outcome = play(fleet, playbook, LINEAR)
    assert outcome.rc == 0, outcome.stdout
    assert stat.S_IMODE((dest / "small.bundle.json").stat().st_mode) == 0o600
    assert b"echo secret" not in (dest / "small.pyz").read_bytes()
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=dest, check=True)
    done = subprocess.run([sys.executable, "small.pyz", "--run", "small.bundle.json"], cwd=dest, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["id"], line["status"]) for line in lines[:-1]] == [("1: Touch it", "changed"), ("2: Say it", "changed")]
    assert lines[1]["result"]["stdout"] == "secret"
    assert (dest / "it").exists()
