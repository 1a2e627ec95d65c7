"""When two names may be one thing. In doubt they are."""

from __future__ import annotations

import posixpath

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._planner.resources import conflicts, on_controller, overlap, path_resource
from hypothesis import given
from hypothesis import strategies as st

PARTS = st.sampled_from(["a", "b", "ab", "a.b", "etc"])
PATHS = st.lists(PARTS, max_size=4).map(lambda parts: "/" + "/".join(parts))
FILES = st.one_of(PATHS.map(lambda path: f"file:{path}"), st.just("file:*"))
RESOURCES = st.one_of(
    FILES, PATHS.map(lambda path: f"controller:{path}"), st.sampled_from(["*", "controller:*", "package:a", "package:*", "user:a"])
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("file:/etc/x", "file:/etc/x"),
        ("file:/etc", "file:/etc/x"),
        ("file:/", "file:/etc/x"),
        ("file:/etc/x/", "file:/etc//x"),
        ("file:/etc/./x", "file:/etc/x"),
        ("file:*", "file:/etc/x"),
        ("file:/a/../etc", "file:/elsewhere"),
        ("file:relative", "file:/etc/x"),
        ("package:nginx", "package:nginx"),
        ("package:*", "package:nginx"),
        ("*", "file:/etc/x"),
        ("*", "*"),
        ("controller:*", "controller:/srv"),
    ],
)
def test_these_may_be_the_same_thing(one: str, other: str) -> None:
    assert overlap(one, other)
    assert overlap(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("file:/etc/x", "file:/etc/xy"),
        ("file:/etc/x", "file:/etc/y"),
        ("file:/etc/x", "package:/etc/x"),
        ("file:*", "package:nginx"),
        ("file:/etc/x", "controller:/etc/x"),
        ("*", "controller:/etc/x"),
        ("package:nginx", "package:nginx-core"),
        ("package:/a", "package:/a/b"),
    ],
)
def test_these_are_different_things(one: str, other: str) -> None:
    assert not overlap(one, other)
    assert not overlap(other, one)


@given(RESOURCES, RESOURCES)
def test_overlap_is_symmetric(one: str, other: str) -> None:
    assert overlap(one, other) == overlap(other, one)


@given(RESOURCES)
def test_everything_overlaps_itself(resource: str) -> None:
    assert overlap(resource, resource)


@given(PATHS, PARTS)
def test_a_folder_overlaps_what_is_in_it(folder: str, name: str) -> None:
    assert conflicts([f"file:{folder}"], [f"file:{posixpath.join(folder, name)}"])
    assert conflicts([f"file:{posixpath.join(folder, name)}"], [f"file:{folder}"])


@given(PATHS, PATHS)
def test_two_known_paths_overlap_only_when_one_is_above_the_other(one: str, other: str) -> None:
    common = posixpath.commonpath([one, other])
    assert overlap(f"file:{one}", f"file:{other}") == (common in (one, other))


@given(st.lists(RESOURCES), st.lists(RESOURCES), RESOURCES)
def test_more_resources_never_remove_a_conflict(writes: list[str], reads: list[str], more: str) -> None:
    if conflicts(writes, reads):
        assert conflicts([*writes, more], reads)
        assert conflicts(writes, [*reads, more])


@given(st.lists(RESOURCES))
def test_nothing_conflicts_with_nothing(resources: list[str]) -> None:
    assert not conflicts(resources, [])
    assert not conflicts([], resources)


def test_an_iterator_of_reads_is_read_for_each_write() -> None:
    assert conflicts(["file:/a", "file:/b"], iter(["file:/b"]))


@pytest.mark.parametrize(
    "path", ["{{ base }}/x", "/etc/{{ name }}", "/etc/{% if x %}a{% endif %}", "relative/x", "~/x", "$HOME/x", "/a/../b", "", None, 3]
)
def test_a_path_that_is_not_certain_is_unknown(path: object) -> None:
    assert path_resource("file", path) == "file:*"


def test_a_certain_path_is_normalised() -> None:
    assert path_resource("file", "//etc//nginx/./conf.d/") == "file:/etc/nginx/conf.d"


def test_on_the_controller_files_of_the_host_are_files_of_the_controller() -> None:
    assert on_controller(["file:/etc/x", "package:nginx", "*", "var:foo"]) == ("controller:/etc/x", "controller:*")
