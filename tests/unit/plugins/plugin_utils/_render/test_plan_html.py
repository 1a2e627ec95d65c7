# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import DependencyKind, ExecutionPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import Condition
from ansible_collections.rustle.engine.plugins.plugin_utils._render import plan_html
from hypothesis import given
from hypothesis import strategies as st

from .conftest import a_bundle, a_handler, a_plan, a_play, a_task, long_plan, rich_plan

ROOM = Path(plan_html.__file__).parent
PARTS = sorted(path.name for path in ROOM.glob("page*"))


class Reader(HTMLParser):
    """Elements with their attributes, and the text of each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.append((self._open, data))

    def of(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]

    @property
    def data(self) -> Any:
        """What stands in the island."""
        return json.loads(self.of("script")[0])


def test_the_page_asks_for_nothing(rich: ExecutionPlan) -> None:
    page = plan_html.page(rich)
    assert "://" not in page
    asking = [(tag, name) for tag, attributes in Reader(page).elements for name in attributes if name in ("src", "href", "srcset", "action", "poster")]
    assert not asking
    assert not re.search(r"url\((?!#)|@import", page)


def test_its_policy_forbids_all_but_its_own_style_and_script(rich: ExecutionPlan) -> None:
    reader = Reader(plan_html.page(rich))
    policy = next(attributes["content"] for tag, attributes in reader.elements if attributes.get("http-equiv") == "Content-Security-Policy")
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (reader.of("style")[0], reader.of("script")[1])]
    assert policy == f"default-src 'none'; style-src 'sha256-{digests[0]}'; script-src 'sha256-{digests[1]}'; base-uri 'none'; form-action 'none'"


@pytest.mark.parametrize("name", [name for name in PARTS if name.endswith(".js")])
def test_the_script_makes_no_markup_and_no_request(name: str) -> None:
    text = (ROOM / name).read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|fetch\(|XMLHttpRequest|WebSocket|import\(|</", text)


@pytest.mark.parametrize("name", PARTS)
def test_its_parts_are_one_idea_each(name: str) -> None:
    assert (ROOM / name).read_text().count("\n") <= 500


def test_every_element_that_the_script_looks_for_is_there() -> None:
    ids = {attributes["id"] for _tag, attributes in Reader((ROOM / "page.html").read_text()).elements if "id" in attributes}
    wanted = {name for part in PARTS if part.endswith(".js") for name in re.findall(r"\$\(['\"]#([\w-]+)", (ROOM / part).read_text())}
    assert {"canvas", "chart", "facts", "hits"} <= wanted
    assert {name for name in wanted if not name.endswith("-")} <= ids


def test_the_island_holds_the_facts(rich: ExecutionPlan) -> None:
    data = Reader(plan_html.page(rich)).data
    assert [node["id"] for node in data["nodes"]] == ["task_0", "task_1", "handler_0", "task_2", "task_3", "task_4", "task_5", "task_6"]
    ask = data["nodes"][3]
    assert (ask["barrier"], ask["bundle"], ask["bundles"], ask["endedBy"], ask["endedAt"]) == ("worldly", 2, 3, "register", "task_3")
    assert ask["critical"] and "critical" not in data["nodes"][1]
    assert [0, 1, "file", "file:/etc/0 is written there and file:/etc/1 written here"] in data["edges"]
    assert data["nodes"][5]["pathReason"] == "async"
    assert {"worldly", "async", "register", "end"} == set(data["reasons"])
    assert data["nodes"][6]["section"] == "rescue"
    assert data["plays"][1]["batches"] == 2


def test_facts_that_say_nothing_are_left_out() -> None:
    node = plan_html.page_data(a_plan(a_play(0, a_task(0, args={}, writes=()))))["nodes"][0]
    assert not [name for name, value in node.items() if value in (None, "", [])]
    assert "barrier" not in node and "writes" not in node and node["canRunParallel"] is False


@given(
    st.lists(st.text(max_size=30) | st.sampled_from(["</script>", "<!--", "<script>", "]]>", "\ud800", "$policy", "&lt;", "\u2028"]), min_size=4, max_size=4)
)
def test_no_name_gets_out_of_its_place(names: list[str]) -> None:
    tasks = [
        a_task(n, name, args={name: name}, bundle_id="play-0-bundle-0", writes=(name,),
               after=[(f"task_{n - 1}", DependencyKind.FILE, name)] if n else [])
        for n, name in enumerate(names)
    ]  # fmt: skip
    plan = a_plan(a_play(0, *tasks, name=names[0], bundles=(a_bundle("play-0", 0, 0, 1),), handlers=(a_handler(0, names[1], "task_0"),)))
    page = plan_html.page(plan)
    page.encode()
    reader = Reader(page)
    assert [tag for tag, _attributes in reader.elements] == [tag for tag, _attributes in Reader(plan_html.page(a_plan())).elements]
    # through JSON and back nothing is lost
    assert reader.data == json.loads(json.dumps(plan_html.page_data(plan)))


def test_the_title_is_text() -> None:
    plan = rich_plan()
    object.__setattr__(plan.metadata, "playbooks", ("/srv/<b>&.yml", "other.yml"))
    assert "<title>Plan of &lt;b&gt;&amp;.yml, other.yml</title>" in plan_html.page(plan)


def test_a_long_plan_is_a_page_of_a_megabyte_at_most() -> None:
    assert len(plan_html.page(long_plan(1000)).encode()) < 1_000_000


def test_an_empty_plan_is_a_page() -> None:
    assert Reader(plan_html.page(a_plan())).data["nodes"] == []


def test_the_page_knows_what_an_include_brings_and_why_another_is_closed() -> None:
    brought = a_task(1, included_by="task_0", conditions=(Condition(kind="include", values=("task_0",)),))
    _include, inner, closed = plan_html.page_data(a_plan(a_play(0, a_task(0), brought, a_task(2, opaque=Reason.INCLUDE_LOOP))))["nodes"]
    assert inner["conditions"] == ["where this includes it: task_0 (decided during the run)"]
    assert closed["unknown"] == [f"its tasks (include-loop: {Reason.INCLUDE_LOOP.text})"]
