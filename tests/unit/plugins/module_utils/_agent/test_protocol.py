# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import itertools
import random

import pytest
from ansible_collections.rustle.engine.plugins.module_utils._agent import framing, protocol
from ansible_collections.rustle.engine.plugins.module_utils._agent.framing import ProtocolError
from ansible_collections.rustle.engine.plugins.module_utils._agent.messages import TO_AGENT, TO_CONTROLLER, message, receive
from ansible_collections.rustle.engine.plugins.module_utils._agent.protocol import Exit, Kill, Limit, Lookup, Send, Start, Store
from hypothesis import given, settings
from hypothesis import strategies as st

SHA, OTHER = "0" * 64, "1" * 64
INFO = {"v": 1, "python": "3", "executable": "/p", "pid": 1, "uid": 0, "user": "u", "home": "/", "sha": SHA}


def entry(id, *, lane="a", epoch=1, payload=SHA, **fields):
    step = {"k": "module", "fqn": "a.b", "name": "b", "payload": payload, "params": "{}", "profile": "legacy"}
    return {"id": id, "lane": lane, "epoch": epoch, "steps": [step], **fields}


class Pair:
    """An agent's core whose server has these payloads, connected to a controller that notes what it is told."""

    def __init__(self, here=(SHA,), how="whole"):
        self.agent = protocol.Agent(INFO)
        self.here = set(here)
        self.how = how
        self.random = random.Random(3)
        self.up, self.down = framing.Decoder(), framing.Decoder()
        self.told = []
        self.running = []
        self.killed = []
        self.exited = False
        self.limit = None
        self.do(self.agent.begin())
        self.say("hello", v=1, cache_limit=5)

    def say(self, kind, blobs=(), **fields):
        data = framing.encode(message(kind, **fields), blobs)
        for piece in self.pieces(data):
            for frame in self.up.feed(piece):
                self.do(self.agent.receive(receive(frame, TO_AGENT)))

    def run(self, *entries):
        self.say("run", entries=list(entries))

    def end(self, id, stop=None):
        self.running.remove(id)
        self.do(self.agent.ended(id, [], (), stop))

    def pieces(self, data):
        sizes = {"whole": [len(data)], "byte by byte": itertools.repeat(1), "split": iter(lambda: self.random.randrange(1, 90), 0)}[self.how]
        at = 0
        for size in sizes:
            if at >= len(data):
                return
            yield data[at : at + size]
            at += size

    def do(self, instructions):
        for item in instructions:
            if isinstance(item, Send):
                for piece in self.pieces(framing.encode(*item)):
                    self.told += [receive(frame, TO_CONTROLLER).header for frame in self.down.feed(piece)]
            elif isinstance(item, Start):
                self.running.append(item.entry["id"])
            elif isinstance(item, Kill):
                self.killed.append(item.id)
            elif isinstance(item, Lookup):
                self.do(self.agent.payload(item.sha, item.sha in self.here))
            elif isinstance(item, Store):
                self.here.add(item.sha)
                self.do(self.agent.payload(item.sha, True))
            elif isinstance(item, Limit):
                self.limit = item.size
            elif isinstance(item, Exit):
                self.exited = True

    def said(self, *kinds):
        """What the controller was told since the last call, of these types: (type, id or ids)."""
        told, self.told = self.told, []
        return [(item["t"], item.get("id", item.get("ids", item.get("sha")))) for item in told if not kinds or item["t"] in kinds]


@pytest.fixture
def pair():
    made = Pair()
    made.said()
    return made


@pytest.mark.parametrize("how", ["whole", "split", "byte by byte"])
def test_a_conversation_is_the_same_however_the_stream_is_cut(how):
    pair = Pair(how=how)
    assert pair.said() == [("ready", SHA)]
    assert pair.limit == 5
    pair.run(entry(1), entry(2), entry(3, payload=OTHER))
    assert pair.said() == [("started", 1), ("need", [OTHER])]
    pair.end(1)
    pair.end(2)
    assert pair.said() == [("done", 1), ("started", 2), ("done", 2)]
    pair.say("blob", [bytes(range(256)) * 9], sha=OTHER)
    assert pair.said() == [("started", 3)]
    pair.say("bye")
    pair.end(3)
    assert pair.said() == [("done", 3)]
    assert pair.exited


