# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a page that is one file is put together from: its parts beside this file, its policy, and its data.

Rule 1: a page asks for nothing: style, script and data are in it, and its policy forbids every request and every other script.
Rule 2: data of a page cannot end the element that it stands in: it is JSON without ``<``.
"""
from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
import pkgutil
import typing as t

__all__ = ['island', 'part', 'policy']


@functools.cache
def part(name: str) -> str:
    """A file beside this one, read like code: by the loader of this package."""
    return (pkgutil.get_data(__name__.rpartition('.')[0], name) or b'').decode()


def policy(style: str, script: str) -> str:
    """The page's Content-Security-Policy, as the value of an attribute."""
    text = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    return html.escape(text, quote=False)


def _digest(text: str) -> str:
    return f'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'


def island(data: t.Any) -> str:
    return json.dumps(data, separators=(',', ':')).replace('<', '\\u003c')
