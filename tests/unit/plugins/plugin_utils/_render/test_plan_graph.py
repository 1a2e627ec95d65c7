# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import re

from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import DependencyKind, ExecutionPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._render.plan_graph import dot, mermaid
from hypothesis import given
from hypothesis import strategies as st

from .conftest import a_bundle, a_handler, a_plan, a_play, a_task

JOINERS = dict.fromkeys(map(ord, "\u200b\u200c\u200d\ufe0e\ufe0f"))  # of no width
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')

NAMES = st.text(max_size=40) | st.sampled_from(
    ['"]; }', "a\nb", "\\", '\\"', "<b>&amp;</b>", "{{ x }}", "end", "%%{init: {}}%%", "`x`", "]]", "#quot;", "-->", "漢字", "\x00\x1b", "//", "/* */", "\\N"]
)


def a_named_plan(names: list[str]) -> ExecutionPlan:
    tasks = [
        a_task(n, name, bundle_id="play-0-bundle-0", module=name, after=[(f"task_{n - 1}", DependencyKind.FILE, name)] if n else [])
        for n, name in enumerate(names)
    ]
    play = a_play(0, *tasks, name=names[0], bundles=(a_bundle("play-0", 0, 0, 1, 2),), handlers=(a_handler(0, names[1], "task_0"),))
    return a_plan(play)


def test_tasks_stand_in_clusters_of_play_batch_and_bundle(rich: ExecutionPlan) -> None:
    titles = re.findall(r'label="([^"]*)"; ', dot(rich))
    assert titles == [
        "play 1: Everything (5 hosts)", "bundle 1", "bundle 2", "bundle 3", "handlers",
        "play 2: Databases (2 hosts)", "batches 1 to 2, one after another, 1 host in the first", "bundle 1",
    ]  # fmt: skip
    assert len(re.findall(r"^ *subgraph ", mermaid(rich), re.MULTILINE)) == len(titles)


def test_edges_have_their_kind_and_evidence_and_none_that_follows_from_others(rich: ExecutionPlan) -> None:
    text = dot(rich)
    assert '"task_2" -> "task_3" [label="variable", tooltip="r is set there and read here"' in text
    assert '"task_1" -> "handler_0" [label="notify"' in text
    assert '"task_0" -> "task_2"' not in text
    assert text.count(" -> ") == mermaid(rich).count(" -->|") == 5
    assert '  %% r is set there and read here\n  n2 -->|"variable"| n3\n' in mermaid(rich)


def test_barriers_cuts_and_the_stock_path_are_in_sight(rich: ExecutionPlan) -> None:
    assert '"task_4" [label="4 long job\\ncommand\\nstock: async\\nbarrier: worldly"' in dot(rich)
    assert "cut: register r" in dot(rich)
    assert dot(rich).count("peripheries=2") == 2
    assert 'n4[["4 long job<br/>command<br/>stock: async<br/>barrier: worldly"]]' in mermaid(rich)
    assert "  class n2,n4 barrier\n" in mermaid(rich)


@given(st.lists(NAMES, min_size=3, max_size=3))
def test_no_name_becomes_syntax_of_dot(names: list[str]) -> None:
    bare, named = (STRING.sub('""', dot(a_named_plan(list(one)))) for one in (("a", "b", "c"), names))
    assert named == bare
    assert dot(a_named_plan(names)).replace("\n", "").translate(JOINERS).isprintable()


@given(st.lists(NAMES, min_size=3, max_size=3))
def test_no_name_becomes_syntax_of_mermaid(names: list[str]) -> None:
    text = mermaid(a_named_plan(names))
    bare = mermaid(a_named_plan(["a", "b", "c"]))

    def shape(text: str) -> list[str]:
        return [re.sub(r'"[^"]*"', '""', line) if "%%" not in line else "  %%" for line in text.split("\n")]

    assert shape(text) == shape(bare)
    for label in re.findall(r'"([^"]*)"', text):
        assert not re.search(r"[`{}\[\]<>&%\\|()]", label.replace("<br/>", ""))
    for comment in re.findall(r"%%(.*)", text):
        assert not re.search(r"[{}%]", comment)


def test_what_stands_in_a_name_can_be_read_back() -> None:
    text = dot(a_plan(a_play(0, a_task(0, 'a "b" \\N & {c}\nd'))))
    assert r'label="0 a \"b\" \\N &amp; {c} d\ncopy"' in text.replace(r"{c}\nd", "{c} d")
    assert "0 a #34;b#34; #92;N #38; #123;c#125; d<br/>copy" in mermaid(a_plan(a_play(0, a_task(0, 'a "b" \\N & {c}\nd'))))


def test_an_empty_plan_is_a_graph() -> None:
    assert dot(a_plan()).endswith("}\n")
    assert mermaid(a_plan()).startswith("flowchart TB\n")