def test_a_lane_runs_one_at_a_time_in_order_and_lanes_run_side_by_side(pair):
    pair.run(entry(1), entry(2), entry(3, lane="b"), entry(4, lane="b"))
    assert pair.running == [1, 3]
    pair.end(3)
    assert pair.running == [1, 4]
    pair.end(1)
    assert pair.running == [4, 2]


@pytest.mark.parametrize("stop", ["failed", "unreachable", "malformed", "facts", "judge", "killed", "error"])
def test_after_a_bad_outcome_nothing_of_that_epoch_runs_until_a_greater_one_comes(pair, stop):
    pair.run(entry(1), entry(2), entry(3, lane="b"))
    pair.end(1, stop)
    assert pair.said("done", "dropped") == [("done", 1), ("dropped", [2])]
    pair.run(entry(4), entry(5, epoch=0))
    assert pair.said() == [("dropped", [4, 5])]
    pair.run(entry(6, epoch=2), entry(7, epoch=1), entry(8, epoch=2))
    pair.end(6)
    assert pair.said() == [("started", 6), ("done", 6), ("dropped", [7]), ("started", 8)]
    assert pair.running == [3, 8]


def test_a_greater_epoch_behind_the_bad_entry_runs_on(pair):
    pair.run(entry(1), entry(2), entry(3, epoch=2))
    pair.end(1, "failed")
    assert pair.said("started", "dropped") == [("started", 1), ("dropped", [2]), ("started", 3)]


def test_a_bad_item_lets_its_group_run_and_stops_the_lane_behind_it(pair):
    pair.run(entry(1, group=7), entry(2, group=7), entry(3, group=8), entry(4, group=7))
    pair.end(1, "failed")
    pair.run(entry(5, group=7))
    assert pair.running == [2]
    pair.end(2)
    assert pair.said("done", "dropped") == [("done", 1), ("done", 2), ("dropped", [3, 4, 5])]


def test_items_of_the_group_that_come_after_the_bad_one_run(pair):
    pair.run(entry(1, group=7))
    pair.end(1, "failed")
    pair.run(entry(2, group=7))
    pair.end(2, "failed")
    pair.run(entry(3, group=7), entry(4))
    pair.end(3)
    assert pair.said("started", "dropped") == [("started", 1), ("started", 2), ("started", 3), ("dropped", [4])]


def test_judge_stops_its_own_group_too(pair):
    pair.run(entry(1, group=7, judge=True), entry(2, group=7))
    pair.end(1, "judge")
    assert pair.said("dropped") == [("dropped", [2])]


def test_without_a_group_the_entries_without_one_are_not_a_group(pair):
    pair.run(entry(1), entry(2))
    pair.end(1, "failed")
    assert pair.said("dropped") == [("dropped", [2])]


def test_a_lane_waits_for_a_payload_which_is_asked_for_once():
    pair = Pair(here=())
    pair.run(entry(1), entry(2), entry(3, lane="b"))
    pair.run(entry(4, lane="c"))
    assert pair.said() == [("ready", SHA), ("need", [SHA])]
    pair.say("blob", [b"zip"], sha=SHA)
    assert sorted(pair.said()) == [("started", 1), ("started", 3), ("started", 4)]


def test_cancel_drops_what_has_not_started_and_always_answers():
    pair = Pair(here=())
    pair.run(entry(1), entry(2))
    pair.said()
    pair.say("cancel", lane="a")
    pair.say("cancel", lane="never seen")
    assert pair.said() == [("dropped", [1, 2]), ("dropped", [])]
    pair.here.add(SHA)
    pair.say("blob", [b"zip"], sha=SHA)
    assert pair.running == []
    pair.run(entry(3))
    assert pair.running == [3]


def test_kill_reaches_a_running_entry_drops_a_queued_one_and_ignores_others(pair):
    pair.run(entry(1), entry(2), entry(3))
    pair.said()
    for id in (1, 2, 9):
        pair.say("kill", id=id)
    assert pair.killed == [1]
    assert pair.said() == [("dropped", [2])]
    pair.end(1, "killed")
    assert pair.said("done", "dropped") == [("done", 1), ("dropped", [3])]
    pair.say("kill", id=1)
    assert pair.killed == [1]


