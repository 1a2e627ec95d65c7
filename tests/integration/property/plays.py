# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random plays that mean something: tasks read what earlier ones registered, fail on some hosts, and are rescued.

A play always runs to an end under linear: what a task reads has a default, and only failures that are meant happen.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Task = dict[str, Any]

REGISTERS = ("r0", "r1", "r2")
FACTS = ("x0", "x1")
FILES = ("f0", "f1", "f2")
HANDLERS = ("h0", "h1")

#: texts with what other tasks may have left
texts = st.one_of(
    st.sampled_from(["plain", "{{ hostno }}", "{{ inventory_hostname }} {{ hostno * 2 }}"]),
    st.sampled_from(REGISTERS).map(lambda r: f"{{{{ ({r} | default({{}})).stdout | default('no {r}') }}}}"),
    st.sampled_from(REGISTERS).map(lambda r: f"{{{{ {r} is defined and {r} is changed }}}}"),
    st.sampled_from(FACTS).map(lambda x: f"{{{{ {x} | default('no {x}') }}}}"),
    st.sampled_from(FACTS).map(lambda x: f"{{{{ hostvars['h001'].{x} | default('-') }}}}"),
)
conditions = st.one_of(
    st.sampled_from(["hostno == 1", "hostno == 2", "hostno is odd", False, True]),
    st.sampled_from(REGISTERS).map(lambda r: f"{r} is defined and {r} is not skipped"),
    st.sampled_from(REGISTERS).map(lambda r: f"{r} is not defined or {r} is not failed"),
    st.sampled_from(FACTS).map(lambda x: f"{x} is defined"),
)
paths = st.sampled_from(FILES).map(lambda name: f"{{{{ workdir }}}}/{name}")


def _actions() -> st.SearchStrategy[Task]:
    return st.one_of(
        texts.map(lambda text: {"command": {"argv": ["echo", text]}}),
        st.builds(lambda path, text: {"copy": {"dest": path, "content": text}}, paths, texts),
        st.builds(lambda path, text: {"lineinfile": {"path": path, "line": text, "create": True}}, paths, texts),
        st.builds(lambda path, state: {"file": {"path": path, "state": state}}, paths, st.sampled_from(["touch", "absent", "file"])),
        paths.map(lambda path: {"stat": {"path": path}}),
        st.builds(lambda path, text: {"shell": f"echo '{text}' >> {path}"}, paths, texts),
        st.builds(lambda name, text: {"set_fact": {name: text}}, st.sampled_from(FACTS), texts),
        texts.map(lambda text: {"debug": {"msg": text}}),
        texts.map(lambda text: {"fail": {"msg": text}}),
        st.sampled_from(["{{ hostno }} != 1", "{{ hostno }} = 1", "1 = 2"]).map(lambda text: {"command": f"test {text}"}),
    )


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    task = draw(_actions())
    often = st.integers(0, 3)
    if draw(often) == 0 or "fail" in task:
        task["when"] = draw(conditions)
    if draw(often) < 2 and "set_fact" not in task and "debug" not in task:
        task["register"] = draw(st.sampled_from(REGISTERS))
    if draw(often) == 0:
        task["loop"] = draw(st.sampled_from([[1, 2], ["a"], [], "{{ range(hostno) | list }}"]))
    if draw(often) == 0:
        task["ignore_errors"] = True
    if draw(often) == 0:
        task["changed_when"] = draw(st.sampled_from([True, False, "hostno == 1"]))
    if draw(st.integers(0, 7)) == 0:
        task["failed_when"] = draw(st.sampled_from([False, True, "hostno == 2"]))
    if draw(often) == 0:
        task["notify"] = draw(st.lists(st.sampled_from(HANDLERS), min_size=1, max_size=2))
    if draw(st.integers(0, 15)) == 0:
        task["run_once"] = True
    return task


def _lists(depth: int) -> st.SearchStrategy[list[Task]]:
    things = st.one_of(tasks(), tasks(), tasks(), st.just({"meta": "flush_handlers"}), blocks(depth - 1)) if depth else tasks()
    return st.lists(things, min_size=2, max_size=5)


@st.composite
def blocks(draw: st.DrawFn, depth: int) -> Task:
    block: Task = {"block": draw(_lists(depth))}
    for part in draw(st.sampled_from([("rescue",), ("always",), ("rescue", "always")])):
        block[part] = draw(_lists(0))
    if draw(st.booleans()):
        block["when"] = draw(conditions)
    return block


@st.composite
def plays(draw: st.DrawFn) -> Task:
    play: Task = {"hosts": "fleet", "gather_facts": False, "tasks": draw(_lists(2)) + draw(_lists(2))}
    play["handlers"] = [{"name": name, **draw(_actions().filter(lambda action: "fail" not in action))} for name in HANDLERS]
    play |= draw(st.sampled_from([{}, {}, {}, {"force_handlers": True}, {"any_errors_fatal": True}, {"max_fail_percentage": 50}, {"serial": 1}]))
    return play
