# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What include_vars may set is not known before the run, whatever else sets it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.planning import Request, plan_for

FILES = {
    "roles/web/defaults/main.yml": "pkg: a\nport: 1\nother: kept\n",
    "roles/web/vars/Debian.yml": "pkg: b\n",
    "roles/web/vars/more/own.json": '{"port": 2}',
    "roles/web/vars/broken.yml": "port: [\n",
    "roles/web/vars/README.md": "other: no variable\n",
    "site.yml": "- hosts: all\n  gather_facts: false\n  roles: [web]\n",
}


def unknown(folder: Path, task: str) -> list[str]:
    """Which of the variables pkg, port and other are not known behind the task."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    show = "- file: {path: '/{{ pkg }}', src: '/{{ port }}', owner: '{{ other }}', state: link}\n"
    (folder / "roles/web/tasks").mkdir(parents=True)
    (folder / "roles/web/tasks/main.yml").write_text(f"{task}\n{show}")
    last = [one for one in plan_for(Request(playbooks=("site.yml",), inventory=("h1,",))).plan.tasks() if not one.flush][-1]
    return sorted({"path": "pkg", "src": "port", "owner": "other"}[name] for name in last.unknown_args)


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("- include_vars: Debian.yml", ["pkg"]),
        ("- include_vars: {file: Debian.yml}", ["pkg"]),
        ("- include_vars: '{{ os }}.yml'", ["pkg", "port"]),
        ("- include_vars: {dir: more}", ["port"]),
        ("- include_vars: {file: Debian.yml, name: other}", ["other"]),
        ("- include_vars: none.yml", []),
        ("- include_vars: broken.yml", []),
    ],
)
def test_variables_that_the_files_may_set_are_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, names: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert unknown(tmp_path, task) == names
