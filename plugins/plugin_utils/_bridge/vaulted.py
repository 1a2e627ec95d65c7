# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Texts that came out of a vault, so that they can be masked in what is told of a failure.

Rule 1: they are held in memory only, and only while somebody wants to mask.
Rule 2: of a file that is encrypted as a whole each value counts, of anything else the text itself. Texts shorter than SHORTEST are too common to mask.
"""
from __future__ import annotations

import functools
import typing as t

from ansible.parsing.vault import EncryptedString, VaultLib
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import MASKED

__all__ = ['SHORTEST', 'Vaulted', 'vaulted']

SHORTEST: t.Final = 4
_DEPTH = 8


class Vaulted:
    """``install()`` before anything is decrypted; ``masked(text)`` afterwards."""

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._installed = False

    def install(self) -> None:
        if self._installed:
            return
        self._installed = True
        decrypt = VaultLib.decrypt

        @functools.wraps(decrypt)
        def watched(lib: t.Any, vaulttext: t.Any) -> t.Any:
            plain = decrypt(lib, vaulttext)
            self._note(plain)
            return plain

        VaultLib.decrypt = watched  # type: ignore[method-assign]

    def look_at(self, play: t.Any, host: t.Any, task: t.Any) -> None:
        """Take note of what is still encrypted in a task's variables, if this run has a vault: forked workers decrypt in a process that is gone."""
        if play.get_loader()._vault.secrets:
            self._walk(play.get_variable_manager().get_vars(play=play, host=host, task=task, include_hostvars=False), _DEPTH)

    def masked(self, text: str) -> str:
        for secret in sorted(self._texts, key=len, reverse=True):
            if secret in text:
                text = text.replace(secret, MASKED)
        return text

    def _note(self, plain: t.Any) -> None:
        text = plain.decode('utf-8', 'replace') if isinstance(plain, bytes) else str(plain)
        lines = text.splitlines()
        found = {text.strip()}
        for line in lines:
            _name, colon, value = line.partition(': ')
            found.add((value if colon else line).strip(' -\'"'))
        self._texts.update(value for value in found if len(value) >= SHORTEST)

    def _walk(self, value: t.Any, depth: int) -> None:
        if isinstance(value, EncryptedString):
            try:
                self._note(str(value))
            except Exception:
                pass
        elif depth and isinstance(value, t.Mapping):
            for one in value.values():
                self._walk(one, depth - 1)
        elif depth and isinstance(value, list | tuple):
            for one in value:
                self._walk(one, depth - 1)


vaulted: t.Final = Vaulted()
"""Those of this process."""
