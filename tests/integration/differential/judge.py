# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes records of runs, and compares two of them.

A record holds everything that somebody could look at: the exit code, the recap, the events with their results, task after task,
what the hosts' variables have become, the files that were left, what several hosts wrote to one journal, and the output. Hosts of
one task may come in any order, as they do under linear; everything else has its place.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.integration.differential.normal import Normaliser
from tests.integration.differential.running import Case, Run, run, run_linear
from tests.lab.fleet import Fleet

OURS_ONLY = "rustle: "  # lines of -vv that linear does not have
TALLY = "rustle: bundles"

_BANNER = re.compile(r"^(PLAY|TASK|RUNNING HANDLER|PLAYBOOK|NO MORE HOSTS LEFT|PLAY RECAP)\b.*?\**$")
#: events beside results whose place among the hosts of one task is chance
_LOOSE = frozenset({"runner_on_start", "playbook_on_include", "playbook_on_notify"})


@dataclass
class Record:
    """What a run did, as plain data, with all taken out that differs between any two runs."""

    rc: int | str = 0
    recap: dict[str, Any] = field(default_factory=dict)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    journal: list[str] = field(default_factory=list)
    output: list[list[str]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        """Whether tasks were run at all: two playbooks that cannot be parsed are equal, too."""
        return any(task["hosts"] for task in self.tasks) and self.rc in (0, 1, 2, 4)


def record_of(done: Run) -> Record:
    normal = Normaliser(done.places)
    record = Record(rc=done.rc, journal=list(_grouped([normal.text(line) for line in done.journal])))
    for event in normal.value(done.events):
        if event["event"] == "playbook_on_stats":
            record.recap = {"hosts": event["recap"], "custom": event["custom"]}
            record.variables = event["variables"]
        elif not record.tasks or not ("result" in event or event["event"] in _LOOSE):
            record.tasks.append({"begins": event, "hosts": {}})
        else:
            record.tasks[-1]["hosts"].setdefault(event.pop("host", "all"), []).append(event)
    for task in record.tasks:
        if "all" in task["hosts"]:
            task["hosts"]["all"].sort(key=json.dumps)
    record.files = {normal.text(path): normal.text(what) for path, what in done.files.items()}
    record.output = list(_blocks(_lines(done.stdout, normal)))
    # Python's own warnings come where a text is first compiled, in whichever process that is
    record.complaints = sorted({line for line in _lines(done.stderr, normal) if "SyntaxWarning:" not in line})
    return record


def _lines(text: str, normal: Normaliser) -> list[str]:
    return [line for line in normal.text(text).splitlines() if not line.startswith(OURS_ONLY)]


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """The output, task by task; within one the lines are sorted."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("included: "):
            head, _for, hosts = line.partition(" for ")
            hosts, item, rest = hosts.partition(" => ")
            line = f"{head} for {', '.join(sorted(hosts.split(', ')))}{item}{rest}"
        if _BANNER.match(line):
            blocks.append([line.rstrip("* ")])
        else:
            blocks[-1].append(line)
    for block in blocks:
        yield block[:1] + sorted(block[1:])


def _grouped(lines: Sequence[str]) -> Iterator[str]:
    """`what host` lines: neighbours that say the same `what` are one task's, in any order."""
    group: list[str] = []
    for line in lines:
        if group and line.rpartition(" ")[0] != group[0].rpartition(" ")[0]:
            yield from sorted(group)
            group = []
        group.append(line)
    yield from sorted(group)


def differences(expected: Record, found: Record, *, lines: int = 40) -> str:
    """Where two records differ, facet by facet, for people; empty when they are equal."""
    left, right = asdict(expected), asdict(found)
    out: list[str] = []
    for facet in left:
        if left[facet] != right[facet]:
            one, other = (json.dumps(side[facet], indent=1, sort_keys=True, ensure_ascii=False).splitlines() for side in (left, right))
            changed = difflib.unified_diff(one, other, "linear", "rustle", lineterm="", n=3)
            out += [f"== {facet}", *(line[:400] for line, _ in zip(changed, range(lines), strict=False))]
    return "\n".join(out)


@dataclass(frozen=True)
class Verdict:
    """`report` says where ours differs from linear; it is empty when it does not."""

    report: str
    ours: Run

    @property
    def tally(self) -> list[str]:
        return [line for line in self.ours.stdout.splitlines() if line.startswith(TALLY)]


def judge(fleet: Fleet, case: Case, *, lines: int = 40, believe: bool = False) -> Verdict:
    """Run ours, and compare. Before a difference is believed linear is asked again, unless `believe`: an old run may have been unlucky."""
    # through JSON, as the kept run of linear
    ours = Run(**json.loads(json.dumps(asdict(run(fleet, case, case.ours)))))
    expected = record_of(run_linear(fleet, case))
    if not expected.says_something:
        return Verdict(f"{case.name} shows nothing, linear ends with {expected.rc}: {expected.complaints}", ours)
    report = differences(expected, record_of(ours), lines=lines)
    if report and not believe:
        report = differences(record_of(run_linear(fleet, case, again=True)), record_of(ours), lines=lines)
    if report and ours.rc != expected.rc:
        report += f"\n== the end of ours\n{ours.stdout[-1500:]}\n{ours.stderr[-2500:]}"
    return Verdict(report, ours)
