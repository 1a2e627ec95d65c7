# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pages say what the code does: codes, messages, states, limits, rooms, links, paths and examples are compared with it.

Settings have their own tests (plugin_utils/_schema/test_settings.py); tests/integration/test_readme.py runs the README's examples.
"""

from __future__ import annotations

import ast
import configparser
import importlib
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.rustle.engine.plugins.module_utils._agent import messages, protocol
from ansible_collections.rustle.engine.plugins.plugin_utils._agent import states
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = "ansible_collections.rustle.engine.plugins."
PAGES = {page.relative_to(ROOT).as_posix(): page.read_text() for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
PROTOCOL = PAGES["docs/agent-protocol.md"]
ARCHITECTURE = PAGES["docs/architecture.md"]
COMPATIBILITY = PAGES["docs/compatibility.md"]


def section(page: str, title: str) -> str:
    """The text below a heading, up to the next one of its level."""
    level, rest = re.search(rf"^(#+) {re.escape(title)}\n(.*)", page, re.MULTILINE | re.DOTALL).groups()  # type: ignore[union-attr]
    return re.split(rf"^#{{1,{len(level)}}} ", rest, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """Cells of all tables' rows, without those of their heads."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("|")]
    heads = {at - 1 for at, line in enumerate(lines) if not line.strip("|-: ")}
    return [[cell.strip() for cell in line[1:-1].split("|")] for at, line in enumerate(lines) if line.strip("|-: ") and at not in heads]


