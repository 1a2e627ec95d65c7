# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A TCP proxy on loopback that delays both directions and counts what passes.

It is driven over its standard streams, one JSON value a line. The first line in is the list of links,
`{"name", "listen": [address, port], "to": [address, port], "delay": seconds one way}`; the first line out is "ready". After
that each request `[verb, name...]` is answered by the counters of all links (as they were before the verb took effect):

    ["read"]            only look
    ["reset"]           start to count anew
    ["cut", NAME...]    abort the open connections of these links (all, when none is named)
    ["close", NAME...]  cut, and refuse new ones
    ["open", NAME...]   accept again

It ends with its standard input, so it never outlives the one who started it.

What is modelled: the delay, in order, and TCP's handshake (a new connection costs the client one round trip). What is not:
bandwidth and slow start; bytes are free here, so they are counted. A *turn* is client data that follows server data on one
connection: an upper bound of the sequential round trips.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

CHUNK = 1 << 16


@dataclass
class Counters:
    connections: int = 0
    turns: int = 0
    up: int = 0  # bytes from client to server
    down: int = 0


@dataclass
class Link:
    name: str
    listen: tuple[str, int]
    to: tuple[str, int]
    delay: float
    is_open: bool = True
    counters: Counters = field(default_factory=Counters)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()

    async def accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        if not self.is_open:
            to_client.transport.abort()
            return
        self.counters.connections += 1
        self.writers.add(to_client)
        conversation = Conversation(self.counters)
        # SYN, SYN/ACK and ACK take three delays until the server knows of the connection
        established = asyncio.get_running_loop().time() + 3 * self.delay
        upward = Delayed(client, self.delay, established, conversation.client_said)
        to_server = None
        try:
            await asyncio.sleep(3 * self.delay)
            server, to_server = await asyncio.open_connection(*self.to)
            self.writers.add(to_server)
            downward = Delayed(server, self.delay, established, conversation.server_said)
            await asyncio.gather(upward.into(to_server), downward.into(to_client))
        except OSError:  # one end is gone: so is the other
            to_client.transport.abort()
        except asyncio.CancelledError:  # the proxy ends
            pass
        finally:
            upward.stop()
            for writer in (to_client, to_server):
                if writer is not None:
                    self.writers.discard(writer)
                    writer.close()


class Conversation:
    """Counts bytes and turns of one connection."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self.servers_turn = False

    def client_said(self, size: int) -> None:
        self.counters.up += size
        if not self.servers_turn:
            self.counters.turns += 1
            self.servers_turn = True

    def server_said(self, size: int) -> None:
        self.counters.down += size
        self.servers_turn = False


class Delayed:
    """One direction: reads at once, hands on in order when each chunk is due; an empty chunk is the end of the stream."""

    def __init__(self, source: asyncio.StreamReader, delay: float, not_before: float, note: Callable[[int], None]) -> None:
        self._queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._task = asyncio.ensure_future(self._read(source, delay, not_before, note))

    async def _read(self, source: asyncio.StreamReader, delay: float, not_before: float, note: Callable[[int], None]) -> None:
        loop = asyncio.get_running_loop()
        data = b"-"
        while data:
            try:
                data = await source.read(CHUNK)
            except OSError:
                data = b""
            if data:
                note(len(data))
            self._queue.put_nowait((max(loop.time() + delay, not_before), data))

    async def into(self, sink: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await self._queue.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                sink.write_eof()
                return
            sink.write(data)
            await sink.drain()

    def stop(self) -> None:
        self._task.cancel()


def obey(links: dict[str, Link], verb: str, *names: str) -> dict[str, dict[str, int]]:
    answer = {name: asdict(link.counters) for name, link in links.items()}
    for link in [links[name] for name in names] if names else links.values():
        if verb == "reset":
            link.counters = Counters()
        elif verb in ("cut", "close"):
            link.is_open = link.is_open and verb == "cut"
            link.cut()
        elif verb == "open":
            link.is_open = True
    return answer


async def serve() -> None:
    loop = asyncio.get_running_loop()
    requests = asyncio.StreamReader(limit=1 << 22)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    described = json.loads(await requests.readline())
    links = {d["name"]: Link(**{**d, "listen": tuple(d["listen"]), "to": tuple(d["to"])}) for d in described}
    for link in links.values():
        await asyncio.start_server(link.accept, *link.listen, backlog=512)
    print('"ready"', flush=True)
    while line := await requests.readline():
        print(json.dumps(obey(links, *json.loads(line))), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve())
