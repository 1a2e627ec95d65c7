# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cache of plans: a plan that was made is given again while all that was looked at for it is as it was, before Ansible is even loaded.

Rule 1: an entry is found by what was asked for, from where, with which environment and versions; it counts while what was watched has the
same content, or is as absent (watching.py). What cannot be told so is not kept, and `why_not` says why.
Rule 2: it holds the plan, as --save writes it: values out of a vault are masked there. Of other files it holds paths and one digest of all.
Rule 3: the cache never fails a plan: an entry that is damaged, or is not ours alone, is none. Only classes of plans are read back.
"""
from __future__ import annotations

import dataclasses
import datetime
import hashlib
import importlib.util
import io
import json
import os
import pickle
import sys
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._bridge.private_folder import PrivateFolder
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.request import Request
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.watching import Look, Watch, state_of
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.config_file import find_config, read_config
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.settings import Settings, resolve

__all__ = ['Memory', 'now']

FORMAT: t.Final = 1
"""Part of every key: raise it when an entry's meaning changes."""

_ENDING: t.Final = '.plan'
_SHARE: t.Final = 8  # plans may take the eighth part of cache_limit
_ENVIRONMENT: t.Final = ('ANSIBLE_', 'RUSTLE_', 'PYTHON', 'LC_', 'XDG_')
_VARIABLES: t.Final = frozenset(('HOME', 'USER', 'LOGNAME', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'VIRTUAL_ENV'))
_MODEL: t.Final = 'ansible_collections.rustle.engine.plugins.plugin_utils._model.'
_PLAIN: t.Final[tuple[t.Any, ...]] = (str, int, float, list, tuple, dict)
_PLUGINS: t.Final = ('.plugins.inventory.', '.plugins.vars.')


def now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat().replace('+00:00', 'Z')


