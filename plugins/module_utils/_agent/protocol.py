# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The agent's mind: messages and ends of entries in, instructions out.

Rule 1: pure. No descriptor, no clock, no process; the server carries out the instructions and reports what came of them.
Rule 2: entries of one lane run one at a time in the order they came; lanes do not know of each other.
Rule 3: no id is ever started twice, and every id that was accepted ends in exactly one of done and dropped.
Rule 4: after an outcome that the controller must judge, nothing of that lane runs whose epoch is not greater. Only the loop's other
        items, the entries of the same group right behind it, still run.
Rule 5: an entry waits for its payloads, and with it its lane; a payload is asked for once.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Deque, Dict, List, NamedTuple, Optional, Set, Tuple, Union

from .framing import Frame, ProtocolError
from .messages import TO_AGENT, message, receive

__all__ = ["CONNECTION", "ENTRY", "Agent", "Exit", "Instruction", "Kill", "Limit", "Lookup", "Send", "Start", "Store", "Watch"]

# (state, message) -> state. What is not in the table is a ProtocolError.
CONNECTION = {
    ("new", "hello"): "open",
    ("open", "run"): "open",
    ("open", "blob"): "open",
    ("open", "cancel"): "open",
    ("open", "kill"): "open",
    ("open", "bye"): "closing",
    ("closing", "run"): "closing",
    ("closing", "blob"): "closing",
    ("closing", "cancel"): "closing",
    ("closing", "kill"): "closing",
}

# (state, event) -> state, for each entry. What is not in the table is a mistake of ours.
ENTRY = {
    ("queued", "wait"): "waiting",
    ("queued", "start"): "running",
    ("queued", "drop"): "dropped",
    ("waiting", "wait"): "waiting",
    ("waiting", "start"): "running",
    ("waiting", "drop"): "dropped",
    ("running", "end"): "done",
}


class Send(NamedTuple):
    """Send this message to the controller."""

    header: Dict[str, Any]
    blobs: Tuple[bytes, ...] = ()


class Start(NamedTuple):
    """Run this entry; `blobs` are those of the frame it came in. Its end is reported by `Agent.ended`."""

    entry: Dict[str, Any]
    blobs: Tuple[bytes, ...]


class Kill(NamedTuple):
    """Kill the running entry; its end is reported like any other."""

    id: int


class Lookup(NamedTuple):
    """Look for this payload in the cache; answer with `Agent.payload`."""

    sha: str


class Store(NamedTuple):
    """Verify and keep this payload; answer with `Agent.payload`."""

    sha: str
    data: bytes


class Limit(NamedTuple):
    """The cache may hold so many bytes."""

    size: int


class Watch(NamedTuple):
    """The controller wants to know how the host is, at most every so many seconds."""

    seconds: float


class Exit(NamedTuple):
    """Send what is still to be sent and exit."""


Instruction = Union[Send, Start, Kill, Lookup, Store, Limit, Watch, Exit]


class _Lane:
    def __init__(self, name: str) -> None:
        self.name = name
        self.queue: Deque[Tuple[Dict[str, Any], Tuple[bytes, ...]]] = deque()
        self.running: Optional[Dict[str, Any]] = None
        self.stopped_at: Optional[int] = None  # an epoch
        self.spared: Optional[int] = None  # the group that may go on all the same

    def stop(self, epoch: int, spared: Optional[int]) -> None:
        self.stopped_at = epoch if self.stopped_at is None else max(epoch, self.stopped_at)
        self.spared = spared

    def refuses(self, entry: Dict[str, Any]) -> bool:
        if self.stopped_at is None or entry["epoch"] > self.stopped_at:
            return False
        return self.spared is None or entry.get("group") != self.spared


