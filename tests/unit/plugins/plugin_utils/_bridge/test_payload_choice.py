# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which payload serves what; a builder that only counts stands in for the real one."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.payload_choice import PayloadChoice


@dataclasses.dataclass(frozen=True)
class Built:
    modules: tuple[str, ...]

    def __contains__(self, module: str) -> bool:
        return module in self.modules


class Builder:
    """One payload for all that is asked for, but for modules whose name begins with ``bad``."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.refused: dict[str, str] = {}

    def build(self, modules: t.Iterable[str]) -> list[Built]:
        self.asked.append(list(modules))
        self.refused = {name: "no" for name in self.asked[-1] if name.startswith("bad")}
        return [Built(tuple(name for name in self.asked[-1] if name not in self.refused))]


def choice() -> tuple[t.Any, Builder]:
    builder = Builder()
    return PayloadChoice(t.cast("t.Any", builder)), builder


def test_only_what_is_missing_is_built_and_once() -> None:
    one, builder = choice()
    for wanted in (["a", "b", "a", "bad"], ["b", "bad"], ["c", "a"], ["a", "b", "c"]):
        one.expect(wanted)
    assert builder.asked == [["a", "b", "bad"], ["c"]]
    assert one.refused == {"bad": "no"}


def test_a_call_names_the_payload_that_holds_its_module() -> None:
    one, _builder = choice()
    one.expect(["a"])
    one.expect(["b"])
    assert (one.holding("a"), one.holding("b"), one.holding("c")) == (Built(("a",)), Built(("b",)), None)


def test_an_agent_starts_from_the_largest_and_of_equals_from_the_newest() -> None:
    one, _builder = choice()
    one.expect(["a", "b"])
    one.expect(["c"])
    assert one.first() == Built(("a", "b"))
    one.expect(["d", "e"])
    assert one.first() == Built(("d", "e"))


def test_an_agent_can_start_where_no_module_was_expected() -> None:
    one, builder = choice()
    assert one.first() == Built(()) and builder.asked == [[]]
