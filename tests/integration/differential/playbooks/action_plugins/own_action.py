from __future__ import annotations

import os

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        word = self._task.args["word"]
        if word == "fail":
            return result | {"failed": True, "msg": f"on purpose, {task_vars['inventory_hostname']}"}
        stat = self._execute_module(module_name="stat", module_args={"path": task_vars["workdir"] + "/before"}, task_vars=task_vars)
        file = self._execute_module(module_name="file", module_args={"path": task_vars["workdir"] + f"/own-{word}", "state": "touch"}, task_vars=task_vars)
        plain = self._low_level_execute_command("echo low level")["stdout"].strip()
        return result | {"changed": file["changed"], "said": f"{plain} {word}", "there": stat["stat"]["exists"], "pid": os.getpid()}