class Agent:
    """Give it what happens, in order; carry out what it returns, in order.

    `info` is what the message ready says. ProtocolError: the controller broke the protocol, say so and exit.
    """

    def __init__(self, info: Dict[str, Any]) -> None:
        self._info = info
        self._connection = "new"
        self._lanes: Dict[str, _Lane] = {}
        self._entries: Dict[int, str] = {}
        self._payloads: Dict[str, bool] = {}
        self._running: Set[int] = set()

    def begin(self) -> List[Instruction]:
        """The agent has started."""
        return [Send(message("ready", **self._info))]

    def receive(self, frame: Frame) -> List[Instruction]:
        """A frame has arrived."""
        header = receive(frame, TO_AGENT).header
        kind = header["t"]
        try:
            self._connection = CONNECTION[self._connection, kind]
        except KeyError:
            raise ProtocolError("expected no %s while %s" % (kind, self._connection)) from None
        if kind == "run":
            return self._run(header["entries"], frame.blobs)
        if kind == "blob":
            return [Store(header["sha"], frame.blobs[0])]
        if kind == "cancel":
            return self._cancel(header["lane"])
        if kind == "kill":
            return self._kill(header["id"])
        if kind == "bye":
            return self._bye()
        todo: List[Instruction] = [Limit(header["cache_limit"])]
        if (header.get("health") or 0) > 0:
            todo.append(Watch(header["health"]))
        return todo

    def payload(self, sha: str, here: bool) -> List[Instruction]:
        """The payload is in the cache, or it is not."""
        self._payloads[sha] = here
        if not here:
            return [Send(message("need", sha=[sha]))]
        return [todo for lane in list(self._lanes.values()) for todo in self._pump(lane)]

    def ended(
        self, id: int, steps: List[Dict[str, Any]], blobs: Tuple[bytes, ...], stop: Optional[str], health: Optional[Dict[str, Any]] = None
    ) -> List[Instruction]:
        """A started entry has ended; `stop` and `health` as in the message done."""
        lane, entry = next((lane, lane.running) for lane in self._lanes.values() if lane.running is not None and lane.running["id"] == id)
        self._move(id, "end")
        self._running.discard(id)
        lane.running = None
        if stop is not None:
            # After "judge" not even the same group goes on: that is what the controller asked for.
            lane.stop(entry["epoch"], None if stop == "judge" or entry.get("judge") else entry.get("group"))
        done = message("done", id=id, steps=steps, stop=stop)
        if health:
            done["health"] = health
        todo: List[Instruction] = [Send(done, blobs)]
        todo += self._pump(lane)
        return todo + self._exit_when_idle()

    def upcoming(self) -> List[Dict[str, Any]]:
        """The entries that start when what runs now ends well."""
        return [lane.queue[0][0] for lane in self._lanes.values() if lane.running is not None and lane.queue]

    def _run(self, entries: List[Dict[str, Any]], blobs: Tuple[bytes, ...]) -> List[Instruction]:
        todo: List[Instruction] = []
        lanes = {}
        for entry in entries:
            if entry["id"] in self._entries:
                raise ProtocolError("expected an id that is new, found %d again" % entry["id"])
            self._entries[entry["id"]] = "queued"
            lane = self._lanes.setdefault(entry["lane"], _Lane(entry["lane"]))
            lane.queue.append((entry, blobs))
            lanes[lane.name] = lane
            for sha in _payloads_of(entry):
                if sha not in self._payloads:
                    self._payloads[sha] = False
                    todo.append(Lookup(sha))
        for lane in lanes.values():
            todo += self._drop_all(lane) if self._connection == "closing" else self._pump(lane)
        return todo

    def _pump(self, lane: _Lane) -> List[Instruction]:
        """Start the next entry of the lane, if it may start now."""
        dropped = []
        todo: List[Instruction] = []
        while lane.queue and lane.running is None:
            entry, blobs = lane.queue[0]
            if lane.refuses(entry):
                lane.spared = None
                self._move(entry["id"], "drop")
                dropped.append(entry["id"])
            elif not all(self._payloads[sha] for sha in _payloads_of(entry)):
                self._move(entry["id"], "wait")
                break
            else:
                self._move(entry["id"], "start")
                self._running.add(entry["id"])
                lane.running = entry
                todo += [Send(message("started", id=entry["id"])), Start(entry, blobs)]
            lane.queue.popleft()
        if dropped:
            todo.insert(0, Send(message("dropped", lane=lane.name, ids=dropped)))
        return todo

    def _drop_all(self, lane: _Lane) -> List[Instruction]:
        ids = [entry["id"] for entry, _blobs in lane.queue]
        lane.queue.clear()
        for id in ids:
            self._move(id, "drop")
        return [Send(message("dropped", lane=lane.name, ids=ids))]

    def _cancel(self, name: str) -> List[Instruction]:
        return self._drop_all(self._lanes.setdefault(name, _Lane(name)))

    def _kill(self, id: int) -> List[Instruction]:
        if id in self._running:
            return [Kill(id)]
        for lane in self._lanes.values():
            for item in lane.queue:
                if item[0]["id"] == id:
                    lane.queue.remove(item)
                    self._move(id, "drop")
                    return [Send(message("dropped", lane=lane.name, ids=[id])), *self._pump(lane)]
        return []

    def _bye(self) -> List[Instruction]:
        todo = [todo for lane in self._lanes.values() if lane.queue for todo in self._drop_all(lane)]
        return todo + self._exit_when_idle()

    def _exit_when_idle(self) -> List[Instruction]:
        return [Exit()] if self._connection == "closing" and not self._running else []

    def _move(self, id: int, event: str) -> None:
        try:
            self._entries[id] = ENTRY[self._entries[id], event]
        except KeyError:
            raise RuntimeError("entry %d cannot %s while %s" % (id, event, self._entries.get(id))) from None


def _payloads_of(entry: Dict[str, Any]) -> Set[str]:
    return {step["payload"] for step in entry["steps"] if step["k"] == "module"}
