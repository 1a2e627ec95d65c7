# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.estimate import Estimate
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._model.reasons import Reason
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import Condition, HostClass
from ansible_collections.rustle.engine.plugins.plugin_utils._render import plan_text
from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import width
from ansible_collections.rustle.engine.plugins.plugin_utils._render.plan_text import Style
from hypothesis import given
from hypothesis import strategies as st

from .conftest import a_bundle, a_plan, a_play, a_task, long_plan, plain, rich_plan

TREE = """\
2 plays, 7 tasks, 7 hosts · 5 bundles · 11 round trips a host (stock: 49) · history of 2 of 7 tasks

Everything                                                             5 hosts, BinaryHybrid, causal
│ web01…web05 (5)
├─bundle 1: 2 tasks, one round trip
│ ├─  0 folder                        file                                                    250 ms
│ └─  1 config → restart              copy
╞══ barrier worldly: somebody beyond the host could notice the task, or it could notice them ═══════
├─  2 ask                             command          bundle 2
╞═══════════════════════════════════════════════════════════════════════════════════════════════════
├─  3 ? say                           debug            cut: register r, controller
╞══ barrier worldly ════════════════════════════════════════════════════════════════════════════════
├─  4 long job                        command          stock: async                       1 min 15 s
╞═══════════════════════════════════════════════════════════════════════════════════════════════════
├─  5 (skipped) rescue: clean up      copy             bundle 3
└─handlers, where they are flushed and were notified
  └─ h0 restart ← 1 config            service

Databases                                                    2 hosts, BinaryHybrid, causal, serial 1
│ db1, db2
├─batch 1 of 2: db1
│ └─  6 alone                         copy             bundle 1
└─batch 2 of 2 as batch 1: db2
"""


def test_a_plan_is_a_tree_with_barriers_across(rich: ExecutionPlan) -> None:
    assert plan_text.plan(rich, Style(width=100)) == TREE


def test_the_page_on_planning_shows_this_tree() -> None:
    page = Path(__file__).parents[5] / "docs" / "planning.md"
    assert TREE.partition("\nDatabases")[0] in page.read_text()


def test_a_line_each_task_says_its_path(rich: ExecutionPlan) -> None:
    lines = plan_text.tasks(rich, Style(width=80)).splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["play", "1:", "Everything", "(5", "hosts)"], ["0", "folder", "file", "agent"], ["1", "config", "copy", "agent"]
    ]  # fmt: skip
    assert lines[5].split()[-2:] == ["stock:", "async"]
    assert lines[7].split() == ["h0", "restart", "service", "handler,", "agent"]


def test_verbosity_adds_dependencies_then_effects_and_arguments(rich: ExecutionPlan) -> None:
    plain_text, one, two = (plan_text.plan(rich, Style(width=120, verbosity=n)) for n in range(3))
    assert "after" not in plain_text
    # what follows from another dependency is left out until everything is asked for
    assert "after 1 config: opaque: file:/etc/1 may be written there" in one
    assert "after 0 folder: opaque" not in one and "after 0 folder: opaque" in two
    assert "writes" not in one and "writes anything" not in two and "writes *, var:r" in two
    assert "arguments dest: /etc/1" in two and "when: r is changed (decided during the run)" in two


def test_estimates_are_shown_with_how_good_they_are(rich: ExecutionPlan) -> None:
    text = plan_text.plan(rich, Style(width=100), estimates=True)
    assert "250 ms ± 50 ms (12)" in text and "1 min 15 s ± 4.0 s (3)" in text
    assert "2 of 7 tasks known, from 3 to 12 runs; the total is not known" in " ".join(text.split())
    bare = a_plan(a_play(0, a_task(0)))
    assert "no history yet" in plan_text.summary(bare, Style())
    assert "nothing is guessed" in plan_text.plan(bare, Style(), estimates=True)
    assert "about 1 min 20 s ± 3.0 s" in plan_text.summary(dataclasses.replace(bare, estimated_duration=Estimate(80.0, 6.0, 4)), Style())


def test_hosts_stand_by_class_with_the_reason_of_the_stock_path(rich: ExecutionPlan) -> None:
    play = dataclasses.replace(
        rich.plays[0], host_classes=(*rich.plays[0].host_classes, HostClass(class_id="class-1", hosts=("win",), connection="winrm", stock=Reason.CONNECTION))
    )
    text = " ".join(plan_text.hosts(dataclasses.replace(rich, plays=(play, rich.plays[1])), Style(width=90)).split())
    assert "class-0: 5 hosts, ssh, linux x86_64 Python 3.11 web01…web05 (5) a binary deployment pays (threshold)" in text
    assert "class-1: 1 host, winrm, nothing known of them win stock path: connection: the connection plugin" in text
    assert "batches (serial 1) 1: db1 2: db2" in text


def test_binaries_are_listed_and_where_there_is_none_it_is_said_why(rich: ExecutionPlan) -> None:
    text = plan_text.binaries(rich, Style())
    assert "play-0-0.pyz (play-0-deployment-0)" in text and "123,456 bytes" in text
    assert "none for db1, db2 in play 2 (Databases): 1 eligible tasks are fewer than the threshold of 5" in text
    assert plan_text.binaries(a_plan(a_play(0, a_task(0))), Style()) == "no binary deployments\n"


