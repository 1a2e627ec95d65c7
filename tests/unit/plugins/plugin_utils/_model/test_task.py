"""A task node is frozen all the way to its arguments."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._model.task import Effects, Scope, TaskNode


def test_a_node_keeps_its_arguments_when_the_caller_changes_theirs() -> None:
    args = {"path": "/x"}
    node = TaskNode(action="file", args=args)
    args["path"] = "/y"
    assert node.args["path"] == "/x"


def test_neither_fields_nor_arguments_of_a_node_can_be_set() -> None:
    node = TaskNode(action="file", args={"path": "/x"})
    with pytest.raises(dataclasses.FrozenInstanceError):
        node.action = "copy"  # type: ignore[misc]
    with pytest.raises(TypeError):
        node.args["path"] = "/y"  # type: ignore[index]


def test_scopes_are_the_words_that_users_write() -> None:
    assert (Scope("host"), Scope("world")) == (Scope.PRIVATE, Scope.WORLDLY)


def test_effects_default_to_touching_nothing() -> None:
    assert Effects(Scope.NONE) == Effects(Scope.NONE, (), (), False, False, False)
