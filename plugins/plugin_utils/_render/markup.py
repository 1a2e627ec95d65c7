# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTML that is made of elements.

Rule 1: a text becomes markup in one place, `element`, and is escaped there. Only what `element` has made is taken as it is.
Rule 2: what comes from a playbook is cleaned as for a terminal: nothing turns the direction of writing.
"""
from __future__ import annotations

import html
import typing as t

from ansible_collections.rustle.engine.plugins.plugin_utils._render.cells import clean

__all__ = ['Child', 'Markup', 'element', 'joined']


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


Child = t.Union[str, int, 'Markup', None, t.Iterable['Child']]
_EMPTY = frozenset(('rect', 'line', 'path', 'circle', 'polyline', 'br', 'col', 'meta'))


def element(name: str, *children: Child, **attributes: str | float | None) -> Markup:
    """An element. An attribute is written without the underscore behind its name (``class_``), others are hyphens; one that is None is left out."""
    written = ''.join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(_clean(str(value)))}"' for key, value in attributes.items() if value is not None)
    inner = joined(*children)
    if not inner and name in _EMPTY:
        return Markup(f'<{name}{written}/>')
    return Markup(f'<{name}{written}>{inner}</{name}>')


def joined(*children: Child) -> Markup:
    """Texts, elements and lists of them, one after another; None is nothing."""
    return Markup(''.join(_written(child) for child in children))


def _written(child: Child) -> str:
    if child is None:
        return ''
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return html.escape(_clean(child), quote=False)
    if isinstance(child, int):
        return str(child)
    return joined(*child)


def _clean(text: str) -> str:
    """Line breaks stay: a message has lines."""
    return '\n'.join(map(clean, text.split('\n')))
