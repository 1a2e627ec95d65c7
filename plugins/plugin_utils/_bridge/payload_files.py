# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which files a module needs on a target, as ansible-core's own payload builder (AnsiballZ) decides it.

Rule 1: stock code decides (``recursive_finder``, ``_add_module_to_zip``); here it only writes into a collector instead of a zip.
Rule 2: nothing of ansible-core is patched but ``module_common.display``, for the length of one analysis: stock's functions run
over a copy of their globals in which the parser and the locators remember what they did, so that 20 modules parse a shared
module_utils file once.
Rule 3: whatever could change the answer is watched: files taken, files that would have come first, routing of collections.
"""
from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import types
import typing as t

# --- depends on the version of ansible-core (2.19 to 2.21) ---------------------------------------------------------------------
from ansible._internal._ansiballz._builder import ExtensionManager
from ansible._internal._datatag._tags import Origin
from ansible.executor import module_common
from ansible.module_utils import basic
from ansible.plugins.loader import module_utils_loader
from ansible.release import __version__ as ANSIBLE_VERSION
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible_collections.rustle.engine.plugins.plugin_utils._model.remote import ModuleRef

REMEMBERED = ('_compile_module_ast', 'ModuleDepFinder', 'LegacyModuleUtilLocator', 'CollectionModuleUtilLocator')
TARGET_PYTHON: tuple[int, ...] = getattr(basic, '_PY_MIN', (3, 8))
# -------------------------------------------------------------------------------------------------------------------------------

__all__ = ['ANSIBLE_VERSION', 'TARGET_PYTHON', 'Analyst', 'ModuleFiles', 'ModuleRefused', 'search_paths']

_ANY_DATE = datetime.datetime(1980, 1, 1, tzinfo=datetime.UTC)
_CORE_MODULE_UTILS = os.path.dirname(os.path.abspath(basic.__file__))


class ModuleRefused(Exception):
    """Stock fails on this module or has something to say about it: leave it to stock, at the time stock would say it."""


@dataclasses.dataclass(frozen=True)
class ModuleFiles:
    """The answer for one module.

    ``files``: content by path in the archive. ``origins``: where a content can be read again, by path in the archive (contents
    made up by stock have none). ``utils``: dotted module_utils which the module's own source imports. ``watched``: paths whose
    change makes this answer stale.
    """

    source: ModuleRef
    files: t.Mapping[str, bytes]
    origins: t.Mapping[str, str]
    utils: tuple[str, ...]
    profile: str
    watched: frozenset[str]


def search_paths() -> list[list[str]]:
    """The directories in which stock looks for module_utils and for collections, in order; but for those that do not exist."""
    try:
        collections = AnsibleCollectionConfig.collection_paths
    except NotImplementedError:  # no collection loader in this process
        collections = []
    return [
        [path for path in module_utils_loader._get_paths(subdirs=False) if os.path.isdir(path)],
        [path for path in collections if os.path.isdir(os.path.join(path, 'ansible_collections'))],
    ]


class Analyst:
    """Analyses modules for one build; what it remembers is only good for as long as no file changes."""

    def __init__(self, task_vars: t.Mapping[str, t.Any] | None = None) -> None:
        self._extensions = ExtensionManager.create(task_vars=dict(task_vars or {}))
        self._globals = dict(vars(module_common))
        for name in REMEMBERED:
            self._globals[name] = self._remembering(name)
        self._finder = _rebound(module_common.recursive_finder, self._globals)
        self._results: dict[t.Any, t.Any] = {}
        self._seen: list[t.Any] = []

    def analyse(self, source: ModuleRef) -> ModuleFiles:
        """Raises ModuleRefused where stock would fail, warn, or run its debugger or coverage inside the module."""
        if self._extensions.extension_names:
            raise ModuleRefused(f'AnsiballZ extensions are on: {", ".join(self._extensions.extension_names)}')
        collector = _Collector()
        self._seen = []
        try:
            data = _read(source.path)
            code = data.replace(module_common.REPLACER, b'from ansible.module_utils.basic import *')
            with _listening() as said:
                tagged = Origin(path=source.path).tag(code)
                metadata = self._finder(source.name, source.fqn, tagged, collector, _ANY_DATE, self._extensions)
                module_common._add_module_to_zip(
                    t.cast(t.Any, collector), _ANY_DATE, source.fqn, code, source.path, self._extensions)
        except Exception as exc:  # whatever it is: stock meets it again and words it as stock does
            raise ModuleRefused(f'{source.name}: {exc}') from exc
        if said:
            raise ModuleRefused(f'{source.name}: {said[0]}')
        origins = dict(collector.origins)
        if code == data:
            origins[source.fqn.replace('.', '/') + '.py'] = source.path
        embedded = _embedded(self._seen, collector.files)
        origins.update(embedded)
        return ModuleFiles(
            source=source,
            files=collector.files,
            origins=origins,
            utils=_imported(self._seen, collector.files),
            profile=metadata.serialization_profile,
            watched=frozenset({source.path, *origins.values(), *_looked_at(self._seen)}),
        )

    def _remembering(self, name: str) -> t.Callable[..., t.Any]:
        make = getattr(module_common, name)

        def remember(*args: t.Any, **kwargs: t.Any) -> t.Any:
            key = (name, args, tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in sorted(kwargs.items())))
            try:
                made = self._results[key]
            except KeyError:
                made = self._results[key] = make(*args, **kwargs)
            self._seen.append(made)
            return made

        return remember


class _Collector:
    """As much of a ZipFile as stock's payload builder uses."""

    compression = 0

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.origins: dict[str, str] = {}

    def namelist(self) -> list[str]:
        return list(self.files)

    def writestr(self, info: t.Any, data: str | bytes) -> None:
        origin = Origin.get_tag(data)
        if origin and origin.path:
            self.origins[info.filename] = origin.path
        # a plain copy: contents carry Ansible's tags, which neither pickle nor compare as bytes do
        self.files[info.filename] = data.encode() if isinstance(data, str) else memoryview(data).tobytes()


