# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What differs between any two runs of one playbook, and is taken out before they are compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: keys of results whose values are times, numbers of processes or of inodes
VOLATILE = frozenset(
    {"start", "end", "delta", "elapsed", "started", "finished_at", "atime", "mtime", "ctime", "birthtime", "date_time", "ansible_date_time"}
    | {"inode", "dev", "nlink", "version", "pid", "uuid", "ANSIBLE_STRATEGY", "ansible_job_id", "results_file", "exception"}
)
_DATE = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?"
_TEXTS = [
    (re.compile(pattern), to)
    for pattern, to in (
        (r"([\w./~<>-]*/)?ansible-tmp-[\d.]+-\d+-\d+", "<task's tmp>"),
        (r"(?<![\w.])\.[a-z0-9_]{8}(?![\w.])", ".<content>"),
        (r"ansible-(moduletmp|local)-[\w.-]+", r"ansible-\1-X"),
        (r"\bansible_[\w.]+_payload_\w+", "<payload>"),
        (r"/tmp[a-z0-9_]{8}\b", "/tmpX"),
        (r"\btt\w{8}\b", "<tempfile>"),
        (r"/\.source\.\w+|/source\w*\.tmp|/\.ansible_tmp\w+", "/<source>"),
        (r"\.\d+\." + _DATE.replace(r"[ T]", "@") + "~", ".<backup>~"),
        (_DATE, "<date>"),
        (r"\b\d+:\d\d:\d\d\.\d{6}\b", "<delta>"),
        (r"\bj\d{6,}\.\d+", "<job>"),
        (r"BECOME-SUCCESS-\w+", "BECOME-SUCCESS-X"),
        (r"Paused for [\d.]+ seconds", "Paused"),
        (r" at 0x[0-9a-f]{6,}", " at 0xX"),
        (r'"ANSIBLE_STRATEGY": "[^"]*"', "<strategy>"),
        (r'"(atime|mtime|ctime|birthtime|inode|dev|nlink|version|pid|elapsed|started)": "?[^",}]+"?', r'"\1": <x>'),
    )
]


class Normaliser:
    """``places`` are this run's own folders and the names that they get."""

    def __init__(self, places: Mapping[str, str]) -> None:
        # longest first: one may lie in another
        self._places = sorted(places.items(), key=lambda item: -len(item[0]))

    def text(self, text: str) -> str:
        for path, name in self._places:
            text = text.replace(path, name)
        for pattern, to in _TEXTS:
            text = pattern.sub(to, text)
        return text

    def value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.text(str(key)): "<volatile>" if key in VOLATILE else self.value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return self.text(value) if isinstance(value, str) else value
