#!/usr/bin/python
"""Tells what a module finds around itself: everything that a runner could get wrong."""
from __future__ import annotations

import os
import resource
import signal
import sys

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(argument_spec={"leave": {"type": "bool", "default": False}}, supports_check_mode=True)
    umask = os.umask(0o22)
    os.umask(umask)
    found = {
        "environment": {key: value for key, value in os.environ.items() if not key.startswith(("SSH_", "_", "SHLVL", "OLDPWD"))},
        "umask": oct(umask),
        "arguments": len(sys.argv),
        "stdin": sys.stdin.read(),
        "terminal": [os.isatty(number) for number in (0, 1, 2)],
        "signals": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD)],
        "limit": resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 0,
        "left": [name for name in ("LEFT_BY_A_MODULE",) if name in os.environ] + [hasattr(sys, "left_by_a_module")],
    }
    if module.params["leave"]:
        os.environ["LEFT_BY_A_MODULE"] = "1"
        sys.left_by_a_module = True
        os.umask(0o77)
        os.chdir("/")
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
