#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stands for any task: writes its start and its end to the journal, and takes its time between them."""

from __future__ import annotations

import json
import os
import time

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            "journal": {"type": "path", "required": True},
            "host": {"required": True},
            "number": {"type": "int", "required": True},
            "ms": {"type": "float", "default": 0},
            "await_start_of": {"type": "int"},
        }
    )
    params = module.params

    def write(edge):
        line = json.dumps({"number": params["number"], "host": params["host"], "edge": edge}) + "\n"
        journal = os.open(params["journal"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(journal, line.encode())  # one write: lines of several hosts never mix
        os.close(journal)

    def begun(number):
        with open(params["journal"]) as journal:
            return any(json.loads(line)["number"] == number for line in journal)

    write("start")
    time.sleep(params["ms"] / 1000)
    deadline = time.monotonic() + 60  # ends a run that goes wrong; never reached in one that does not
    while params["await_start_of"] is not None and not begun(params["await_start_of"]) and time.monotonic() < deadline:
        time.sleep(0.01)
    write("end")
    module.exit_json(changed=True, said="{number} on {host}".format(**params))


if __name__ == "__main__":
    main()
