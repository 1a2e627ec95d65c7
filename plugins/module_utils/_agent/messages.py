# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Messages: which types exist, who may send them, and what must be in them. Both sides validate with this table.

Rule 1: pure. What a message leads to is decided elsewhere (protocol.py here, the client on the controller).
Rule 2: `receive` accepts a frame whole or raises ProtocolError; behind it nobody checks shapes again.
Rule 3: keys marked with `maybe` may be null or absent; unknown keys are ignored, unknown types are refused.
"""

from __future__ import annotations

import re
from typing import Any, Dict

from .framing import Frame, ProtocolError

__all__ = ["CLASSES", "KINDS", "STOPS", "TO_AGENT", "TO_CONTROLLER", "VERSION", "check", "message", "receive"]

VERSION = 1
TO_AGENT = "agent"
TO_CONTROLLER = "controller"

KINDS = ("module", "put", "exec", "judge")
CLASSES = ("dir", "absent", "same", "differs")
STOPS = ("failed", "unreachable", "malformed", "facts", "judge", "killed", "error")

_SHA = re.compile(r"[0-9a-f]{64}\Z")


class _Maybe:
    def __init__(self, shape: Any) -> None:
        self.shape = shape


class _OneOf:
    def __init__(self, *values: str) -> None:
        self.values = values


class _MapOf:
    def __init__(self, shape: Any) -> None:
        self.shape = shape


class _Blob:
    """The index of a blob of the same frame."""


class _Sha:
    """A sha256 in lower-case hex."""


class _Step:
    """One of the shapes in STEPS, chosen by "k"."""


maybe = _Maybe
NUMBER = (int, float)

GUARD = {"of": int, "sum": maybe(str), "when": [_OneOf(*CLASSES)]}
STAT = {"path": str, "follow": bool, "checksum": bool, "log": maybe({"ident": str, "facility": str, "text": str})}
STEPS: Dict[str, Dict[str, Any]] = {
    "module": {
        "fqn": str,
        "name": str,
        "payload": _Sha,
        "params": str,
        "profile": str,
        "rlimit": maybe(int),
        "env": maybe(_MapOf(str)),
        "cwd": maybe(str),
        "only": maybe(GUARD),
        "utils": maybe([str]),
        "stat": maybe(STAT),
        "again": maybe(bool),
    },
    "put": {"path": str, "blob": _Blob, "mode": int, "only": maybe(GUARD)},
    "exec": {
        "argv": [str],
        "stdin": maybe(_Blob),
        "env": maybe(_MapOf(str)),
        "cwd": maybe(str),
        "only": maybe(GUARD),
    },
    "judge": {"only": GUARD},
}
ENTRY = {
    "id": int,
    "lane": str,
    "epoch": int,
    "steps": [_Step],
    "tmp": maybe({"base": str, "name": str}),
    "token": maybe(str),
    "group": maybe(int),
    "go_on_failed": maybe(bool),
    "facts_expected": maybe(bool),
    "judge": maybe(bool),
    "timeout": maybe(NUMBER),
}
RESULT = {
    "i": int,
    "rc": int,
    "out": _Blob,
    "err": _Blob,
    "start": NUMBER,
    "end": NUMBER,
    "utime": NUMBER,
    "stime": NUMBER,
    "maxrss": int,
    "inblock": int,
    "oublock": int,
}

HEALTH = {
    "memory_free": maybe(int),
    "memory_size": maybe(int),
    "home_free": maybe(int),
    "home_size": maybe(int),
    "root_free": maybe(int),
    "root_size": maybe(int),
    "load": maybe(NUMBER),
    "cpus": maybe(int),
}

# type -> (who receives it, shape)
MESSAGES = {
    "hello": (TO_AGENT, {"v": int, "cache_limit": int, "health": maybe(NUMBER)}),
    "run": (TO_AGENT, {"entries": [ENTRY]}),
    "blob": (TO_AGENT, {"sha": _Sha}),
    "cancel": (TO_AGENT, {"lane": str}),
    "kill": (TO_AGENT, {"id": int}),
    "bye": (TO_AGENT, {}),
    "ready": (
        TO_CONTROLLER,
        {"v": int, "python": str, "executable": str, "pid": int, "uid": int, "user": str, "home": str, "sha": str},
    ),
    "need": (TO_CONTROLLER, {"sha": [_Sha]}),
    "started": (TO_CONTROLLER, {"id": int}),
    "done": (TO_CONTROLLER, {"id": int, "steps": [RESULT], "stop": maybe(_OneOf(*STOPS)), "health": maybe(HEALTH)}),
    "dropped": (TO_CONTROLLER, {"lane": str, "ids": [int]}),
    "error": (TO_CONTROLLER, {"msg": str}),
}


def message(kind: str, **fields: Any) -> Dict[str, Any]:
    """Return the header of a message, ready for `framing.encode`."""
    return dict(fields, t=kind)


def receive(frame: Frame, receiver: str) -> Frame:
    """Return the frame as it is when it is a message that `receiver` may be sent; ProtocolError otherwise."""
    kind = frame.header["t"]
    to, shape = MESSAGES.get(kind, ("", {}))
    if to != receiver:
        raise ProtocolError("expected a message to the %s, found %.40r" % (receiver, kind))
    check(frame.header, shape, kind, len(frame.blobs))
    if kind == "hello" and frame.header["v"] != VERSION:
        raise ProtocolError("expected version %d in hello, found %d" % (VERSION, frame.header["v"]))
    if kind == "blob" and len(frame.blobs) != 1:
        raise ProtocolError("expected one blob in blob, found %d" % len(frame.blobs))
    if kind == "run":
        for entry in frame.header["entries"]:
            _check_entry(entry)
    return frame


def check(value: Any, shape: Any, where: str, blobs: int = 0) -> None:
    """Raise ProtocolError unless a value has this shape. What was found stands at the end of the text, behind ", found"."""
    if isinstance(shape, _Maybe):
        if value is not None:
            check(value, shape.shape, where, blobs)
    elif isinstance(shape, dict):
        _demand(isinstance(value, dict), "an object", value, where)
        for key, inner in shape.items():
            if key not in value and not isinstance(inner, _Maybe):
                raise ProtocolError("expected %r in %s, found only %.200s" % (key, where, ", ".join(sorted(map(repr, value)))))
            check(value.get(key), inner, "%s.%s" % (where, key), blobs)
    elif isinstance(shape, list):
        _demand(isinstance(value, list), "a list", value, where)
        for item in value:
            check(item, shape[0], where, blobs)
    elif isinstance(shape, _MapOf):
        _demand(isinstance(value, dict), "an object", value, where)
        for item in value.values():
            check(item, shape.shape, where, blobs)
    elif isinstance(shape, _OneOf):
        _demand(value in shape.values, "one of " + ", ".join(shape.values), value, where)
    elif shape is _Blob:
        _demand(type(value) is int and 0 <= value < blobs, "the index of one of %d blobs" % blobs, value, where)
    elif shape is _Sha:
        _demand(isinstance(value, str) and _SHA.match(value), "a sha256", value, where)
    elif shape is _Step:
        _demand(isinstance(value, dict), "an object", value, where)
        _demand(value.get("k") in KINDS, "one of " + ", ".join(KINDS), value.get("k"), where + ".k")
        check(value, STEPS[value["k"]], where, blobs)
    else:
        _demand(isinstance(value, shape) and (shape is bool or not isinstance(value, bool)), shape, value, where)


def _check_entry(entry: Dict[str, Any]) -> None:
    """What a shape cannot say: guards look back at a module step."""
    steps = entry["steps"]
    for index, step in enumerate(steps):
        guard = step.get("only")
        if guard and not (0 <= guard["of"] < index and steps[guard["of"]]["k"] == "module"):
            raise ProtocolError("expected a guard that looks back at a module step, found step %d" % guard["of"])
        if step["k"] == "exec" and not step["argv"]:
            raise ProtocolError("expected a program in argv, found nothing")


def _demand(holds: Any, wanted: Any, value: Any, where: str) -> None:
    if not holds:
        if isinstance(wanted, tuple):
            wanted = "a number"
        name = getattr(wanted, "__name__", wanted)
        raise ProtocolError("expected %s in %s, found %.80r" % (name, where, value))
