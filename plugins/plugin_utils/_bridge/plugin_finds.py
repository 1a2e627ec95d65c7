# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where plugins are, looked up once for each name: Ansible asks twice for every task that it loads, and lists the folder of all modules each time.

Source: ansible/plugins/loader.py (find_plugin_with_context), ansible/parsing/mod_args.py (parse).
"""
from __future__ import annotations

import contextlib
import typing as t

from ansible.plugins.loader import PluginLoader

__all__ = ['finds_remembered', 'remembering_finds']


def remembering_finds(ask: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """``find_plugin_with_context`` as a method that knows its answers, as long as no folder was added and the answer carried no message.

    Ansible only reads these answers.
    """
    answers: dict[t.Any, t.Any] = {}

    def find(self: t.Any, name: str, mod_type: str = '', ignore_deprecated: bool = False, check_aliases: bool = False,
             collection_list: list[str] | None = None) -> t.Any:
        key = (self.class_name, self.package, tuple(self._extra_dirs), str(name), mod_type, ignore_deprecated, check_aliases,
               tuple(collection_list or ()))
        known = answers.get(key)
        if known is None:
            known = ask(self, name, mod_type, ignore_deprecated, check_aliases, collection_list)
            if known.deprecated or known.deprecation_warnings or known.raw_error_list or len(known.redirect_list) > 1:
                return known
            answers[key] = known
        return known
    return find


@contextlib.contextmanager
def finds_remembered() -> t.Iterator[None]:
    """While playbooks are loaded and nothing of them runs."""
    original = PluginLoader.find_plugin_with_context
    PluginLoader.find_plugin_with_context = remembering_finds(original)
    try:
        yield
    finally:
        PluginLoader.find_plugin_with_context = original
