# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan as bytes: a magic, a version, and the JSON document compressed. Compact, and it reads back equal."""
from __future__ import annotations

import json
import lzma
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import DocumentError
from ansible_collections.rustle.engine.plugins.plugin_utils._model.plan import ExecutionPlan
from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_document import from_document, to_document

__all__ = ['MAGIC', 'from_binary', 'to_binary']

MAGIC: t.Final = b'RUSTLEPLAN\x00'
_VERSION: t.Final = 1
_LARGEST: t.Final = 1 << 30  # bytes of a document


def to_binary(plan: ExecutionPlan) -> bytes:
    document = json.dumps(to_document(plan), separators=(',', ':'), ensure_ascii=False).encode()
    return MAGIC + bytes((_VERSION,)) + lzma.compress(document, format=lzma.FORMAT_XZ, preset=6)


def from_binary(data: bytes, *, where: str) -> ExecutionPlan:
    """DocumentError for what is no plan, is cut off, or was made by a newer version."""
    if not data.startswith(MAGIC):
        raise DocumentError(path='', expected='a plan that rustle-plan saved', found=data[:16], where=where)
    version = data[len(MAGIC)] if len(data) > len(MAGIC) else -1
    if version != _VERSION:
        raise DocumentError(path='', expected=f'format {_VERSION}', found=version, where=where, hint='plan anew with this version of rustle.engine')
    try:
        decompressor = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=1 << 28)
        text = decompressor.decompress(data[len(MAGIC) + 1:], max_length=_LARGEST)
        if not decompressor.eof:
            raise EOFError
        document = json.loads(text)
    except (lzma.LZMAError, EOFError, ValueError) as ex:
        raise DocumentError(path='', expected='a whole plan', found='a file that is cut off or damaged', where=where) from ex
    return from_document(document, where=where)
