# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads parallel_cases.yml as Ansible would, and asks the planner which tasks may run side by side.

    python corpus.py FOLDER HOSTS   writes {case: {pair: found}} to stdout; FOLDER is a work folder of the caller's

A process of its own: Ansible's command line, collection loader and inventory are global.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CASES = Path(__file__).with_name("parallel_cases.yml")


def cases() -> list[dict[str, Any]]:
    with CASES.open(encoding="utf-8") as file:
        return list(yaml.safe_load(file))


def write(folder: Path, *, hosts: int) -> list[str]:
    """A playbook with one play for each case (each in a folder of its own), and modules that are not installed here, by their names only."""
    books = []
    for number, case in enumerate(cases()):
        place = folder / f"case-{number}"
        for name, text in case.get("files", {}).items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text + "\n", encoding="utf-8")
        place.mkdir(exist_ok=True)
        play = {"name": case["case"], "hosts": "all", "gather_facts": False, **{key: case[key] for key in ("vars", "handlers", "tasks") if key in case}}
        (place / "site.yml").write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
        books.append(str(place / "site.yml"))
        for module in _modules(play):
            namespace, collection, name = module.split(".")
            stub = folder / "collections" / "ansible_collections" / namespace / collection / "plugins" / "modules" / f"{name}.py"
            stub.parent.mkdir(parents=True, exist_ok=True)
            stub.write_text("#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\n", encoding="utf-8")
    (folder / "hosts").write_text("".join(f"h{number}\n" for number in range(hosts)), encoding="utf-8")
    return books


def _modules(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (key for key in value if key.count(".") == 2 and key.partition(".")[0] in ("ansible", "community"))
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _modules(part)


def found(folder: Path, hosts: int) -> dict[str, dict[str, bool]]:
    from ansible.plugins.loader import init_plugin_loader

    books = write(folder, hosts=hosts)  # the loader looks for collections once
    init_plugin_loader([str(folder / "collections")])
    from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.environment import establish
    from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.reading import PlaybookReader
    from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionStrategy, PlanningOptions
    from ansible_collections.rustle.engine.plugins.plugin_utils._planner.dependencies import Finder
    from ansible_collections.rustle.engine.plugins.plugin_utils._planner.graph import TaskGraph
    from ansible_collections.rustle.engine.plugins.plugin_utils._planner.groups import alone_of
    from ansible_collections.rustle.engine.plugins.plugin_utils._planner.planner import barriers_of

    environment = establish(books, inventory=[str(folder / "hosts")])
    reader = PlaybookReader(loader=environment.loader, inventory=environment.inventory, variable_manager=environment.variable_manager)
    answers = {}
    for play in reader.read(books):
        dependencies = Finder().find(play)
        graph = TaskGraph([task.task_id for task in play.tasks], dependencies.order)
        alone = alone_of(play.tasks, barriers_of(play, dependencies, PlanningOptions(), ExecutionStrategy.BINARY_HYBRID))
        tasks = [task for task in play.tasks if task.where]
        pairs = itertools.combinations(enumerate(tasks, 1), 2)
        answers[play.name] = {
            f"{one}-{other}": graph.independent(first.task_id, second.task_id) and not {first.task_id, second.task_id} & alone.keys()
            for (one, first), (other, second) in pairs if "meta" not in (first.module, second.module)
        }  # fmt: skip
    return answers


if __name__ == "__main__":
    json.dump(found(Path(sys.argv[1]), int(sys.argv[2])), sys.stdout)
