# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller's part of the module of the same name. A door: the work is done in plugin_utils/_bridge."""
from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.rustle.engine.plugins.plugin_utils._bridge import deploying
from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError


class ActionModule(ActionBase):
    _supports_check_mode = True

    @classmethod
    def finalize_task_arg(cls, name: str, value: t.Any, templar: t.Any, context: t.Any) -> t.Any:
        if name == 'tasks':
            return deploying.unrendered(value, templar)
        return super().finalize_task_arg(name, value, templar, context)

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        try:
            return {**result, **deploying.Deploying(self, task_vars or {}).run()}
        except RustleError as ex:
            raise AnsibleActionFail(str(ex)) from None  # Ansible would print the causes behind it, which say the same
