# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""For each kind of adaptation a scene in which an engine that does nothing is visibly worse off, and what is compared there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.rustle.engine.plugins.plugin_utils._adaptation.config import SAFE_KINDS
from ansible_collections.rustle.engine.plugins.plugin_utils._model.adaptation import AdaptationKind
from ansible_collections.rustle.engine.plugins.plugin_utils._model.event import BundleFinished, Event, ResourceConstraint

from tests.scenarios.world import RUN, Outcome, Scene, World

REFUSED = "Failed to connect to mirror.test port 80: Connection refused"
LOCKED = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)"


def hosts(count: int) -> tuple[str, ...]:
    return tuple(f"web{number}" for number in range(count))


def failed_hosts(world: World) -> float:
    return len(world.failed)


def makespan(world: World) -> float:
    return world.now


@dataclass(frozen=True)
class Case:
    """`measure`: less is better; `better`: by what factor at least. `without`: compared with the engine without this policy, instead of none."""

    kind: AdaptationKind
    scene: Scene
    measure: Callable[[World], float]
    better: float
    without: str = ""


def mirror(world: World, host: str, task: int, attempt: int) -> Outcome:
    """The mirror is out for the first 4 seconds."""
    return Outcome(1, REFUSED if world.now < 4 and host in world.scene.hosts[:5] else "")


def rebooting(world: World, host: str, task: int, attempt: int) -> Outcome:
    return Outcome(1, "Connection closed", away=True) if host == "web1" and not world.scene.is_up(world, host) else Outcome(5)


def only_here(world: World, host: str, task: int, attempt: int) -> Outcome:
    """web0 cannot reach what the others reach."""
    return Outcome(1, REFUSED if host == "web0" else "")


def optional(world: World, host: str, task: int, attempt: int) -> Outcome:
    return Outcome(1, "no such motd service" if task == 1 and host in ("web0", "web1") else "")


def badly_prepared(world: World, host: str, task: int, attempt: int) -> Outcome:
    return Outcome(1, "" if world.prepared[host] > 1 or host != "web2" else "connection reset by peer", started=False)


def bad_release(world: World, host: str, task: int, attempt: int) -> Outcome:
    return Outcome(5, "the service does not start with this release")


def agent_breaks(world: World, host: str, task: int, attempt: int) -> Outcome:
    """Bundles break on this kind of host: each is noticed after 20 seconds, then the task is done the stock way."""
    if world.path == "stock":
        return Outcome(2)
    return Outcome(22, events=(BundleFinished(execution=RUN, host=host, failed=True, dropped=1),))


def thrashing(world: World, host: str, task: int, attempt: int) -> Outcome:
    """The controller is good for 10 hosts at once; beyond that everything takes longer, out of proportion."""
    over = max(1.0, len(world.working) / 10)
    return Outcome(2 * over**3)


def pressure_of_lanes(world: World) -> list[Event]:
    return [ResourceConstraint(resource="memory", used=min(len(world.working), 10), limit=10)] if world.working else []


def eating(world: World, host: str, task: int, attempt: int) -> Outcome:
    """A task holds its memory for half a minute; once memory is full the kernel kills what comes next."""
    return Outcome(30, "Killed" if world.memory >= 1 else "")


def memory_seen(world: World) -> list[Event]:
    """15 hosts at once are in balance; with more memory fills slowly, with fewer it empties."""
    world.memory = max(0.2, world.memory + 0.0025 * (len(world.working) - 15))
    return [ResourceConstraint(resource="memory", used=world.memory, limit=1.0)]


def far_away(world: World, host: str, task: int, attempt: int) -> Outcome:
    """web3 needs 15 seconds to answer."""
    return Outcome(world.timeout, "Connection timed out") if host == "web3" and world.timeout < 15 else Outcome(15 if host == "web3" else 1)


def in_vain(world: World, host: str, task: int, attempt: int) -> Outcome:
    """Whatever is sent ahead is dropped, and takes 4 seconds to take back."""
    if world.ordering == "linear":
        return Outcome(2)
    return Outcome(6, events=(BundleFinished(execution=RUN, host=host, done=1, dropped=5),))


def uneven(world: World, host: str, task: int, attempt: int) -> Outcome:
    return Outcome(20 if host == "web8" else 4)


CASES = [
    Case(AdaptationKind.RETRY, Scene(hosts(10), mirror, tasks=3), failed_hosts, 5),
    Case(AdaptationKind.WAIT, Scene(hosts(4), rebooting, tasks=6, is_up=lambda world, host: not 8 < world.now < 28), failed_hosts, 1),
    Case(AdaptationKind.REALLOCATE, Scene(hosts(4), only_here, failing={"interchangeable": ("web0", "web2", "web3")}), failed_hosts, 1),
    Case(AdaptationKind.FAILOVER, Scene(("web0",), only_here, traits=("run-once",), failing={"interchangeable": ("web2",)}), failed_hosts, 1),
    Case(AdaptationKind.SKIP, Scene(hosts(4), optional, tasks=3, failing={"skippable": True}), failed_hosts, 2),
    Case(AdaptationKind.REPLAN, Scene(hosts(4), badly_prepared), failed_hosts, 1),
    Case(AdaptationKind.HALT, Scene(hosts(40), bad_release, lanes=4, config={"halt_threshold": 0.1}), failed_hosts, 5),
    Case(AdaptationKind.TOGGLE, Scene(hosts(4), agent_breaks, tasks=20), makespan, 1.5),
    Case(AdaptationKind.SCALE, Scene(hosts(40), thrashing, tasks=12, lanes=40, resources=pressure_of_lanes), makespan, 1.5),
    Case(AdaptationKind.SCALE, Scene(hosts(56), eating, tasks=20, lanes=28, resources=memory_seen), failed_hosts, 1, without="trend"),
    Case(
        AdaptationKind.PARAMETERS,
        Scene(hosts(4), far_away, config={"allowed": SAFE_KINDS | {AdaptationKind.PARAMETERS}, "connect_timeout": 10.0}),
        failed_hosts,
        1,
    ),
    Case(
        AdaptationKind.STRATEGY,
        Scene(hosts(4), in_vain, tasks=12, config={"allowed": SAFE_KINDS | {AdaptationKind.STRATEGY}}),
        makespan,
        1.5,
    ),
    Case(
        AdaptationKind.REORDER,
        Scene(hosts(9), uneven, tasks=20, lanes=2, config={"allowed": SAFE_KINDS | {AdaptationKind.REORDER}}),
        makespan,
        1.2,
    ),
]
