# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What rustle-feedback --json prints: one object for each command; docs/feedback.schema.json is its JSON Schema.

Rule 1: a record is an object with the fields of its dataclass, all of them, and null for what is not known.
Rule 2: fields may be added; FORMAT rises when one changes its meaning.
"""
from __future__ import annotations

import dataclasses
import json
import math
import typing as t

__all__ = ['FORMAT', 'PAYLOADS', 'dumped', 'plain']

FORMAT: t.Final = 1

RUN: t.Final = ('run', 'plan', 'plays', 'tasks', 'results', 'bundles', 'adaptations', 'metrics', 'recommendations', 'report')

PAYLOADS: t.Final[dict[str, tuple[str, ...]]] = {
    'runs': ('runs',),
    'show': RUN,
    'compare': ('before', 'after', 'compared'),
    'trends': ('trends',),
    'hosts': ('host_histories',),
    'tasks': ('task_histories',),
    'recommend': ('recommendations',),
    'export': ('exported',),
    'prune': ('pruned',),
    'rate': ('run',),
    'status': ('run', 'progress'),
    'report': ('run', 'written'),
    'adaptations': ('rates',),
}
"""Command -> keys of its object, beside ``format`` and ``command``."""


def plain(value: t.Any) -> t.Any:
    """Records, and lists and mappings of them, as JSON has it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, t.Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def dumped(command: str, payload: t.Mapping[str, t.Any]) -> str:
    document = {'format': FORMAT, 'command': command, **{key: plain(payload[key]) for key in PAYLOADS[command]}}
    return json.dumps(document, indent=2, ensure_ascii=False) + '\n'
