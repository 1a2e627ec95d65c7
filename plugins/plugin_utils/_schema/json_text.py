# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""JSON text whose objects know where they stand, so that what is said of them later can name a line."""
from __future__ import annotations

import bisect
import json
import json.decoder
import json.scanner
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import DocumentError

__all__ = ['Lines', 'LocatedObject', 'load_located']

_DEEPEST: t.Final = 100  # objects and lists within each other


class LocatedObject(dict[str, t.Any]):
    """A JSON object; ``at`` is the offset of its brace in the text."""

    at: int = 0


class Lines:
    """Line and column, both from 1 on, of an offset in a text."""

    def __init__(self, text: str) -> None:
        self._starts = [0]
        at = text.find('\n')
        while at >= 0:
            self._starts.append(at + 1)
            at = text.find('\n', at + 1)

    def place(self, offset: int) -> tuple[int, int]:
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


class _Decoder(json.JSONDecoder):
    """The decoder of the standard library, in Python: the one in C tells nobody where an object began."""

    def __init__(self) -> None:
        super().__init__(strict=False)
        self.parse_object = self._object
        self.parse_array = self._array
        self.scan_once = json.scanner.py_make_scanner(self)  # type: ignore[attr-defined]
        self._depth = 0

    def _object(self, begun: tuple[str, int], *rest: t.Any) -> tuple[LocatedObject, int]:
        found, end = self._deeper(json.decoder.JSONObject, begun, *rest)  # type: ignore[attr-defined]
        made = LocatedObject(found)
        made.at = begun[1] - 1
        return made, end

    def _array(self, begun: tuple[str, int], *rest: t.Any) -> t.Any:
        return self._deeper(json.decoder.JSONArray, begun, *rest)  # type: ignore[attr-defined]

    def _deeper(self, parse: t.Callable[..., t.Any], begun: tuple[str, int], *rest: t.Any) -> t.Any:
        self._depth += 1
        try:
            if self._depth > _DEEPEST:
                raise json.JSONDecodeError(f'more than {_DEEPEST} objects and lists within each other', *begun)
            return parse(begun, *rest)
        finally:
            self._depth -= 1


def load_located(data: bytes, *, where: str) -> tuple[t.Any, Lines]:
    """The value that a document holds, objects as LocatedObject, and its lines. DocumentError where it is no JSON; ``where`` names the file."""
    try:
        text = data.decode('utf-8-sig')
    except UnicodeDecodeError as ex:
        raise DocumentError(path=f'byte {ex.start}', expected='UTF-8', found=data[ex.start:ex.start + 4], where=where) from None
    try:
        return _Decoder().decode(text), Lines(text)
    except json.JSONDecodeError as ex:
        found = text[ex.pos:ex.pos + 20] or 'the end'
        raise DocumentError(path=f'line {ex.lineno}, column {ex.colno}', expected='JSON', found=found, where=where, hint=ex.msg) from None
    except ValueError as ex:  # a number that no computer holds
        raise DocumentError(path='', expected='JSON', found=str(ex), where=where) from None
