# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cache of plans, as a user meets it: rustle-plan twice in a folder, with something different in between."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lab.play import COLLECTIONS, ROOT

ENTRY = ROOT / "plugins" / "plugin_utils" / "_cli" / "entry.py"
SECRET = "hunter2-of-the-vault"

FILES = {
    "ansible.cfg": "[defaults]\ninventory = hosts.ini\nroles_path = later\n[rustle]\ncache_dir = cache\n",
    "hosts.ini": "[web]\nweb1\nweb2\n",
    "group_vars/web.yml": "base: /srv/app\n",
    "later/app/tasks/main.yml": """
- {name: folder, ansible.builtin.file: {path: "{{ base }}", state: directory, mode: 0755}, tags: [setup]}
- {name: config, ansible.builtin.template: {src: app.j2, dest: "{{ base }}/app.conf"}, notify: restart}
- {name: motd, ansible.builtin.copy: {src: motd, dest: /etc/motd}, when: base | length > 2}
- {name: more, ansible.builtin.include_tasks: more.yml}
""",
    "later/app/tasks/more.yml": "- {name: ask, ansible.builtin.command: id bob, register: answer}\n",
    "later/app/handlers/main.yml": "- {name: restart, ansible.builtin.service: {name: app, state: restarted}}\n",
    "later/app/templates/app.j2": "{{ base }}\n",
    "later/app/files/motd": "hello\n",
    "site.yml": "- {name: Site, hosts: web, gather_facts: false, roles: [app]}\n",
}


class Said(NamedTuple):
    status: int
    out: str
    err: str
    remembered: bool  # Ansible was not even loaded


class Site:
    """A folder with FILES."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ: dict[str, str] = {}
        for path, text in FILES.items():
            self.write(path, text)

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def plan(self, *arguments: str) -> Said:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RUSTLE_"))}
        environ |= {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "COLUMNS": "120", "HOME": str(self.folder)} | self.environ
        command = [sys.executable, "-X", "importtime", str(ENTRY), *(arguments or ("site.yml",))]
        done = subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, text=True, errors="surrogateescape", timeout=120, check=False)
        lines = done.stderr.splitlines(keepends=True)
        err = "".join(line for line in lines if not line.startswith("import time:"))
        return Said(done.returncode, done.stdout, err, not any("ansible.constants" in line for line in lines))

    @property
    def entries(self) -> list[Path]:
        return list(self.folder.glob("cache/plans/*.plan"))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Nobody changes its files."""
    made = Site(tmp_path_factory.mktemp("site"))
    assert made.plan().status == 0
    return made


def without_time(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)


def test_the_second_plan_is_remembered_without_loading_ansible(site: Site) -> None:
    first, second = site.plan(), site.plan()
    assert (first.status, first.err, first.remembered) == (0, "", False)
    assert second == first._replace(remembered=True)


@pytest.mark.parametrize(
    "options",
    [
        (), ("-vv",), ("--list-tasks",), ("--list-hosts",), ("--dry-run",), ("--explain", "config"), ("--estimate-time",), ("-o", "json"),
        ("-o", "dot"), ("-o", "mermaid"), ("-o", "html"), ("--visualize",), ("-o", "text", "-v"),
    ],
)  # fmt: skip
def test_every_output_of_a_remembered_plan_is_that_of_a_new_one(shared: Site, options: tuple[str, ...]) -> None:
    anew, remembered = shared.plan("site.yml", *options, "--no-cache"), shared.plan("site.yml", *options)
    assert not anew.remembered and remembered.remembered
    assert (remembered.status, without_time(remembered.out)) == (0, without_time(anew.out))


def test_the_binary_of_a_remembered_plan_reads_back_as_that_of_a_new_one(shared: Site) -> None:
    from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_binary import from_binary
    from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_document import to_document

    found = []
    for name, options in (("anew", ["--no-cache"]), ("again", [])):
        assert shared.plan("site.yml", "-o", "binary", "--out", name, *options).remembered == (not options)
        document = to_document(from_binary((shared.folder / name).read_bytes(), where=name))
        found.append((document["metadata"].pop("created_at"), document))
    assert found[0][1] == found[1][1] and found[0][0] < found[1][0]


def _no_longer(path: str) -> Callable[[Site], None]:
    return lambda site: (site.folder / path).unlink()


