# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Questions as entries of the agent's protocol, and the agent's step results as replies (docs/agent-protocol.md)."""
from __future__ import annotations

import os
import secrets
import time
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import TMP_TOKEN_PREFIX, Call, Question, Reply

#: seconds that the agent adds to a task's time-out: it only acts when the controller did not
AGENT_GRACE = 10.0
CLASSES = ('dir', 'absent', 'same', 'differs')

__all__ = ['answer_of', 'entry_of', 'no_directory']

PayloadOf = t.Callable[[t.Any], tuple[str, tuple[str, ...]]]


class _Steps:
    """Collects the steps of one entry and the blobs beside them."""

    def __init__(self, blobs: list[bytes], payload_of: PayloadOf) -> None:
        self.steps: list[dict[str, t.Any]] = []
        self.calls: dict[int, Call] = {}
        self._blobs = blobs
        self._payload_of = payload_of

    def add(self, call: Call, only: dict[str, t.Any] | None) -> int:
        for put in call.puts:
            self.steps.append({'k': 'put', 'path': put.path, 'blob': self._blob(put.content), 'mode': 0o700, 'only': only})
        index = len(self.steps)
        if call.module is not None:
            sha, utils = self._payload_of(call.module)
            self.steps.append({
                'k': 'module', 'fqn': call.module.fqn, 'name': call.module.name, 'payload': sha, 'params': call.params, 'profile': call.profile,
                'rlimit': call.rlimit, 'env': dict(call.env), 'cwd': call.cwd, 'only': only, 'utils': list(utils),
                'again': call.module.again})
        else:
            stdin = None if call.stdin is None else self._blob(call.stdin)
            self.steps.append({'k': 'exec', 'argv': list(call.argv), 'stdin': stdin, 'env': dict(call.env), 'cwd': call.cwd, 'only': only})
        self.calls[index] = call
        return index

    def _blob(self, data: bytes) -> int:
        self._blobs.append(data)
        return len(self._blobs) - 1


def entry_of(question: Question, *, number: int, lane: str, epoch: int, group: int | None, blobs: list[bytes],
             payload_of: PayloadOf) -> tuple[dict[str, t.Any], dict[int, Call]]:
    """(entry, step index -> call). Blobs are appended to ``blobs``, which belong to the whole frame."""
    steps = _Steps(blobs, payload_of)
    first = steps.add(question.call, None)
    if question.stat is not None:
        steps.steps[first]['stat'] = question.stat
    complete: list[str] = []
    for branch in question.branches:
        complete += branch.when
        if branch.call is not None:
            steps.add(branch.call, {'of': first, 'sum': question.checksum, 'when': list(branch.when)})
    if question.final and question.branches:
        # where the action goes on by itself, nothing else of the lane may come first
        rest = [kind for kind in CLASSES if kind not in complete]
        steps.steps.append({'k': 'judge', 'only': {'of': first, 'sum': question.checksum, 'when': rest}})
    tmp = next((call.tmp_base for call in steps.calls.values()), '~/.ansible/tmp')
    wants_tmp = any(TMP_TOKEN_PREFIX in call.params or call.puts for call in steps.calls.values())
    entry = {
        'id': number, 'lane': lane, 'epoch': epoch, 'steps': steps.steps, 'group': group, 'judge': not question.final,
        'go_on_failed': question.go_on_failed, 'facts_expected': question.facts_expected,
        'timeout': question.timeout + AGENT_GRACE if question.timeout else None,
        'tmp': {'base': tmp, 'name': f'ansible-tmp-{time.time()}-{os.getpid()}-{secrets.randbelow(2 ** 48)}'} if wants_tmp else None,
        'token': _token(steps.calls.values()) if wants_tmp else None,
    }
    return entry, steps.calls


def _token(calls: t.Iterable[Call]) -> str | None:
    for call in calls:
        for text in (call.params, *(put.path for put in call.puts)):
            at = text.find(TMP_TOKEN_PREFIX)
            if at >= 0:
                return text[at:at + len(TMP_TOKEN_PREFIX) + 16]
    return None


def answer_of(calls: t.Mapping[int, Call], results: t.Sequence[t.Any]) -> list[tuple[Call, Reply]] | str:
    """The calls that were run, in order, with what they gave. Results of put steps carry nothing, but where one failed first: its words."""
    answer = [(calls[result.i], Reply(rc=result.rc, stdout=result.out, stderr=result.err, start=result.start, end=result.end))
              for result in results if result.i in calls]
    return answer or b' '.join(result.err for result in results).decode('utf-8', 'replace')


def no_directory(results: t.Iterable[t.Any]) -> bool:
    """Whether nothing was run, since the entry's temporary directory could not be made."""
    return any(result.i < 0 for result in results)
