#!/usr/bin/python
"""Does what modules should not do."""
from __future__ import annotations

import json
import os
import subprocess
import sys

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(argument_spec={"how": {}})
    how = module.params["how"]
    if how == "noise":
        print("noise before")
        sys.stderr.write("noise beside\n")
        print(json.dumps({"changed": True}))
        print("noise behind")
    elif how == "warns":
        module.warn("a warning")
        module.deprecate("a deprecation", version="9.9")
        module.exit_json(changed=False)
    elif how == "rc":
        print(json.dumps({"rc": 3, "msg": "an rc"}))
    elif how == "raises":
        raise ValueError("raised")
    elif how == "nonsense":
        print("no JSON at all")
    elif how == "killed":
        os.kill(os.getpid(), 9)
    elif how == "exits":
        sys.stderr.write("last words\n")
        os._exit(7)
    elif how == "child":
        # a child that holds stdout open must not hold up the task
        subprocess.Popen(["sleep", "20"], start_new_session=True)
        module.exit_json(changed=False)
    elif how == "big":
        module.exit_json(data="x" * 3_000_000)


if __name__ == "__main__":
    main()