CHANGES: dict[str, Callable[[Site], None]] = {
    "a playbook": lambda site: site.write("site.yml", FILES["site.yml"].replace("Site", "Other")),
    "a role's tasks": lambda site: site.write("later/app/tasks/main.yml", FILES["later/app/tasks/main.yml"].replace("config", "settings")),
    "an included file": lambda site: site.write("later/app/tasks/more.yml", FILES["later/app/tasks/more.yml"].replace("bob", "eve")),
    "a handler": lambda site: site.write("later/app/handlers/main.yml", FILES["later/app/handlers/main.yml"].replace("restarted", "reloaded")),
    "a template": lambda site: site.write("later/app/templates/app.j2", "{{ base }} {{ answer.stdout | default('') }}\n"),
    "a file that goes over": lambda site: site.write("later/app/files/motd", "hullo\n"),
    "new defaults of a role": lambda site: site.write("later/app/defaults/main.yml", "x: 1\n"),
    "new dependencies of a role": lambda site: site.write("later/app/meta/main.yml", "dependencies: []\n"),
    "variables of a group": lambda site: site.write("group_vars/web.yml", "base: /srv/other\n"),
    "new variables of a group": lambda site: site.write("group_vars/all.yml", "x: 1\n"),
    "new variables of a host": lambda site: site.write("host_vars/web1.yml", "base: /srv/web1\n"),
    "no variables any more": _no_longer("group_vars/web.yml"),
    "a new host": lambda site: site.write("hosts.ini", FILES["hosts.ini"] + "web3\n"),
    "a role that comes first": lambda site: site.write("roles/app/tasks/main.yml", "[]\n"),
    "a filter beside the playbook": lambda site: site.write("filter_plugins/own.py", "class FilterModule:\n    def filters(self):\n        return {}\n"),
    "a module beside the playbook": lambda site: site.write("library/file.py", "#!/usr/bin/python\n"),
    "ansible.cfg": lambda site: site.write("ansible.cfg", FILES["ansible.cfg"].replace("[rustle]", "forks = 7\n[rustle]")),
    "a setting of Ansible's in the environment": lambda site: site.environ.update(ANSIBLE_FORKS="9"),
    "a setting of ours in the environment": lambda site: site.environ.update(RUSTLE_STRATEGY="Linear"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_plan_is_made_anew_after(site: Site, change: str) -> None:
    assert not site.plan().remembered
    CHANGES[change](site)
    anew = site.plan("site.yml", "--no-cache")
    again = site.plan()
    assert not again.remembered
    assert (again.status, again.out, again.err) == (anew.status, anew.out, anew.err)


def test_what_comes_back_is_known_again(site: Site) -> None:
    site.plan()
    changed = FILES["later/app/tasks/more.yml"].replace("bob", "eve")
    site.write("later/app/tasks/more.yml", changed)
    assert [site.plan().remembered for _time in range(2)] == [False, True]
    os.utime(site.folder / "later/app/tasks/more.yml", ns=(1, 1))
    assert site.plan().remembered  # contents count, not times
    assert not site.plan("site.yml", "--tags", "setup").remembered and site.plan("site.yml", "--tags", "setup").remembered


def test_a_damaged_entry_is_none(site: Site) -> None:
    first = site.plan()
    (entry,) = site.entries
    whole = entry.read_bytes()
    for damaged in (b"", whole[:-7], whole[:200] + bytes((whole[200] ^ 1,)) + whole[201:], b"x" * 80):
        entry.write_bytes(damaged)
        assert site.plan() == first
        assert site.plan().remembered


def test_a_folder_that_others_may_write_to_is_not_believed(site: Site) -> None:
    site.plan()
    (site.folder / "cache/plans").chmod(0o777)
    again = site.plan("site.yml", "-v")
    assert not again.remembered and "cannot be written to, or not only by us" in again.err


def test_entries_are_for_their_owner_alone(shared: Site) -> None:
    folder = shared.folder / "cache/plans"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert shared.entries and {entry.stat().st_mode & 0o777 for entry in shared.entries} == {0o600}


def vaulted(site: Site) -> list[str]:
    """A site whose variables, and a file of whose group, are encrypted; and the options to read them."""
    from ansible.parsing.vault import VaultLib, VaultSecret

    lib = VaultLib([("default", VaultSecret(b"open sesame"))])
    site.write("password", "open sesame\n")
    text = lib.encrypt(SECRET).decode().replace("\n", "\n  ").rstrip()
    site.write("group_vars/web.yml", f"base: /srv/app\ntoken: !vault |\n  {text}\n")
    site.write("group_vars/all.yml", lib.encrypt(f"whole: {SECRET}-too\n").decode())
    site.write("later/app/templates/app.j2", "{{ token }}\n")
    site.write("later/app/tasks/more.yml", '- {name: say, ansible.builtin.command: "echo {{ token }} {{ whole }}", when: token is defined}\n')
    return ["site.yml", "--vault-password-file", "password"]


def test_a_plan_with_a_vault_is_remembered_and_nothing_of_the_vault_is_in_the_cache(site: Site) -> None:
    asked = vaulted(site)
    first, second = site.plan(*asked, "-o", "json"), site.plan(*asked, "-o", "json")
    assert (first.status, first.err) == (0, "") and second.remembered
    assert without_time(second.out) == without_time(first.out)
    for path in (site.folder / "cache").rglob("*"):
        assert path.is_dir() or not re.search(b"hunter2|sesame", path.read_bytes()), path
    site.write("password", "open Sesame\n")
    wrong = site.plan(*asked, "-o", "json")
    assert not wrong.remembered and wrong.status == 1


SCRIPT = "#!/bin/sh\necho '{\"web\": {\"hosts\": [\"web1\"]}}'\n"


def _script(site: Site) -> list[str]:
    site.write("dynamic.sh", SCRIPT)
    (site.folder / "dynamic.sh").chmod(0o755)
    return ["site.yml", "-i", "dynamic.sh"]


def _plugin(site: Site) -> list[str]:
    site.write("inventory_plugins/own.py", '''
DOCUMENTATION = "name: own\\noptions: {plugin: {description: x}}"
from ansible.plugins.inventory import BaseInventoryPlugin
class InventoryModule(BaseInventoryPlugin):
    NAME = "own"
    def verify_file(self, path):
        return path.endswith("own.yml")
    def parse(self, inventory, loader, path, cache=True):
        inventory.add_host("web1", inventory.add_group("web"))
''')
    site.write("own.yml", "plugin: own\n")
    return ["site.yml", "-i", "own.yml"]


def _environment(site: Site) -> list[str]:
    site.write("site.yml", """- {name: Site, hosts: "{{ lookup('env', 'WHERE') }}", gather_facts: false, roles: [app]}\n""")
    site.environ["WHERE"] = "web1"
    return ["site.yml"]


def _warning(site: Site) -> list[str]:
    return ["site.yml", "-i", "nowhere/at/all", "-i", "hosts.ini"]


NEVER: dict[str, tuple[Callable[[Site], list[str]], str]] = {
    "an inventory script": (_script, "a program was run"),
    "an inventory plugin of one's own": (_plugin, "hosts or variables come from the plugin own"),
    "the environment, by a lookup": (_environment, "the lookup env was run"),
    "a warning of Ansible's": (_warning, "there were warnings"),
    "built deployments": (lambda site: ["site.yml", "--list-binaries"], "deployments are built, and the time is measured"),
    "--no-cache": (lambda site: ["site.yml", "--no-cache"], "--no-cache"),
    "the setting": (lambda site: site.environ.update(RUSTLE_PLAN_CACHE="no") or ["site.yml"], "the setting plan_cache is off"),
    "a fact cache of Ansible's": (
        lambda site: site.environ.update(ANSIBLE_CACHE_PLUGIN="jsonfile", ANSIBLE_CACHE_PLUGIN_CONNECTION="facts") or ["site.yml"],
        "facts of the cache jsonfile grow old"),
}  # fmt: skip


@pytest.mark.parametrize("case", NEVER)
def test_nothing_is_remembered_with(site: Site, case: str) -> None:
    prepare, reason = NEVER[case]
    arguments = prepare(site)
    found = [site.plan(*arguments, "-v") for _time in range(2)]
    assert [(said.status, said.remembered) for said in found] == [(0, False)] * 2
    assert all(reason in said.err for said in found) and not site.entries