def test_killing_the_entry_that_waits_lets_the_next_one_start(pair):
    pair.run(entry(1, payload=OTHER), entry(2))
    pair.said()
    pair.say("kill", id=1)
    assert pair.said() == [("dropped", [1]), ("started", 2)]


def test_bye_drops_what_waits_and_exits_when_nothing_runs(pair):
    pair.run(entry(1), entry(2))
    pair.say("bye")
    assert not pair.exited
    pair.run(entry(3, lane="b"))
    assert pair.said("dropped") == [("dropped", [2]), ("dropped", [3])]
    pair.end(1)
    assert pair.exited


@pytest.mark.parametrize("state", [1, 2, 3, 4])
def test_no_id_is_ever_started_twice(pair, state):
    pair.run(entry(1), entry(2, payload=OTHER))
    pair.end(1)
    pair.run(entry(3, lane="b"), entry(4, lane="b"))
    pair.say("cancel", lane="a")
    with pytest.raises(ProtocolError, match="again"):
        pair.run(entry(state, lane="c"))


@pytest.mark.parametrize(("said", "then"), [((), "run"), ((), "bye"), (("hello",), "hello"), (("hello", "bye"), "bye")])
def test_what_the_table_does_not_have_is_refused(said, then):
    agent = protocol.Agent(INFO)
    fields = {"hello": {"v": 1, "cache_limit": 1}, "run": {"entries": []}, "bye": {}}
    for kind in said:
        agent.receive(framing.Frame(message(kind, **fields[kind])))
    with pytest.raises(ProtocolError):
        agent.receive(framing.Frame(message(then, **fields[then])))


def test_an_impossible_transition_is_a_mistake_of_ours_and_says_so(pair):
    pair.run(entry(1))
    with pytest.raises(RuntimeError, match="entry 1 cannot start while running"):
        pair.agent._move(1, "start")


events = st.one_of(
    st.tuples(st.just("run"), st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.sampled_from([None, 1, 2]), st.booleans()), max_size=4)),
    st.tuples(st.just("end"), st.integers(0, 3), st.sampled_from([None, None, "failed", "judge", "facts"])),
    st.tuples(st.just("cancel"), st.sampled_from("ab")),
    st.tuples(st.just("kill"), st.integers(1, 12)),
    st.tuples(st.just("blob")),
)


@settings(max_examples=300)
@given(st.lists(events, max_size=25))
def test_every_accepted_id_ends_in_exactly_one_of_done_and_dropped(script):
    pair = Pair()
    accepted, lanes, epochs = [], {}, {}
    ids = itertools.count(1)
    for kind, *rest in script:
        if kind == "run":
            entries = [entry(next(ids), lane=lane, epoch=epoch, group=group, payload=OTHER if far else SHA) for lane, epoch, group, far in rest[0]]
            for item in entries:
                accepted.append(item["id"])
                lanes[item["id"]], epochs[item["id"]] = item["lane"], item["epoch"]
            pair.run(*entries)
        elif kind == "end" and pair.running:
            pair.end(pair.running[rest[0] % len(pair.running)], rest[1])
        elif kind == "cancel":
            pair.say("cancel", lane=rest[0])
        elif kind == "kill":
            pair.say("kill", id=rest[0])
        elif kind == "blob":
            pair.say("blob", [b""], sha=OTHER)
        assert len({lanes[id] for id in pair.running}) == len(pair.running), "one at a time in a lane"
    pair.say("bye")
    while pair.running:
        pair.end(pair.running[0])
    assert pair.exited
    story = pair.said("started", "done", "dropped")
    dropped = [id for kind, ids in story if kind == "dropped" for id in ids]
    started = [id for kind, id in story if kind == "started"]
    done = [id for kind, id in story if kind == "done"]
    assert sorted(dropped + done) == accepted
    assert sorted(started) == sorted(done)
    for lane in "ab":
        in_lane = [id for id in started if lanes[id] == lane]
        assert in_lane == sorted(in_lane), "in the order they came"
