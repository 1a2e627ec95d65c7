# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import ExecutionRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._render import report_html
from ansible_collections.rustle.engine.plugins.plugin_utils._render.run_view import STATUSES, Past, Run
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lab.history import Made, a_run, runs

from .test_plan_html import Reader

ROOM = Path(report_html.__file__).parent
SCRIPTS = ["report.js", "report_timeline.js"]
SECTIONS = ["summary", "failures", "timeline", "slowest", "plan", "adaptations", "recommendations", "hosts", "bundles", "tasks"]
HOSTILE = ["</script>", "<!--", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "]]>"]
HOSTILE += ["\ud800", "$head", "&lt;", "\u2028", "\u202e", "'\"", "javascript:x"]


def view(made: Made) -> Run:
    return Run(made.execution, made.plan, tuple(made.tasks), tuple(made.results), tuple(made.bundles), tuple(made.adaptations), (), tuple(made.recommendations),
               made.report)  # fmt: skip


@pytest.fixture(scope="module")
def run() -> Run:
    return view(a_run(1))


@pytest.fixture(scope="module")
def page(run: Run) -> str:
    return report_html.page(run, Past(tuple(made.execution for made in runs(3)), {"site.yml:3": (1.0, 2.0)}), now=1_790_000_000.0)


def test_the_page_asks_for_nothing(page: str) -> None:
    assert "://" not in page
    asking = [(tag, name, value) for tag, attributes in Reader(page).elements for name, value in attributes.items()
              if name in ("src", "srcset", "action", "poster") or (name == "href" and not str(value).startswith("#"))]  # fmt: skip
    assert not asking
    assert not re.search(r"url\((?!#)|@import", page)


def test_its_policy_lets_its_own_style_and_script_in_and_nothing_is_styled_in_place(page: str) -> None:
    reader = Reader(page)
    policy = next(str(attributes["content"]) for _tag, attributes in reader.elements if attributes.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert not [attributes for _tag, attributes in reader.elements if "style" in attributes or any(name.startswith("on") for name in attributes)]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_makes_no_markup_and_no_request(name: str) -> None:
    text = (ROOM / name).read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|fetch\(|XMLHttpRequest|WebSocket|import\(|</", text)


def test_every_element_that_the_script_looks_for_is_there(page: str) -> None:
    ids = {attributes["id"] for _tag, attributes in Reader(page).elements if "id" in attributes}
    wanted = {name for part in SCRIPTS for name in re.findall(r"\$\(['\"]#([\w-]+)", (ROOM / part).read_text())}
    assert {"chart", "navigator", "find"} <= wanted <= ids


def test_all_sections_are_there_and_linked_to(page: str) -> None:
    reader = Reader(page)
    assert [attributes["id"] for tag, attributes in reader.elements if tag == "section"] == SECTIONS
    assert {f"#{name}" for name in SECTIONS} <= {attributes.get("href") for tag, attributes in reader.elements if tag == "a"}


def test_what_matters_is_there_without_the_script(page: str) -> None:
    text = re.sub(r"<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL)
    for words in ("failed", "Timeout when waiting for 10.0.0.7:8080", "check users", "web02", "the second try went well", "host_key_checking = True",
                  "not-allowed", "stock", "usually"):  # fmt: skip
        assert words in text, words
    assert {"failed", "changed", "ok"} <= set(re.findall(r'<path d="M[^"]+" class="status (\w+)"', text))


def test_a_section_that_has_nothing_to_say_is_not_there() -> None:
    page = report_html.page(Run(ExecutionRecord(execution="0" * 32, started=1.0)))
    assert [attributes["id"] for tag, attributes in Reader(page).elements if tag == "section"] == ["summary"]
    assert "no history yet" in page


def test_bars_are_those_of_the_spans(run: Run) -> None:
    data = Reader(report_html.page(run)).data
    assert data["hosts"] == ["web01", "web02", "web03"] and len(data["tasks"]) == 12
    assert sum(map(len, data["bars"])) == len(run.results) * 8
    bars = [data["bars"][0][at : at + 8] for at in range(0, len(data["bars"][0]), 8)]
    assert bars == sorted(bars, key=lambda bar: (bar[1], bar[1] + bar[2]))
    assert {STATUSES[bar[3]] for bar in bars} == {"failed", "changed", "ok", "skipped"}
    assert data["messages"] == {"10 web01": "Timeout when waiting for 10.0.0.7:8080"}


def replaced(made: Made, text: str) -> Run:
    """Every text of the records is the same one, but for words of a fixed set."""
    fixed = {"status", "path", "severity", "kind", "state"}

    def changed(record: Any) -> Any:
        texts = {one.name: text for one in dataclasses.fields(record) if isinstance(getattr(record, one.name), str) and one.name not in fixed}
        keys = {name: getattr(record, name) for name in ("task_id", "adaptation") if hasattr(record, name)}
        if hasattr(record, "host"):
            keys["host"] = text + record.host
        return dataclasses.replace(record, **texts | keys)

    every = [[changed(one) for one in many] for many in (made.tasks, made.results, made.bundles, made.adaptations, made.recommendations)]
    report = dataclasses.replace(made.report, lines=(text,)) if made.report is not None else None
    return Run(changed(made.execution), changed(made.plan), *map(tuple, every[:4]), (), tuple(every[4]), report)


SHAPE = [tag for tag, _attributes in Reader(report_html.page(replaced(a_run(1, tasks=6), "x"))).elements]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_shown_and_do_nothing(text: str) -> None:
    page = report_html.page(replaced(a_run(1, tasks=6), text))
    page.encode()
    reader = Reader(page)
    assert [tag for tag, _attributes in reader.elements] == SHAPE
    assert not any(name.startswith("on") or name == "src" for _tag, attributes in reader.elements for name in attributes)
    assert "\u202e" not in page and "\u2028" not in page


@settings(max_examples=20)
@given(st.text(min_size=1, max_size=30) | st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=3).map("".join))
def test_no_name_gets_out_of_its_place(text: str) -> None:
    reader = Reader(report_html.page(replaced(a_run(1, tasks=6), text)))
    assert sorted({tag for tag, _attributes in reader.elements}) == sorted(set(SHAPE))
    assert [tag for tag, _attributes in reader.elements if tag in ("script", "style")] == ["style", "script", "script"]


@pytest.mark.parametrize("text", ["", "{", "3", '["a", 1]', '{"web01": {"path": "stock"}}', '[{"a": "<b>"}, {"b": null}]'])
def test_differences_of_any_form_do_no_harm(run: Run, text: str) -> None:
    assert run.plan is not None
    page = report_html.page(dataclasses.replace(run, plan=dataclasses.replace(run.plan, differences=text)))
    assert "<b>\"" not in page and ("Differences" in page) == text.startswith(("{\"", "[{"))


def test_a_big_run_makes_a_page_of_bounded_size() -> None:
    page = report_html.page(view(a_run(1, tasks=300, hosts=40)))
    assert len(page) < 1_000_000
    assert len(re.findall("<rect", page)) < 400
