# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts of hosts out of a folder that the cache plugin jsonfile has written.

Rule: it is only read. The plugin itself would make the folder, and remove what is too old.
"""
from __future__ import annotations

import json
import os
import typing as t

from ansible._internal._json._profiles import _cache_persistence
from ansible._internal._plugins._cache import PluginInterposer
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import DocumentError, PlanError

__all__ = ['FactCache']


class FactCache:
    """``folder`` has a file for each host. PlanError when it is not there."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.expanduser(folder)
        if not os.path.isdir(self._folder):
            raise PlanError(f'--fact-cache: expected a folder of facts, found none at {folder}',
                            hint='the one that fact_caching_connection of ansible.cfg names')

    def of(self, host: str) -> dict[str, t.Any]:
        """Facts by name; none for a host that is not in the cache. DocumentError for a file that is no cache of facts."""
        for name in (PluginInterposer._get_key(host), host):  # the plain name: ansible-core before 2.19, and other tools
            path = os.path.join(self._folder, name)
            if os.path.dirname(os.path.abspath(path)) == os.path.abspath(self._folder) and os.path.isfile(path):
                return self._read(path)
        return {}

    def _read(self, path: str) -> dict[str, t.Any]:
        try:
            with open(path, encoding='utf-8') as file:
                found = json.load(file)
            payload = found.get(PluginInterposer._PAYLOAD_KEY) if isinstance(found, dict) else None
            if isinstance(payload, str):
                found = json.loads(payload, cls=_cache_persistence.Decoder)
        except (OSError, ValueError, RecursionError) as ex:
            raise DocumentError(path='', expected='facts as JSON', found=str(ex), where=path) from ex
        if not isinstance(found, dict):
            raise DocumentError(path='', expected='facts by name', found=type(found).__name__, where=path)
        return found
