# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import copy

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent.framing import Frame, ProtocolError
from ansible_collections.rustle.engine.plugins.module_utils._agent.messages import MESSAGES, TO_AGENT, TO_CONTROLLER, message, receive
from hypothesis import given, settings
from hypothesis import strategies as st

SHA = "0" * 64
STEP = {"k": "module", "fqn": "a.b", "name": "b", "payload": SHA, "params": "{}", "profile": "legacy", "rlimit": 0, "env": {}, "cwd": None, "only": None}
PUT = {"k": "put", "path": "/x", "blob": 0, "mode": 0o600, "only": {"of": 0, "sum": "x", "when": ["absent"]}}
EXEC = {"k": "exec", "argv": ["true"], "stdin": 0, "env": {"A": "b"}, "cwd": "/", "only": None}
ENTRY = {"id": 1, "lane": "a", "epoch": 1, "steps": [STEP, PUT, EXEC], "tmp": {"base": "~", "name": "x"}, "token": "T", "timeout": 1.5, "judge": True}
RUN = message("run", entries=[ENTRY])
RESULT = {"i": 0, "rc": 0, "out": 0, "err": 1, "start": 1.0, "end": 2, "utime": 0.1, "stime": 0, "maxrss": 1, "inblock": 0, "oublock": 8}
GOOD = [
    (TO_AGENT, message("hello", v=1, cache_limit=10), ()),
    (TO_AGENT, message("hello", v=1, cache_limit=10, health=5.0), ()),
    (TO_AGENT, RUN, (b"x",)),
    (TO_AGENT, message("blob", sha=SHA), (b"x",)),
    (TO_AGENT, message("cancel", lane="a"), ()),
    (TO_AGENT, message("kill", id=1), ()),
    (TO_AGENT, message("bye"), ()),
    (TO_CONTROLLER, message("ready", v=1, python="3", executable="/p", pid=1, uid=0, user="u", home="/", sha=SHA), ()),
    (TO_CONTROLLER, message("need", sha=[SHA]), ()),
    (TO_CONTROLLER, message("started", id=1), ()),
    (TO_CONTROLLER, message("done", id=1, steps=[RESULT], stop=None), (b"", b"")),
    (TO_CONTROLLER, message("done", id=1, steps=[], stop=None, health={"memory_free": 1, "memory_size": 2, "load": 0.5}), ()),
    (TO_CONTROLLER, message("dropped", lane="a", ids=[1]), ()),
    (TO_CONTROLLER, message("error", msg="x"), ()),
]


def test_every_message_of_the_table_is_tried_here():
    assert {header["t"] for _to, header, _blobs in GOOD} == set(MESSAGES)


@pytest.mark.parametrize(("to", "header", "blobs"), GOOD, ids=lambda value: value.get("t") if isinstance(value, dict) else "")
def test_a_message_is_received_by_its_receiver_only(to, header, blobs):
    assert receive(Frame(header, blobs), to).header == header
    with pytest.raises(ProtocolError):
        receive(Frame(header, blobs), TO_AGENT if to == TO_CONTROLLER else TO_CONTROLLER)


def test_an_unknown_message_is_refused():
    with pytest.raises(ProtocolError):
        receive(Frame({"t": "eval"}), TO_AGENT)


def changed(path, value):
    header = copy.deepcopy(RUN)
    target = header
    for key in path[:-1]:
        target = target[key]
    if value is KeyError:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return header


STEPS = ("entries", 0, "steps")
BROKEN = [
    (("entries",), KeyError),
    (("entries",), {}),
    (("entries", 0), 7),
    (("entries", 0, "id"), True),
    (("entries", 0, "id"), "1"),
    (("entries", 0, "lane"), None),
    (("entries", 0, "epoch"), KeyError),
    (("entries", 0, "tmp"), {"base": "x"}),
    (("entries", 0, "judge"), 1),
    (("entries", 0, "timeout"), "1"),
    ((*STEPS, 0, "k"), "eval"),
    ((*STEPS, 0, "k"), KeyError),
    ((*STEPS, 0, "payload"), "../../etc/passwd"),
    ((*STEPS, 0, "payload"), "0" * 64 + "\n"),
    ((*STEPS, 0, "env"), {"A": 1}),
    ((*STEPS, 0, "utils"), ["a", 1]),
    ((*STEPS, 1, "blob"), 1),
    ((*STEPS, 1, "blob"), -1),
    ((*STEPS, 1, "only", "when"), ["maybe"]),
    ((*STEPS, 1, "only", "of"), 1),
    ((*STEPS, 1, "only", "of"), -1),
    ((*STEPS, 2, "only"), {"of": 1, "sum": "x", "when": []}),
    ((*STEPS, 2, "argv"), []),
    ((*STEPS, 2, "argv"), "true"),
]


@pytest.mark.parametrize(("path", "value"), BROKEN, ids=str)
def test_an_entry_of_another_shape_is_refused(path, value):
    with pytest.raises(ProtocolError):
        receive(Frame(changed(path, value), (b"x",)), TO_AGENT)


@pytest.mark.parametrize("key", ["tmp", "token", "group", "go_on_failed", "facts_expected", "judge", "timeout"])
@pytest.mark.parametrize("value", [KeyError, None])
def test_what_may_be_missing_may_be_missing(key, value):
    header = copy.deepcopy(RUN)
    header["entries"][0].pop(key, None)
    if value is None:
        header["entries"][0][key] = None
    assert receive(Frame(header, (b"x",)), TO_AGENT).header == header


@pytest.mark.parametrize("blobs", [(), (b"x", b"y")])
def test_a_payload_is_one_blob(blobs):
    with pytest.raises(ProtocolError):
        receive(Frame(message("blob", sha=SHA), blobs), TO_AGENT)


def test_another_version_is_refused():
    with pytest.raises(ProtocolError):
        receive(Frame(message("hello", v=2, cache_limit=1)), TO_AGENT)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["k", "id", "steps", "only", "of", "x"]), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300)
@given(st.sampled_from(sorted(MESSAGES)), st.data())
def test_whatever_stands_in_a_message_is_received_or_refused(kind, data):
    keys = sorted(MESSAGES[kind][1])
    header = {"t": kind, **{key: data.draw(anything) for key in keys}}
    try:
        receive(Frame(header, (b"",)), MESSAGES[kind][0])
    except ProtocolError:
        pass
