# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The walls of the house: who may import whom, read off the syntax trees of plugins/ (docs/architecture.md draws the table).

Each rule is a function from a source file to complaints. They are applied to every file, and each is shown to bite on a bad one.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
COLLECTION = "ansible_collections.rustle.engine.plugins."
MAX_LINES = 500

# level -> rooms; siblings of one level never import each other
LEVELS = {
    0: ["module_utils/_agent"],
    1: ["plugin_utils/_model"],
    2: ["plugin_utils/_planner", "plugin_utils/_adaptation", "plugin_utils/_learning", "plugin_utils/_tracking", "plugin_utils/_schema"],
    3: ["plugin_utils/_store", "plugin_utils/_stream", "plugin_utils/_agent", "plugin_utils/_render", "plugin_utils/_bridge"],
    4: ["plugin_utils/_run", "plugin_utils/_feedback"],
}
MAY_IMPORT_LEVELS = {
    "module_utils/_agent": [],
    "plugin_utils/_model": [],
    "plugin_utils/_planner": [1],
    "plugin_utils/_adaptation": [1],
    "plugin_utils/_learning": [1],
    "plugin_utils/_tracking": [1],
    "plugin_utils/_schema": [1],
    "plugin_utils/_store": [1, 2],
    "plugin_utils/_stream": [1, 2],
    "plugin_utils/_agent": [0, 1],
    "plugin_utils/_render": [1, 2],
    "plugin_utils/_bridge": [0, 1, 2],
    "plugin_utils/_run": [1, 2, 3],
    "plugin_utils/_feedback": [1, 2, 3],
}
DOOR = "a door"  # plugin files and the command line: they may import everything
KNOWS_ANSIBLE = {"plugin_utils/_bridge", "plugin_utils/_run", "plugin_utils/_feedback", DOOR}
# rooms, and files of the agent, that decide and do nothing: time arrives in the event, bytes in the call
PURE = ["plugin_utils/_model", "plugin_utils/_planner", "plugin_utils/_adaptation", "plugin_utils/_learning", "plugin_utils/_tracking"]
PURE += [f"module_utils/_agent/{name}.py" for name in ("framing", "messages", "states", "protocol")]
IMPURE_MODULES = {"asyncio", "random", "secrets", "select", "selectors", "socket", "subprocess", "tempfile", "threading", "time"}
ONE_DOOR = {"greenlet", "networkx", "pydantic", "requests", "sqlite_utils"}


@dataclass(frozen=True)
class Source:
    """A file below plugins/: its path there and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def room(self) -> str:
        rooms = [room for room in MAY_IMPORT_LEVELS if self.path.startswith(room + "/")]
        return rooms[0] if rooms else DOOR

    def imports(self) -> Iterator[str]:
        """Dotted names, absolute; `from a import b` counts as a.b."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    package = PurePosixPath(self.path).parents[node.level - 1]
                    base = COLLECTION + ".".join((*package.parts, base)).rstrip(".")
                yield from (f"{base}.{alias.name}" for alias in node.names)

    def imported_rooms(self) -> Iterator[str]:
        for name in self.imports():
            if name.startswith(COLLECTION):
                place = name.removeprefix(COLLECTION).replace(".", "/") + "/"
                yield from (room for room in MAY_IMPORT_LEVELS if place.startswith(room + "/"))

    def foreign(self) -> Iterator[str]:
        """Top-level names that are neither ours nor Python's."""
        tops = {name.split(".")[0] for name in self.imports()}
        yield from sorted(tops - sys.stdlib_module_names - {"ansible_collections"})


def imports_point_downward(source: Source) -> Iterator[str]:
    if source.room != DOOR:
        allowed = {room for level in MAY_IMPORT_LEVELS[source.room] for room in LEVELS[level]} | {source.room}
        yield from (f"imports {room}" for room in sorted(set(source.imported_rooms()) - allowed))


