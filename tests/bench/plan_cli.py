# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What rustle-plan costs beside `ansible-playbook --list-tasks`, on a made-up playbook of roles, imports and templates.

    python -m tests.bench.plan_cli                          1,000 tasks, 50 hosts, 7 rounds
    python -m tests.bench.plan_cli --tasks 100 -k 3 --keep DIR

Interleaved: each round runs --list-tasks, rustle-plan with an empty cache (cold) and rustle-plan with its own answer in the cache (warm).
CPU seconds are those of the process and its children; ratios are medians of the rounds' own ratios.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.lab.play import COLLECTIONS, ROOT

ENTRY = ROOT / "plugins" / "plugin_utils" / "_cli" / "entry.py"
TASKS_OF_ROLE = 25

CONFIG = """[defaults]
inventory = hosts.ini
[rustle]
cache_dir = cache
"""


def write(folder: Path, tasks: int, hosts: int) -> None:
    """A playbook of exactly ``tasks`` tasks. Equal arguments make equal files."""
    pick = random.Random(11)
    (folder / "group_vars").mkdir(parents=True)
    names = [f"web{number:03}" for number in range(hosts)]
    (folder / "ansible.cfg").write_text(CONFIG)
    (folder / "hosts.ini").write_text("[web]\n" + "".join(f"{name} ansible_host=192.0.2.{number % 250}\n" for number, name in enumerate(names)))
    (folder / "group_vars" / "web.yml").write_text("base: /srv/app\nlisten_port: 8080\npackages: [nginx, curl, git]\n")
    roles, left = [], tasks
    while left:
        count = min(TASKS_OF_ROLE, left)
        _role(folder / "roles" / f"part{len(roles)}", f"part{len(roles)}", count, pick)
        roles.append(f"part{len(roles)}")
        left -= count
    (folder / "site.yml").write_text("- hosts: web\n  gather_facts: false\n  become: true\n  roles:\n" + "".join(f"    - {name}\n" for name in roles))


def _role(folder: Path, name: str, count: int, pick: random.Random) -> None:
    """Its tasks: a third in main.yml, the rest in two files that it imports. Nothing is included: --list-tasks would not read it."""
    for part in ("tasks", "handlers", "defaults", "templates", "files", "meta"):
        (folder / part).mkdir(parents=True)
    (folder / "meta" / "main.yml").write_text("dependencies: []\n")
    (folder / "defaults" / "main.yml").write_text(f'{name}_home: "{{{{ base }}}}/{name}"\n{name}_enabled: true\n{name}_user: {name}\n')
    (folder / "handlers" / "main.yml").write_text(f"- name: restart {name}\n  ansible.builtin.service: {{name: {name}, state: restarted}}\n")
    (folder / "templates" / "app.conf.j2").write_text(
        f"listen {{{{ listen_port }}}}\nhome {{{{ {name}_home }}}}\n{{% for one in packages %}}{{{{ one }}}}\n{{% endfor %}}\n")
    (folder / "files" / "motd").write_text(f"this is {name}\n")
    made = [_task(name, number, pick) for number in range(count)]
    third = count // 3
    (folder / "tasks" / "main.yml").write_text("".join(made[:third]) + "".join(
        f"- name: from {part}\n  ansible.builtin.import_tasks: {part}.yml\n" for part in ("second", "third")))  # fmt: skip
    (folder / "tasks" / "second.yml").write_text("".join(made[third:2 * third]) or "[]\n")
    (folder / "tasks" / "third.yml").write_text("".join(made[2 * third:]))


def _task(role: str, number: int, pick: random.Random) -> str:
    home = f"{{{{ {role}_home }}}}"
    kinds = [
        ("file", f'{{path: "{home}/d{number}", state: directory, owner: "{{{{ {role}_user }}}}", mode: "0755"}}'),
        ("copy", f"{{src: motd, dest: /etc/{role}/motd{number}, mode: '0644'}}"),
        ("copy", f'{{content: "port={{{{ listen_port }}}}", dest: "{home}/f{number}"}}'),
        ("template", f"{{src: app.conf.j2, dest: /etc/{role}/app{number}.conf}}"),
        ("lineinfile", f"{{path: /etc/{role}/line.conf, line: 'x{number}={{{{ listen_port }}}}'}}"),
        ("package", '{name: "{{ packages }}", state: present}'), ("service", f"{{name: {role}, state: started}}"),
        ("user", f'{{name: "{{{{ {role}_user }}}}", home: "{home}"}}'), ("command", f"cat {home}/f{number}"),
        ("stat", f'{{path: "{home}/f{number}"}}'), ("set_fact", f'{{{role}_fact{number}: "{{{{ listen_port }}}}"}}'), ("debug", f'{{msg: "{home}"}}'),
        ("get_url", f"{{url: 'https://example.com/{role}', dest: /opt/{role}{number}}}"), ("cron", f"{{name: {role}{number}, job: /bin/true}}"),
    ]  # fmt: skip
    module, args = pick.choice(kinds)
    lines = [f"- name: {role} step {number}", f"  ansible.builtin.{module}: {args}", "  tags: [setup]" if number % 5 == 0 else ""]
    if module in ("copy", "template", "lineinfile"):
        lines.append(f"  notify: restart {role}")
    if number % 4 == 0:
        lines.append(f"  when: {role}_enabled | bool")
    if module in ("command", "stat"):
        lines.append(f"  register: {role}_r{number}")
    return "\n".join(filter(None, lines)) + "\n"


def timed(command: list[str], folder: Path) -> tuple[float, float]:
    """(wall seconds, CPU seconds)"""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("RUSTLE_", "PYTHON"))}
    environ |= {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}  # for both, whatever the checkout is like
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode or done.stderr:
        sys.exit(f"bench: {' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.bench.plan_cli", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--rounds", "-k", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="write the playbook here and measure nothing")
    chosen = parser.parse_args()
    if chosen.keep:
        write(chosen.keep, chosen.tasks, chosen.hosts)
        return
    stock = [str(Path(sys.executable).parent / "ansible-playbook"), "--list-tasks", "site.yml"]
    ours = [sys.executable, str(ENTRY), "site.yml"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, chosen.tasks, chosen.hosts)
        timed(stock, folder)  # byte code, and the files in memory
        timed(ours, folder)
        runs: dict[str, list[tuple[float, float]]] = {"list-tasks": [], "cold": [], "warm": []}
        for _round in range(chosen.rounds):
            runs["list-tasks"].append(timed(stock, folder))
            shutil.rmtree(folder / "cache", ignore_errors=True)
            runs["cold"].append(timed(ours, folder))
            runs["warm"].append(timed(ours, folder))
    for kind, found in runs.items():
        wall, cpu = (statistics.median(one[part] for one in found) for part in (0, 1))
        ratios = [statistics.median(one[part] / base[part] for one, base in zip(found, runs["list-tasks"], strict=True)) for part in (0, 1)]
        print(f"{kind:10} {wall:6.2f} s  {cpu:6.2f} CPU s   of list-tasks: {ratios[0]:5.2f} by the clock, {ratios[1]:5.2f} CPU")


if __name__ == "__main__":
    main()
