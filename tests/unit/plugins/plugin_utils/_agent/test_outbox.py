# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from ansible_collections.rustle.engine.plugins.plugin_utils._agent.outbox import Outbox
from hypothesis import given
from hypothesis import strategies as st


class Pipe:
    """Takes what it is allowed to, then blocks."""

    def __init__(self) -> None:
        self.taken = b''
        self.room = 0

    def write(self, data: memoryview) -> int:
        if not self.room:
            raise BlockingIOError
        count = min(self.room, len(data))
        self.taken += bytes(data[:count])
        self.room -= count
        return count


@given(
    messages=st.lists(st.binary(min_size=1, max_size=40), max_size=8),
    rooms=st.lists(st.integers(min_value=0, max_value=60), max_size=20),
    urgent_after=st.integers(min_value=0, max_value=20),
)
def test_messages_arrive_whole_and_in_order_and_an_urgent_one_between_two_of_them(messages, rooms, urgent_after):
    outbox, pipe, urgent = Outbox(), Pipe(), b'<urgent>'
    for number, message in enumerate(messages):
        outbox.add(message, {'n': number})
    boundaries = [b''.join(messages[:count]) for count in range(len(messages) + 1)]
    cut = None
    for turn, room in enumerate([*rooms, 10_000]):
        if turn == min(urgent_after, len(rooms)):
            cut = next(boundary for boundary in boundaries if len(boundary) >= len(pipe.taken))
            outbox.add_next(urgent)
        pipe.room = room
        before = len(pipe.taken)
        assert outbox.flush(pipe.write) == len(pipe.taken) - before
        if cut is None:
            assert [header['n'] for header in outbox.unsent] == [
                number for number in range(len(messages)) if len(boundaries[number + 1]) > len(pipe.taken)]
    assert pipe.taken == cut + urgent + b''.join(messages)[len(cut):]
    assert not outbox
    assert outbox.unsent == []


def test_what_has_no_header_is_not_remembered():
    outbox = Outbox()
    outbox.add(b'bye')
    assert outbox
    assert outbox.unsent == []