def ansible_stays_in_the_bridge(source: Source) -> Iterator[str]:
    if "ansible" in source.foreign() and source.room not in KNOWS_ANSIBLE and not is_plain_module_utils(source):
        yield "imports ansible"


def is_plain_module_utils(source: Source) -> bool:
    """module_utils outside the agent are Ansible's own kind: modules use them."""
    return source.path.startswith("module_utils/") and source.room == DOOR


def agent_and_model_are_stdlib_only(source: Source) -> Iterator[str]:
    if source.room in ("module_utils/_agent", "plugin_utils/_model"):
        yield from (f"imports {name}" for name in source.foreign())


def core_does_no_io(source: Source) -> Iterator[str]:
    if any(source.path.startswith(place) for place in PURE):
        yield from (f"imports {name}" for name in sorted({n.split(".")[0] for n in source.imports()} & IMPURE_MODULES))
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("open", "print", "input"):
                yield f"line {node.lineno} calls {node.func.id}()"


def no_assert(source: Source) -> Iterator[str]:
    yield from (f"line {node.lineno} asserts" for node in ast.walk(source.tree) if isinstance(node, ast.Assert))


def files_are_one_idea(source: Source) -> Iterator[str]:
    if (lines := source.text.count("\n")) > MAX_LINES:
        yield f"has {lines} lines, {MAX_LINES} are the most"


def header_is_there(source: Source) -> Iterator[str]:
    if source.text.strip() and not source.path.startswith(("modules/", "module_utils/")):
        if "GNU General Public License v3.0+" not in source.text[:400]:
            yield "lacks the licence line"
        if "from __future__ import annotations" not in source.text and list(source.imports()):
            yield "lacks `from __future__ import annotations`"


RULES: list[Callable[[Source], Iterator[str]]] = [
    imports_point_downward,
    ansible_stays_in_the_bridge,
    agent_and_model_are_stdlib_only,
    core_does_no_io,
    no_assert,
    files_are_one_idea,
    header_is_there,
]


def every_source() -> list[Source]:
    return [Source(p.relative_to(PLUGINS).as_posix(), p.read_text()) for p in sorted(PLUGINS.rglob("*.py"))]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_file_obeys(rule: Callable[[Source], Iterator[str]]) -> None:
    complaints = [f"{source.path} {complaint}" for source in every_source() for complaint in rule(source)]
    assert not complaints, "\n".join(complaints)


def test_each_dependency_has_one_door() -> None:
    doors = defaultdict(list)
    for source in every_source():
        for name in ONE_DOOR.intersection(source.foreign()):
            doors[name].append(source.path)
    assert not {name: paths for name, paths in doors.items() if len(paths) > 1}


def test_every_room_has_its_level() -> None:
    found = {p.parent.relative_to(PLUGINS).as_posix() for p in PLUGINS.glob("*_utils/_*/*.py")}
    assert found <= set(MAY_IMPORT_LEVELS) | {"plugin_utils/_cli"}


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (imports_point_downward, "plugin_utils/_planner/x.py", "from .._schema.plan import Plan"),
        (imports_point_downward, "plugin_utils/_model/x.py", f"import {COLLECTION}plugin_utils._run.hub"),
        (imports_point_downward, "plugin_utils/_agent/x.py", "from .._bridge import compat"),
        (ansible_stays_in_the_bridge, "plugin_utils/_agent/x.py", "def f():\n    from ansible import constants"),
        (agent_and_model_are_stdlib_only, "module_utils/_agent/x.py", "import yaml"),
        (core_does_no_io, "plugin_utils/_planner/x.py", "from time import monotonic"),
        (core_does_no_io, "module_utils/_agent/protocol.py", "data = open('x').read()"),
        (no_assert, "strategy/x.py", "assert True"),
        (files_are_one_idea, "strategy/x.py", "\n" * 501),
        (header_is_there, "strategy/x.py", "import os"),
    ],
)
def test_each_rule_bites(rule: Callable[[Source], Iterator[str]], path: str, text: str) -> None:
    assert list(rule(Source(path, text)))
