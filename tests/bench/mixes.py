# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Small plays of which each leans to one side: what a deployment could be good or bad for. Data; `grid.py` runs them."""

from __future__ import annotations

from typing import Any

__all__ = ["LARGE", "MIXES", "ODD", "SECONDS", "playbook"]

Task = dict[str, Any]


def _file(name: str, **given: Any) -> Task:
    return {"ansible.builtin.file": {"path": f"{{{{ workdir }}}}/{name}", "state": "directory", "mode": "0755"}, **given}


def _copy(name: str) -> Task:
    return {"ansible.builtin.copy": {"content": f"{{{{ inventory_hostname }}}} {name}\n", "dest": f"{{{{ workdir }}}}/{name}", "mode": "0644"}}


def _line(name: str) -> Task:
    return {"ansible.builtin.lineinfile": {"path": f"{{{{ workdir }}}}/{name}", "line": "x=1", "create": True, "mode": "0644"}}


def _stat(name: str) -> Task:
    return {"ansible.builtin.stat": {"path": f"{{{{ workdir }}}}/{name}"}}


def _command(text: str, **given: Any) -> Task:
    return {"ansible.builtin.command": {"cmd": text}, "changed_when": False, **given}


def _as_nobody(task: Task) -> Task:
    named = {"ansible_become_method": "su", "ansible_become_flags": "-s /bin/sh", "ansible_become_user": "nobody"}
    return {**task, "become": True, "vars": {**named, "ansible_remote_tmp": "{{ workdir | dirname }}/home/theirs/tmp"}}


_RELOGIN: Task = {"ansible.builtin.meta": "reset_connection"}
_SCRIPT: Task = {"ansible.builtin.script": {"cmd": "small.sh"}}  # the stock path, whatever one asks for

MIXES: dict[str, list[Task]] = {
    "1 ping": [{"ansible.builtin.ping": {}}],
    "1 command": [_command("uname -r")],
    "facts only": [{"ansible.builtin.setup": {}}],
    "2 files": [_file("a"), _copy("a/one")],
    "5 mixed": [_file("a"), _copy("a/one"), _line("a/two"), _stat("a/two"), _command("ls {{ workdir }}/a")],
    "10 copies": [_copy(f"f{n}") for n in range(10)],
    "3 commands": [_command(f"touch {{{{ workdir }}}}/f{n}") for n in range(3)],
    "1 long command": [_command("sleep 2")],
    "20 small": [task for n in range(5) for task in (_file(f"d{n}"), _copy(f"d{n}/one"), _line(f"d{n}/two"), _stat(f"d{n}/one"))],
    "loop of 20": [_file("{{ item }}", loop=[f"d{n}" for n in range(20)])],
    "4 registers": [
        task
        for n in range(4)
        for task in (_command(f"echo {n}", register=f"r{n}"), {"ansible.builtin.debug": {"msg": f"{{{{ r{n}.stdout }}}}"}})
    ],
    "a large file": [{"ansible.builtin.copy": {"src": "large.bin", "dest": "{{ workdir }}/large.bin", "mode": "0644"}}],
    "half stock": [_SCRIPT, _file("a"), _SCRIPT, _stat("a")],
    "1 of 4 not stock": [_SCRIPT, _SCRIPT, _SCRIPT, _stat("a")],
    "3 logins": [_file("a"), _RELOGIN, _file("b"), _RELOGIN, _file("c")],
    "2 users": [_command("id -un"), _as_nobody(_command("id -un")), _command("id -u"), _as_nobody(_command("id -u"))],
}
LARGE = 8_000_000  # bytes of the large file
SECONDS = {"1 long command": 2.0}  # that tasks sleep
# not for the fit: bytes, work and logins that no plan knows of, and scripts, which cost less than modules
ODD = ("a large file", "facts only", "3 logins", "half stock", "1 of 4 not stock")


def playbook(mix: str) -> list[dict[str, Any]]:
    return [{"name": mix, "hosts": "fleet", "gather_facts": False, "tasks": [{"name": f"task {n}", **task} for n, task in enumerate(MIXES[mix])]}]
