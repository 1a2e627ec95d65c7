# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds payloads: one executable archive (``.pyz``) with the agent and the code of many modules, named by its sha256.

Rule 1: in a payload every path has one content. A module whose files disagree goes into another payload.
Rule 2: the same modules give the same bytes: names sorted, dates fixed.
Rule 3: a module that stock would not build without words is in no payload; ``refused`` says why.
"""
from __future__ import annotations

import base64
import contextlib
import dataclasses
import gc
import hashlib
import io
import json
import os
import time
import typing as t
import zipfile

from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import ModuleRef

from . import payload_cache, payload_files
from .payload_cache import PayloadCache, digest
from .payload_files import ANSIBLE_VERSION, TARGET_PYTHON, Analyst, ModuleFiles, ModuleRefused, search_paths

__all__ = ['Payload', 'PayloadBuilder']

MANIFEST_FORMAT = 1
_ROOM = os.path.dirname(os.path.abspath(__file__))
_AGENT = os.path.normpath(os.path.join(_ROOM, '..', '..', 'module_utils', '_agent'))
_BUILDER = tuple(os.path.abspath(file) for file in (__file__, payload_cache.__file__, payload_files.__file__))

# Started by `python <sha>.pyz`, and by stage 1 (plugin_utils/_agent/stage1.py), which sets the globals `sha`, `first` (bytes that
# came on stdin before the agent was there) and `scratch` (the temporary folder of an archive that could not be kept).
_MAIN = '''\
import os
import sys

ARCHIVE = os.path.dirname(os.path.abspath(__file__))


def info():
    import hashlib
    import json
    import zipfile
    with zipfile.ZipFile(ARCHIVE) as archive:
        about = json.loads(archive.read('manifest.json').decode())
    with open(ARCHIVE, 'rb') as file:
        about['sha'] = hashlib.sha256(file.read()).hexdigest()
    print(json.dumps(about, indent=2, sort_keys=True))


def watch_over(folder):
    # The agent goes on in a fork. We remove the folder behind it, however it ends, and hold nothing of its connection.
    import shutil
    agent = os.fork()
    if agent:
        os.close(0)
        os.close(1)
        status = os.waitpid(agent, 0)[1]
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(status >> 8 or status & 127)


if sys.argv[1:] == ['--info']:
    info()
elif sys.argv[1:2] == ['--run']:
    from rustle_agent.standalone import run
    sys.exit(run(ARCHIVE, sys.argv[2:]))
else:
    launch = globals().get
    if launch('scratch'):
        watch_over(launch('scratch'))
    from rustle_agent.server import main
    main(ARCHIVE, launch('sha'), launch('first', b''))
'''

# A Python that a module starts with the archive on PYTHONPATH shall not find another ansible first.
_SITECUSTOMIZE = '''\
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
'''


@dataclasses.dataclass(frozen=True)
class Payload:
    """One archive. ``modules``: module_utils that each module imports, by fqn; ``profiles``: its serialization profile.

    ``path`` is the file in the controller's cache; the bytes are held here too, so a cache that is full or not writable is
    no obstacle.
    """

    sha: str
    size: int
    path: str
    modules: t.Mapping[str, tuple[str, ...]]
    profiles: t.Mapping[str, str]
    sources: frozenset[ModuleRef]
    data: bytes = dataclasses.field(repr=False, compare=False)

    def __contains__(self, source: object) -> bool:
        return source in self.sources

    def read(self) -> bytes:
        return self.data


class PayloadBuilder:
    """Builds payloads for sets of modules, through a cache in ``cache_dir`` (None: the user's).

    ``refused``: modules of the last build that are in no payload, with the reason in words.
    """

    def __init__(self, cache_dir: str | None = None, *, limit: int = 64 << 20) -> None:
        self._cache = PayloadCache(cache_dir, limit=limit)
        self.refused: dict[ModuleRef, str] = {}

    def build(self, modules: t.Iterable[ModuleRef], task_vars: t.Mapping[str, t.Any] | None = None) -> list[Payload]:
        """Payloads that hold the modules, each module in exactly one, but for those in ``refused``.

        The first payload holds as many as go together. Without modules it is the agent alone.
        """
        self.refused = {}
        began = time.time_ns()
        sources = sorted(set(modules), key=dataclasses.astuple)
        paths = search_paths()
        key = digest(['set', ANSIBLE_VERSION, [dataclasses.astuple(source) for source in sources], paths])
        known = self._known(key)
        if known is not None:
            return known
        analyst = Analyst(task_vars)
        answers = []
        with _collector_paused():
            for source in sources:
                try:
                    answers.append(self._files(source, analyst, paths, began))
                except ModuleRefused as exc:
                    self.refused[source] = str(exc)
        agent = _agent_files()
        payloads = [self._pack(group, agent) for group in _grouped(answers)]
        if not self.refused:
            watched = {*_BUILDER, _AGENT, *agent.origins.values()}.union(*(answer.watched for answer in answers))
            self._cache.remember(key, {'payloads': [_described(payload) for payload in payloads]}, watched=watched, since=began)
        return payloads

    def _known(self, key: str) -> list[Payload] | None:
        record = self._cache.recall(key)
        if record is None:
            return None
        payloads = []
        try:
            for entry in record['payloads']:
                data = self._cache.archive(entry['sha'])
                if data is None:
                    return None
                payloads.append(Payload(
                    sha=entry['sha'],
                    size=len(data),
                    path=self._cache.archive_path(entry['sha']),
                    modules={fqn: tuple(utils) for fqn, utils in entry['modules'].items()},
                    profiles=entry['profiles'],
                    sources=frozenset(ModuleRef(*fields) for fields in entry['sources']),
                    data=data,
                ))
        except (KeyError, TypeError, AttributeError):
            return None
        return payloads

    def _files(self, source: ModuleRef, analyst: Analyst, paths: list[list[str]], began: int) -> ModuleFiles:
        key = digest(['module', ANSIBLE_VERSION, dataclasses.astuple(source), paths])
        record = self._cache.recall(key)
        answer = _restored(source, record) if record is not None else None
        if answer is None:
            answer = analyst.analyse(source)
            self._cache.remember(key, _stored(answer), watched={*_BUILDER, *answer.watched}, since=began)
        return answer

    def _pack(self, group: list[ModuleFiles], agent: _AgentFiles) -> Payload:
        modules = {answer.source.fqn: answer.utils for answer in group}
        manifest = {
            'format': MANIFEST_FORMAT,
            'ansible': ANSIBLE_VERSION,
            'python': '.'.join(map(str, TARGET_PYTHON)),
            'modules': modules,
        }
        files = dict(agent.files)
        for answer in group:
            files.update(answer.files)
        files['manifest.json'] = json.dumps(manifest, sort_keys=True, separators=(',', ':')).encode()
        data = _zipped(files)
        sha = hashlib.sha256(data).hexdigest()
        self._cache.keep_archive(sha, data)
        return Payload(
            sha=sha,
            size=len(data),
            path=self._cache.archive_path(sha),
            modules=modules,
            profiles={answer.source.fqn: answer.profile for answer in group},
            sources=frozenset(answer.source for answer in group),
            data=data,
        )


@contextlib.contextmanager
def _collector_paused() -> t.Iterator[None]:
    """Syntax trees are many objects without cycles: looking for garbage among them takes a third of the time of a build."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@dataclasses.dataclass(frozen=True)
class _AgentFiles:
    files: t.Mapping[str, bytes]
    origins: t.Mapping[str, str]


def _agent_files() -> _AgentFiles:
    origins = {f'rustle_agent/{name}': os.path.join(_AGENT, name) for name in os.listdir(_AGENT) if name.endswith('.py')}
    files = {'__main__.py': _MAIN.encode(), 'sitecustomize.py': _SITECUSTOMIZE.encode()}
    for inside, origin in origins.items():
        with open(origin, 'rb') as file:
            files[inside] = file.read()
    return _AgentFiles(files, origins)


def _grouped(answers: list[ModuleFiles]) -> list[list[ModuleFiles]]:
    """Each answer goes to the first group with which it shares no path of another content. At least one group."""
    groups: list[tuple[list[ModuleFiles], dict[str, bytes]]] = [([], {})]
    for answer in answers:
        fitting = (group for group in groups if all(group[1].get(path, data) == data for path, data in answer.files.items()))
        group = next(fitting, None)
        if group is None:
            group = ([], {})
            groups.append(group)
        group[0].append(answer)
        group[1].update(answer.files)
    return [members for members, _files in groups]


def _zipped(files: t.Mapping[str, bytes]) -> bytes:
    """Stored, not deflated: on its way an archive is compressed as a whole, which leaves 60 % of what file by file does."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, 'w', zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, files[name])
    return output.getvalue()


def _described(payload: Payload) -> dict[str, t.Any]:
    return {
        'sha': payload.sha,
        'modules': payload.modules,
        'profiles': payload.profiles,
        'sources': [dataclasses.astuple(source) for source in sorted(payload.sources, key=dataclasses.astuple)],
    }


def _stored(answer: ModuleFiles) -> dict[str, t.Any]:
    """Contents that can be read again are stored as their path, made-up ones in full."""
    made_up = {path: content for path, content in answer.files.items() if path not in answer.origins}
    return {
        'origins': dict(answer.origins),
        'made_up': {path: base64.b64encode(content).decode() for path, content in made_up.items()},
        'utils': answer.utils,
        'profile': answer.profile,
        'watched': sorted(answer.watched),
    }


def _restored(source: ModuleRef, record: dict[str, t.Any]) -> ModuleFiles | None:
    """None when the record or a file of it cannot be read."""
    try:
        files = {path: base64.b64decode(text) for path, text in record['made_up'].items()}
        for inside, origin in record['origins'].items():
            with open(origin, 'rb') as file:
                files[inside] = file.read()
        watched = frozenset(record['watched'])
        return ModuleFiles(source, files, record['origins'], tuple(record['utils']), record['profile'], watched)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
