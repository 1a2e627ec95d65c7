# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which release of the collection this is."""
from __future__ import annotations

import functools
import os
import re

__all__ = ['engine_version']


@functools.lru_cache(maxsize=1)
def engine_version() -> str:
    """Read from the collection's own files: galaxy.yml of a checkout, MANIFEST.json of what was installed."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    for name, pattern in (('galaxy.yml', r'^version: *(\S+)'), ('MANIFEST.json', r'"version": *"([^"]+)"')):
        try:
            with open(os.path.join(root, name), encoding='utf-8') as file:
                found = re.search(pattern, file.read(), re.MULTILINE)
        except OSError:
            continue
        if found:
            return found.group(1)
    return 'unknown'