class Memory:
    """What is remembered for one request. ``recall()``, and where it gives None: ``watch.start()``, plan, ``keep(plan)``.

    ``root``: the folder of this collection. ``why_not``: why there is nothing to recall and nothing will be kept.
    """

    def __init__(self, request: Request, *, root: str, off: bool = False) -> None:
        self._root = os.path.realpath(root)
        self._request = request
        spec = importlib.util.find_spec('ansible')
        self._ansible = os.path.dirname(spec.origin) if spec is not None and spec.origin else ''
        settings = _settings(('cache_dir', 'plan_cache'))
        self.why_not = _why_not(request, settings, off=off)
        self._folder = os.path.join(os.path.abspath(os.path.expanduser(settings.cache_dir)), 'plans')
        self._name = '' if self.why_not else self._key() + _ENDING
        # code of ours is left out by its real path and by the one that Ansible's loader has
        self.watch = Watch(installed=(os.path.dirname(os.__file__), os.path.dirname(self._ansible), os.path.join(self._root, 'plugins')),
                           apart=(self._folder,))

    def _files(self, limit: int = 0) -> PrivateFolder:
        return PrivateFolder(self._folder, limit=limit, endings=(_ENDING,))

    def recall(self) -> t.Any:
        """The ExecutionPlan, with its time of making anew; None when there is none that still holds."""
        data = None if self.why_not else self._files().read(self._name)
        if data is None:
            return None
        try:
            digest, size, rest = data[:32], int.from_bytes(data[32:36]), memoryview(data)[36:]
            if hashlib.sha256(rest).digest() != digest:
                return None
            looks, state = json.loads(bytes(rest[:size]))
            if state_of((kind, path) for kind, path in looks) != state:
                return None
            plan = _Reader(io.BytesIO(rest[size:])).load()
        except Exception:  # whatever is wrong with it, a plan can be made
            return None
        self._files().touch(self._name)
        return dataclasses.replace(plan, metadata=dataclasses.replace(plan.metadata, created_at=now()))

    def keep(self, plan: t.Any, *, root: str) -> None:
        """``root``: the folder of the collection that has planned. Afterwards ``why_not`` says whether it was kept."""
        self.watch.stop()
        if self.why_not:
            return
        if os.path.realpath(root) != self._root:
            self.why_not = f'the collection in {root} plans, and not the one that is asked first'
            return
        from ansible import constants as C

        self.why_not = self.watch.against or _moving(self._ansible, C)
        if self.why_not:
            return
        for folder in C.COLLECTIONS_PATHS:
            self._look_at_collections(folder)
        passwords = {os.path.abspath(os.path.expanduser(path.rpartition('@')[2])) for path in (
            *self._request.vault_ids, *self._request.vault_password_files, *C.DEFAULT_VAULT_IDENTITY_LIST, C.DEFAULT_VAULT_PASSWORD_FILE or '')}
        looks: list[Look] = [('stamp' if kind == 'file' and path in passwords else kind, path) for kind, path in self.watch.lasting()]
        try:
            head = json.dumps([looks, state_of(looks, since=self.watch.since)]).encode()
            body = io.BytesIO()
            _Writer(body, protocol=5).dump(plan)
        except (ValueError, pickle.PicklingError) as ex:
            self.why_not = str(ex)
            return
        rest = head + body.getvalue()
        files = self._files(_settings(('cache_limit',)).cache_limit // _SHARE)
        if files.write(self._name, hashlib.sha256(rest).digest() + len(head).to_bytes(4) + rest):
            files.prune()
        else:
            self.why_not = f'{self._folder} cannot be written to, or not only by us'

    def _look_at_collections(self, folder: str) -> None:
        """A collection that is installed later may come first, or be one that was missed."""
        top = os.path.join(folder, 'ansible_collections')
        self.watch.look('list', top)
        if os.path.isdir(top):
            for name in os.listdir(top):
                self.watch.look('list', os.path.join(top, name))

    def _key(self) -> str:
        asked = dataclasses.asdict(dataclasses.replace(self._request, verbosity=0))
        environ = {name: value for name, value in os.environ.items() if name in _VARIABLES or name.startswith(_ENVIRONMENT)}
        key = [FORMAT, asked, os.getcwd(), environ, sys.version, sys.executable, os.geteuid(), self._ansible,
               state_of([('file', os.path.join(self._ansible, 'release.py'))]), state_of(_code(self._root))]
        return hashlib.sha256(json.dumps(key, sort_keys=True).encode(errors='surrogateescape')).hexdigest()


class _Writer(pickle.Pickler):
    """Writes objects of the model's classes, and plain values: texts and numbers without what Ansible hangs on them."""

    def reducer_override(self, value: t.Any) -> t.Any:
        kind = value if isinstance(value, type) else type(value)
        if kind.__module__.startswith(_MODEL) or (kind is value and kind in _PLAIN):
            return NotImplemented
        for plain in _PLAIN:
            if isinstance(value, plain):
                return plain, (str.__str__(value) if plain is str else plain(value),)
        raise pickle.PicklingError(f'a value is a {kind.__name__}')


class _Reader(pickle.Unpickler):
    """Makes objects of the model's classes, plain values, and nothing else."""

    def find_class(self, module: str, name: str) -> t.Any:
        if module == 'builtins':
            return {plain.__name__: plain for plain in _PLAIN}[name]
        if module.startswith(_MODEL) and '.' not in name:
            found = super().find_class(module, name)
            if isinstance(found, type):
                return found
        raise pickle.UnpicklingError(f'{module}.{name} is no part of a plan')


def _code(root: str) -> list[Look]:
    """Our own files by their times: a checkout changes without another version."""
    top = os.path.join(root, 'plugins')
    return [('stamp', os.path.join(folder, name)) for folder, folders, names in os.walk(top) if not folder.endswith('__pycache__')
            for name in sorted(names)]


def _settings(names: t.Sequence[str]) -> Settings:
    """These settings alone: others may need a longer look. SettingsError as always."""
    config = read_config(find_config(os.environ))
    environ = {f'RUSTLE_{name.upper()}' for name in names} | {'XDG_CACHE_HOME'}
    return resolve(
        variables={}, environ={name: value for name, value in os.environ.items() if name in environ},
        config={name: value for name, value in config.items() if name in names})


def _why_not(request: Request, settings: Settings, *, off: bool) -> str | None:
    if off:
        return '--no-cache'
    if not settings.plan_cache:
        return 'the setting plan_cache is off'
    if request.ask_vault_pass or any(one.rpartition('@')[2].startswith('prompt') for one in request.vault_ids):
        return 'a vault password is asked for'
    if '-' in request.playbooks:
        return 'a document comes from standard input'
    return 'deployments are built, and the time is measured' if request.build else None


def _moving(ansible: str, constants: t.Any) -> str | None:
    """What a plan may come from beside files."""
    if constants.CACHE_PLUGIN != 'memory':
        return f'facts of the cache {constants.CACHE_PLUGIN} grow old'
    if 'ansible.plugins.lookup.env' in sys.modules:
        return 'the lookup env was run'
    for name, module in list(sys.modules.items()):
        if any(part in name for part in _PLUGINS) and not str(getattr(module, '__file__', None) or ansible).startswith(ansible):
            return f'hosts or variables come from the plugin {name.rpartition(".")[2]}'
    return None
