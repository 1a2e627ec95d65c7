# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Code that is put on hosts before a run is the code that the run looks for, and it goes away again; on real ssh hosts."""

from __future__ import annotations

import hashlib
import re
import stat
from pathlib import Path

import pytest

from tests.lab.fleet import Fleet
from tests.lab.play import LINEAR, RUSTLE, Outcome, play

ARCHIVE = 50_000  # bytes; an archive is larger, and what a run sends besides it is smaller
STRATEGIES = pytest.mark.parametrize("contestant", [LINEAR, RUSTLE], ids=["linear", "rustle"])
FIRST = pytest.mark.parametrize("fleet", [{"hosts": 2}], indirect=True)

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
  hosts: h001
  gather_facts: true
  tasks:
    - ansible.builtin.replace: {path: "{{ workdir }}/x", regexp: h, replace: H}
"""
ROLE = """
- ansible.builtin.file: {path: "{{ workdir }}/folder", state: directory, mode: "0700"}
"""


def run(fleet: Fleet, folder: Path, contestant: object, options: str, *arguments: str) -> Outcome:
    """Run one task of the module on all hosts; what it returned is in the output."""
    playbook = folder / "deploy.yml"
    playbook.write_text(f"- hosts: fleet\n  gather_facts: false\n  tasks:\n    - rustle.engine.binary_deployment: {options}\n")
    return play(fleet, playbook, contestant, arguments=["-v", *arguments])  # type: ignore[arg-type]


def counters(outcome: Outcome) -> dict[str, tuple[str, str]]:
    """(changed, failed) of each host."""
    found = {}
    for host, text in outcome.recap.items():
        counts = dict(word.split("=") for word in text.split())
        found[host] = counts["changed"], counts["failed"]
    return found


def kept(fleet: Fleet) -> dict[str, list[str]]:
    """The archives in each host's cache."""
    return {host.name: sorted(path.name for path in (host.home / ".ansible" / "rustle").glob("*.pyz")) for host in fleet.hosts}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.yml").write_text(SITE)
    (tmp_path / "roles" / "small" / "tasks").mkdir(parents=True)
    (tmp_path / "roles" / "small" / "tasks" / "main.yml").write_text(ROLE)
    return tmp_path


@FIRST
@STRATEGIES
def test_a_run_sends_no_code_to_hosts_that_have_it(fleet: Fleet, folder: Path, contestant: object) -> None:
    everything, none = {"h001": ("1", "0"), "h002": ("1", "0")}, {"h001": ("0", "0"), "h002": ("0", "0")}
    would = run(fleet, folder, contestant, "{state: present, playbook: site.yml}", "--check", "--diff")
    assert (would.rc, counters(would)) == (0, everything), would.stdout
    assert kept(fleet) == {"h001": [], "h002": []} or contestant is RUSTLE
    before = kept(fleet)

    outcome = run(fleet, folder, contestant, "{state: present, playbook: site.yml}", "--diff")
    assert (outcome.rc, counters(outcome)) == (0, everything), outcome.stdout
    assert re.findall(r"^\+[0-9a-f]{64}\.pyz", outcome.stdout, re.MULTILINE) == re.findall(r"^\+[0-9a-f]{64}\.pyz", would.stdout, re.MULTILINE)
    sent = kept(fleet)
    assert before != sent
    cache = fleet.hosts[0].home / ".ansible" / "rustle"
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    for name in sent["h001"]:
        assert hashlib.sha256((cache / name).read_bytes()).hexdigest() + ".pyz" == name
    assert not list(cache.glob("*.tmp"))

    again = run(fleet, folder, contestant, "{state: present, playbook: site.yml}")
    assert (again.rc, counters(again)) == (0, none), again.stdout

    site = play(fleet, folder / "site.yml", RUSTLE)
    assert site.rc == 0, site.stdout
    assert all(traffic.up < ARCHIVE for traffic in site.traffic.values()), site.traffic
    assert kept(fleet) == sent

    gone = run(fleet, folder, LINEAR, "{state: absent, playbook: site.yml}", "--check", "--diff")
    assert (counters(gone), kept(fleet)) == (everything, sent), gone.stdout
    gone = run(fleet, folder, LINEAR, "{state: absent, playbook: site.yml}", "--diff")
    assert (counters(gone), kept(fleet)) == (everything, before), gone.stdout
    unseeded = play(fleet, folder / "site.yml", RUSTLE)
    assert all(traffic.up > ARCHIVE for traffic in unseeded.traffic.values()), unseeded.traffic