def test_colour_changes_nothing_but_the_colour(rich: ExecutionPlan) -> None:
    for verbosity in range(3):
        coloured = plan_text.plan(rich, Style(colour=True, width=90, verbosity=verbosity))
        uncoloured = plan_text.plan(rich, Style(width=90, verbosity=verbosity))
        assert "\x1b[" in coloured and "\x1b" not in uncoloured
        assert [line.rstrip() for line in plain(coloured).splitlines()] == [line.rstrip() for line in uncoloured.splitlines()]


JOINERS = dict.fromkeys(map(ord, "\u200b\u200c\u200d\ufe0e\ufe0f"))  # of no width
NAMES = st.text(max_size=80) | st.sampled_from(["漢" * 60, "\x1b[2J", "a\nb", "x" * 300, "e\u0301" * 90, "\u202eevil"])


@given(st.lists(NAMES, min_size=12, max_size=12), st.integers(60, 200), st.integers(0, 2), st.booleans())
def test_no_line_is_wider_than_the_terminal(names: list[str], columns: int, verbosity: int, estimates: bool) -> None:
    given_names = iter(names)
    tasks = [
        a_task(n, next(given_names), module=next(given_names) or "m", notify=(next(given_names),), bundle_id="play-0-bundle-0",
               cut=[None, Reason.REGISTER, Reason.WORLDLY][n], cut_detail=names[-1], barrier=[Reason.WORLDLY, None, None][n], args={names[-2]: names[-3]},
               writes=tuple(names[:2]), estimated_duration=Estimate(12345.0, 77.0, 1_000_000) if n else None)
        for n in range(3)
    ]  # fmt: skip
    play = a_play(0, *tasks, name=names[-1], hosts=tuple(names), bundles=(a_bundle("play-0", 0, 0, 1, 2),))
    plan, style = a_plan(play), Style(width=columns, verbosity=verbosity)
    texts = [plan_text.plan(plan, style, estimates=estimates), plan_text.summary(plan, style), plan_text.tasks(plan, style)]
    texts += [plan_text.hosts(plan, style), plan_text.binaries(rich_plan(), style), plan_text.explain(plan, "task_1", style)]
    for text in texts:
        assert text.endswith("\n")
        assert all(width(line) <= columns and line.translate(JOINERS).isprintable() for line in text[:-1].split("\n"))


@pytest.mark.parametrize("columns", [1, 20, 40])
def test_a_narrow_terminal_gets_forty_columns(rich: ExecutionPlan, columns: int) -> None:
    assert max(map(width, plan_text.plan(rich, Style(width=columns)).splitlines())) <= 40


def test_a_summary_that_does_not_fit_goes_on_in_the_next_line(rich: ExecutionPlan) -> None:
    lines = plan_text.summary(rich, Style(width=60)).splitlines()
    assert lines == ["2 plays, 7 tasks, 7 hosts · 5 bundles", "11 round trips a host (stock: 49) · history of 2 of 7 tasks"]


def test_in_a_narrow_margin_the_reason_of_a_cut_comes_first(rich: ExecutionPlan) -> None:
    say = next(line for line in plan_text.plan(rich, Style(width=80)).splitlines() if "? say" in line)
    assert say.split("debug")[1].split() == ["cut:", "register", "r"]


def test_a_plan_without_plays_is_shown() -> None:
    empty = a_plan()
    assert plan_text.plan(empty, Style()).startswith("0 plays, 0 tasks, 0 hosts · 0 bundles")
    assert plan_text.tasks(empty, Style()) == plan_text.hosts(empty, Style()) == "no plays\n"
    nobody = a_plan(a_play(0, hosts=()))
    assert "Play 0" in plan_text.plan(nobody, Style()) and "0 hosts" in plan_text.hosts(nobody, Style())


def test_a_reason_is_told_in_full_once() -> None:
    text = plan_text.plan(long_plan(100), Style())
    assert text.count("somebody beyond the host") == 1
    assert text.count("barrier worldly") == 10


def test_what_an_include_brings_is_marked_and_goes_with_its_conditions() -> None:
    unsure = (Condition(kind="include", values=("task_0",)),)
    never = (Condition(kind="include", values=("task_3",), decided=False),)
    plan = a_plan(a_play(
        0, a_task(0, "outer"), a_task(1, "inner", included_by="task_0", conditions=unsure), a_task(2, "innermost", included_by="task_1", conditions=unsure),
        a_task(3, "closed", opaque=Reason.INCLUDE_LOOP), a_task(4, "left out", included_by="task_3", conditions=never),
        a_task(5, "of a stranger", included_by="task_9"),
    ))  # fmt: skip
    shown = plan_text.plan(plan, Style(width=100))
    rows = [line[6:47].strip() for line in shown.splitlines()[4:]]
    assert rows == ["outer", "? ↳ inner", "? ↳ ↳ innermost", "closed", "(skipped) ↳ left out", "of a stranger"]
    assert "opaque: include-loop" in shown