def code(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


def keys(cell: str) -> dict[str, bool]:
    """Keys that a cell names in code, and whether each may be left out."""
    return {name: bool(maybe) for name, maybe in re.findall(r"`(\w+)`(\??)", cell)}


# --- reason codes -------------------------------------------------------------------------------------------------------------

KINDS = {"stock": "Stock path", "cut": "Cuts", "barrier": "Barriers", "opaque": "Includes that a plan does not open"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_reason_has_its_code_and_text_under_its_kind(kind: str) -> None:
    reasons = section(COMPATIBILITY, "Reason codes")
    listed = {row[0].strip("`"): row[1] for row in rows(section(reasons, KINDS[kind]))}
    assert listed == {reason.value: reason.text for reason in Reason if reason.kind == kind}


def test_reserved_reasons_are_those_that_no_code_gives() -> None:
    given = set()
    for path in (ROOT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason":
                given.add(node.attr)
    reserved = {row[0].strip("`") for row in rows(section(COMPATIBILITY, "Reason codes")) if row[2].startswith("reserved")}
    assert reserved == {reason.value for reason in Reason if reason.name not in given}


def test_codes_of_barriers_in_ordering_are_reasons() -> None:
    table = section(PAGES["docs/ordering.md"], "Barriers").split("\n\n")
    found = {name for row in rows("\n".join(table)) if len(row) == 3 for name in code(row[1])}
    assert found and found <= {reason.value for reason in Reason if reason.kind == "barrier"}


# --- the protocol -------------------------------------------------------------------------------------------------------------


def shape(wanted: dict[str, object]) -> dict[str, bool]:
    return {name: isinstance(inner, type(messages.maybe(str))) for name, inner in wanted.items()}


def test_every_message_is_in_the_table_of_its_direction_with_its_keys() -> None:
    to_agent, to_controller = section(PROTOCOL, "Messages").split("| to the controller")
    for direction, text in ((messages.TO_AGENT, to_agent), (messages.TO_CONTROLLER, to_controller)):
        listed = {row[0].strip("`"): keys(row[1]) for row in rows(text) if row[0].startswith("`")}
        assert listed == {kind: shape(wanted) for kind, (to, wanted) in messages.MESSAGES.items() if to == direction}


def test_entries_steps_guards_and_results_have_their_keys() -> None:
    text = section(PROTOCOL, "Entries")
    listed = {name: maybe for row in rows(text) if len(row) == 2 for name, maybe in keys(row[0]).items() if name not in messages.CLASSES}
    assert listed == shape(messages.ENTRY)
    steps = {row[0].strip("`"): keys(row[1]) for row in rows(text) if len(row) == 3}
    assert steps == {kind: shape(wanted) for kind, wanted in messages.STEPS.items()} and set(steps) == set(messages.KINDS)
    guard = text[text.index("A **guard**"):]
    assert set(messages.GUARD) <= code(guard) and set(messages.CLASSES) <= code(guard)
    assert set(messages.RESULT) <= code(text[text.index("A step's result"):])


def test_every_stop_is_listed() -> None:
    assert [row[0].strip("`") for row in rows(section(PROTOCOL, "The stop rule"))] == list(messages.STOPS)


def diagram(page: str, number: int) -> dict[tuple[str, str], str]:
    """(state, event) -> state, as a mermaid state diagram draws it; one arrow may bear several events."""
    text = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", page, re.DOTALL)[number]
    arrows = re.findall(r"(\w+) --> (\w+): (.*)", text)
    return {(start, event): end for start, end, events in arrows for event in events.split(", ")}


def test_the_diagrams_are_the_transition_tables() -> None:
    assert diagram(PROTOCOL, 0) == protocol.CONNECTION
    assert diagram(PROTOCOL, 1) == protocol.ENTRY


def test_the_controllers_states_are_the_transition_table() -> None:
    listed, may_write, phases = {}, set(), {}
    for name, *cells, write, phase in [row for row in rows(section(PROTOCOL, "States")) if len(row) == 11]:
        state = states.State[name.strip("`")]
        listed.update({(state, signal): states.State[cell.strip("`")] for signal, cell in zip(states.Signal, cells, strict=True) if cell})
        may_write |= {state} if write == "yes" else set()
        phases.update({state: phase} if phase else {})
    assert listed == states.TRANSITIONS
    assert may_write == states.MAY_WRITE
    assert phases == states.PHASE
    head = next(line for line in PROTOCOL.splitlines() if line.startswith("| state |"))
    assert re.findall(r"`(\w+)`", head) == [signal.name for signal in states.Signal]


ROOMS_OF_LIMITS = {
    "framing": "module_utils._agent", "glance": "module_utils._agent", "output": "module_utils._agent", "loop": "module_utils._agent",
    "handshake": "plugin_utils._agent", "connection": "plugin_utils._agent",
    "hazards": "plugin_utils._bridge", "seams": "plugin_utils._bridge",
    "hub": "plugin_utils._run", "wire": "plugin_utils._run",
}
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "s": 1}


@pytest.mark.parametrize(("name", "value"), [row[:2] for row in rows(section(PROTOCOL, "Limits"))])
def test_limits_are_those_of_the_code(name: str, value: str) -> None:
    module, constant = re.search(r"`(\w+)\.(\w+)`", name).groups()  # type: ignore[union-attr]
    number, unit = value.split()
    assert getattr(importlib.import_module(f"{PLUGINS}{ROOMS_OF_LIMITS[module]}.{module}"), constant) == int(number) * UNITS[unit]


# --- rooms --------------------------------------------------------------------------------------------------------------------


def test_the_rooms_are_those_whose_walls_are_tested() -> None:
    walls = runpy.run_path(str(ROOT / "tests" / "unit" / "test_architecture.py"), run_name="walls")
    every = rows(section(ARCHITECTURE, "Rooms"))
    table = [row for row in every if row[0]]
    assert {row[1].strip("`"): int(row[0]) for row in table}.items() <= {room: n for n, rooms in walls["LEVELS"].items() for room in rooms}.items()
    assert {row[1].strip("`"): [int(n) for n in re.findall(r"\d", row[3])] for row in table}.items() <= walls["MAY_IMPORT_LEVELS"].items()
    built = {f"{p.parent.parent.name}/{p.parent.name}" for p in (ROOT / "plugins").glob("*_utils/_*/*.py")}
    assert built == {row[1].strip("`") for row in every if "/" in row[1]}


def test_the_rooms_hold_the_files_that_are_listed_and_no_others() -> None:
    for row in rows(section(ARCHITECTURE, "Rooms")):
        folder = ROOT / "plugins" / row[1].strip("`")
        assert code(row[4]) == {path.name for path in folder.glob("*.py")} - {"__init__.py"}, folder.name


# --- links and paths ------------------------------------------------------------------------------------------------------------


def anchors(page: str) -> set[str]:
    """As GitHub makes them from headings."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", PAGES[name]):
        path, _hash, anchor = target.partition("#")
        page = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
        if "://" not in target and (not (ROOT / page).exists() or (anchor and anchor not in anchors(PAGES[page]))):
            dead.append(target)
    assert not dead


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_is_named_is_there(name: str) -> None:
    text = re.sub(r"^```.*?^```", "", PAGES[name], flags=re.MULTILINE | re.DOTALL)
    paths = re.findall(r"`((?:plugins|docs|tests|roles|playbooks|changelogs|meta|extensions)/[\w./*-]+)`", text)
    assert not [path for path in paths if not list(ROOT.glob(path.rstrip("/")))]
    rooms = re.findall(r"`(_[a-z]+/[\w*]+\.py)`", text)
    assert not [path for path in rooms if not list((ROOT / "plugins").glob(f"*_utils/{path}"))]


# --- examples -------------------------------------------------------------------------------------------------------------------


def examples(kind: str) -> dict[str, str]:
    found = {name: re.findall(rf"^```{kind}\n(.*?)^```", page, re.MULTILINE | re.DOTALL) for name, page in PAGES.items()}
    return {f"{Path(name).stem}-{number}": text for name, texts in found.items() for number, text in enumerate(texts, 1)}


def test_yaml_examples_pass_the_syntax_check(tmp_path: Path) -> None:
    """Lists of tasks are put into a play; all go to one ansible-playbook, which takes a second to start."""
    files = []
    for name, text in examples("yaml").items():
        plays = yaml.safe_load(text)
        if not any("hosts" in play for play in plays):
            plays = [{"hosts": "all", "tasks": plays}]
        for role in {role["role"] for play in plays for role in play.get("roles", ())}:
            (tmp_path / "roles" / role / "tasks").mkdir(parents=True, exist_ok=True)
            (tmp_path / "roles" / role / "tasks" / "main.yml").write_text("[]\n")
        files.append(f"{name}.yml")
        (tmp_path / files[-1]).write_text(yaml.safe_dump(plays))
    clean = {k: v for k, v in os.environ.items() if k == "ANSIBLE_COLLECTIONS_PATH" or not k.startswith(("ANSIBLE_", "RUSTLE_"))}
    command = [sys.executable, "-m", "ansible", "playbook", "--syntax-check", "-i", "web1,", *files]
    done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("playbook: ") == len(files) >= 5


@pytest.mark.parametrize("text", list(examples("ini").values()), ids=list(examples("ini")))
def test_ini_examples_can_be_read(text: str) -> None:
    parser = configparser.ConfigParser()
    parser.read_string(text)
    assert set(parser.sections()) <= {"defaults", "rustle"} and parser.sections()


@pytest.mark.parametrize("name", PAGES)
def test_shell_examples_are_sound(name: str) -> None:
    """Indented blocks are shell."""
    prose = re.sub(r"^```.*?^```", "", PAGES[name], flags=re.MULTILINE | re.DOTALL)
    script = "".join(f"{line[4:]}\n" for line in re.findall(r"(?<=\n\n)(?:    .*\n)+", prose) for line in line.splitlines())
    done = subprocess.run(["sh", "-n"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_table_of_speed_can_be_found_by_its_marks() -> None:
    table = re.search(r"<!-- bench:begin -->\n(.*?)<!-- bench:end -->", PAGES["README.md"], re.DOTALL)
    assert table and rows(table.group(1))