class _Listener:
    """Stands in for Ansible's display: keeps what a user would see without -vvv."""

    def __init__(self, said: list[str]) -> None:
        self._said = said

    def warning(self, msg: str, *args: t.Any, **kwargs: t.Any) -> None:
        self._said.append(msg)

    def deprecated(self, msg: str, *args: t.Any, **kwargs: t.Any) -> None:
        self._said.append(msg)

    def __getattr__(self, name: str) -> t.Callable[..., None]:
        return lambda *args, **kwargs: None


@contextlib.contextmanager
def _listening() -> t.Iterator[list[str]]:
    said: list[str] = []
    display, module_common.display = module_common.display, t.cast(t.Any, _Listener(said))
    try:
        yield said
    finally:
        module_common.display = display


def _rebound(function: t.Any, names: dict[str, t.Any]) -> t.Callable[..., t.Any]:
    """The same function over other globals. (The originals stay whole: their classes call ``super`` through their own names.)"""
    return types.FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)


def _read(path: str) -> bytes:
    with open(path, 'rb') as file:
        return file.read()


def _imported(seen: list[t.Any], files: t.Mapping[str, bytes]) -> tuple[str, ...]:
    """The module_utils of the module's own imports; in ``from a.b import c`` only the files tell whether c is a module."""
    first = next(item for item in seen if hasattr(item, 'submodules'))
    names = set()
    for parts in first.submodules:
        for candidate in (parts, parts[:-1]):
            stem = '/'.join(candidate)
            if f'{stem}.py' in files or f'{stem}/__init__.py' in files:
                names.add('.'.join(candidate))
                break
    return tuple(sorted(names))


def _embedded(seen: list[t.Any], files: t.Mapping[str, bytes]) -> dict[str, str]:
    """Where the resources embedded by modules (ansible-core 2.20 and newer) come from, by path in the archive."""
    found = {}
    for resource in {embed for item in seen for embed in getattr(item, 'embeds', ())}:
        with resource.path_context_manager as path:
            inside = next((name for name in files if str(path).endswith(f'/{name}')), None)
            if inside:
                found[inside] = str(path)
    return found


def _looked_at(seen: list[t.Any]) -> set[str]:
    """Paths that would have decided otherwise had they existed, or been different, while stock looked for module_utils."""
    shared, collections = search_paths()
    shared = [path for path in shared if os.path.abspath(path) != _CORE_MODULE_UTILS]  # ansible-core's version covers its own
    paths: set[str] = set()
    for names in {tuple(item.candidate_names) for item in seen if hasattr(item, 'candidate_names')}:
        for parts in names:
            if parts[:2] == ('ansible', 'module_utils'):
                roots, inside = shared, parts[2:]
            else:
                roots, inside = _collection_roots(parts[1:3], collections, paths), parts[3:]
            if inside and (parts[0] == 'ansible' or len(parts) > 5):
                for root in roots:
                    stem = os.path.join(root, *inside)
                    paths |= {f'{stem}.py', f'{stem}/__init__.py'}
    return paths


def _collection_roots(name: tuple[str, ...], collections: list[str], paths: set[str]) -> list[str]:
    """The folder of a collection, if it is found; adds what decides about that to ``paths``."""
    for base in collections if len(name) == 2 else ():
        root = os.path.join(base, 'ansible_collections', *name)
        if os.path.isdir(root):
            paths |= {os.path.join(root, 'meta', 'runtime.yml')}
            return [root]
        paths.add(root)
    return []
