# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: binary_deployment
short_description: Plan, build, install or remove the code that agents run
version_added: 0.1.0
author:
  - The rustle.engine contributors (@rustle-engine)
description:
  - A I(binary deployment) is the payload of the strategy C(rustle.engine.rustle_binary_hybrid), one archive (C(.pyz)) with the agent,
    modules and C(module_utils), named by its sha256. Only code is in it, never arguments, variables, files or secrets.
  - This module says which deployments some tasks need, writes them into a folder on the controller, puts them into the cache of the host ahead of
    a run, or removes them from there.
  - C(state=planned) and C(state=built) ask nothing of the host.
options:
  state:
    description:
      - V(planned) only returns what would be built.
      - V(built) writes the archives and a file C(SHA256SUMS) into O(dest) on the controller.
      - V(present) puts them into the agent's cache of the user whom the task runs as, so that a later run need not send them.
      - V(absent) removes them from that cache.
    type: str
    choices:
      - planned
      - built
      - present
      - absent
    default: planned
  tasks:
    description:
      - Tasks as they are written in a playbook. They are not run, and templates in them are not rendered.
      - A template may give the whole list.
      - O(tasks), O(modules) and O(playbook) exclude each other. Except for O(state=absent) one of them is required.
    type: list
    elements: dict
  modules:
    description:
      - Names of modules. What an action of the same name runs beside its module (C(stat) for C(copy)) comes with it.
    type: list
    elements: str
  playbook:
    description:
      - Path of a playbook on the controller, relative to the folder of the playbook that runs. Its modules are those of all tasks and handlers, roles
        and static imports included.
      - The archives are those that the strategy C(rustle.engine.rustle_binary_hybrid) builds for a run of the whole playbook. Plays that name
        another strategy are left out.
    type: str
  play:
    description:
      - Name of a play in O(playbook). Only what a host of that play may be asked for is then deployed.
    type: str
  dest:
    description:
      - Folder on the controller for O(state=built), made where it is missing. A relative path begins at the folder of the playbook that runs.
    type: path
  name:
    description:
      - Beginning of the names of files in O(dest). The second archive of several is called C(NAME-2.pyz).
      - Without it each is called after the first 12 digits of its sum.
    type: str
  bundles:
    description:
      - With O(state=built) and O(tasks), write C(NAME.bundle.json) as well, which C(python3 NAME.pyz --run NAME.bundle.json) runs on a host without a
        controller.
      - This file holds the arguments of the tasks. It is readable for its owner only. Tasks with C(no_log) or vaulted values, and any that only a
        controller can run, are refused, and nothing is written then.
    type: bool
    default: false
  sha256:
    description:
      - With O(state=absent), sums of the deployments to remove, or at least the first 12 digits of each. Without it, and without O(tasks),
        O(modules) and O(playbook), all go.
    type: list
    elements: str
attributes:
  check_mode:
    description: Can run in check mode and say what would change.
    support: full
  diff_mode:
    description: Shows sums before and after, never contents.
    support: full
  platform:
    description: Hosts that agents run on.
    platforms: posix
    support: full
notes:
  - The cache is C(~/.ansible/rustle), or the folder that E(RUSTLE_AGENT_CACHE) names in the environment of the user on the host. Like an agent, the
    module uses no folder that another user owns or may write to.
  - A deployment that an agent on the host has open is not removed; RV(in_use) names it.
  - A cache of the controller that is moved (C(cache_dir)) counts here as it does for a run.
seealso:
  - name: Binary deployments
    description: What is in them, and bundles that run without a controller.
    link: https://github.com/rustle-engine/rustle.engine/blob/main/docs/deployments.md
"""

EXAMPLES = r"""
- name: Say what a playbook needs
  rustle.engine.binary_deployment:
    playbook: site.yml
  register: deployment
  delegate_to: localhost
  run_once: true

- name: Put it into the caches of the hosts before the maintenance window
  rustle.engine.binary_deployment:
    state: present
    playbook: site.yml
    play: Set up the web servers
  become: true

- name: Write archive and bundle for a host that no controller reaches
  rustle.engine.binary_deployment:
    state: built
    dest: dist
    name: motd
    bundles: true
    tasks:
      - name: Say where one is
        ansible.builtin.lineinfile:
          path: /etc/motd
          line: Far away
          create: true
          mode: "0644"
  delegate_to: localhost
  run_once: true

- name: Remove one deployment
  rustle.engine.binary_deployment:
    state: absent
    sha256:
      - 3f786850e387

- name: Remove all
  rustle.engine.binary_deployment:
    state: absent
"""

RETURN = r"""
deployments:
  description: What O(tasks), O(modules) or O(playbook) need; usually one.
  returned: when one of them is given
  type: list
  elements: dict
  contains:
    id:
      description: Name of the deployment, from its sum.
      type: str
      sample: deployment-3f786850e387
    binary_name:
      description: Name of the file that O(state=built) writes.
      type: str
      sample: 3f786850e387.pyz
    sha256:
      description: The archive's sum, which names it in the cache of a host.
      type: str
    estimated_size:
      description: Bytes of the archive. On its way to a host it is packed to about a quarter.
      type: int
    modules:
      description: Modules in it, each with the number of C(module_utils) that it imports itself.
      type: list
      elements: dict
      sample: [{name: ansible.modules.ping, module_utils: 1}]
    tasks:
      description: Tasks whose modules are in it, by name.
      type: list
      elements: str
    requirements:
      description: What the host must have. Modules may need more, as their documentation says.
      type: dict
      sample: {python: ">=3.8", os: any posix, arch: any}
    execution_mode:
      description:
        - V(standalone) when a bundle can hold all tasks, V(hybrid) when it can hold some, V(controller) when none, or for O(modules).
      type: str
      sample: controller
refused:
  description: Tasks that no agent runs, with the reason code and its text; Ansible runs them itself.
  returned: when one of O(tasks), O(modules), O(playbook) is given
  type: list
  elements: dict
  sample: [{task: Restart Windows, module: ansible.windows.win_reboot, reason: action, text: the action plugin is unknown or talks to the user}]
unbundled:
  description: Tasks that no bundle can hold, each with the reason.
  returned: with O(tasks)
  type: list
  elements: dict
  sample: [{task: Copy the page, reason: the action copy works on the controller}]
dest:
  description: The folder on the controller.
  returned: O(state=built)
  type: str
files:
  description: Names of the files in it that this task is about.
  returned: O(state=built)
  type: list
  elements: str
cache:
  description: The folder of archives on the host.
  returned: O(state=present) and O(state=absent)
  type: str
sent:
  description: Sums of the archives that were missing, and were sent (or would be, in check mode).
  returned: O(state=present)
  type: list
  elements: str
removed:
  description: Names of the files that were removed (or would be, in check mode).
  returned: O(state=absent)
  type: list
  elements: str
in_use:
  description: Sums of deployments that stay because an agent has them open.
  returned: O(state=absent)
  type: list
  elements: str
"""

import errno
import fcntl
import hashlib
import os
import re
import stat
import zlib

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rustle.engine.plugins.module_utils._agent.codefile import is_ours, store

# What an agent keeps (module_utils/_agent/payload.py): archives, and compiled code beside them.
OURS = re.compile(r"([0-9a-f]{64})\.(pyz|[\w.-]+\.code)\Z")
PRIVATE = 0o700


class Refused(Exception):
    """Nothing was done; the text says why."""


class Cache:
    """The folder that stage 1 looks into for this user, and its rules: everything on the way to it is ours."""

    def __init__(self):
        own = os.environ.get("RUSTLE_AGENT_CACHE")
        home = os.path.expanduser("~")
        self.is_default = not own
        self.folder = own or home + "/.ansible/rustle"
        self._places = [self.folder] if own else [home, home + "/.ansible", self.folder]

    def check(self):
        """Refuse a cache that no agent would use. What is missing can still be made."""
        for place in self._places:
            try:
                owner = os.stat(place).st_uid
            except FileNotFoundError:
                continue
            except OSError as exc:
                raise Refused("%s: %s" % (place, exc.strerror)) from exc
            if owner != os.geteuid():
                raise Refused("%s: expected a folder of user id %d, found one of %d; an agent keeps nothing there" % (place, os.geteuid(), owner))
        if os.path.exists(self.folder) and not is_ours(self.folder):
            raise Refused("%s: expected a folder that nobody else may write to, found mode %04o" % (self.folder, self.mode))

    @property
    def mode(self):
        """None where there is no folder."""
        try:
            return stat.S_IMODE(os.stat(self.folder).st_mode)
        except FileNotFoundError:
            return None

    def make(self):
        mask = os.umask(0o077)
        try:
            os.makedirs(self.folder, exist_ok=True)
        finally:
            os.umask(mask)
        if self.mode != PRIVATE:
            os.chmod(self.folder, PRIVATE)

    def path(self, sha):
        return "%s/%s.pyz" % (self.folder, sha)

    def holds(self, sha, size):
        """Whether the archive is there, whole. As in stage 1 the size is compared first."""
        path = self.path(sha)
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode) or os.stat(path).st_size != size:
                return False
            with open(path, "rb") as file:
                return hashlib.sha256(file.read()).hexdigest() == sha
        except OSError:
            return False

    def files(self):
        """Names of our files, by sum."""
        found = {}
        for entry in sorted(os.listdir(self.folder)) if os.path.isdir(self.folder) else ():
            match = OURS.match(entry)
            if match and stat.S_ISREG(os.lstat(os.path.join(self.folder, entry)).st_mode):
                found.setdefault(match.group(1), []).append(entry)
        return found

    def is_in_use(self, sha):
        """Whether an agent has the archive open. Where the file system knows no locks, nobody can tell, and it may go."""
        try:
            descriptor = os.open(self.path(sha), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            return exc.errno in (errno.EWOULDBLOCK, errno.EACCES)
        finally:
            os.close(descriptor)
        return False


def unpacked(path, size):
    """The content of a packed archive as the action has sent it; never more than was announced."""
    with open(path, "rb") as file:
        packed = file.read()
    try:
        return zlib.decompressobj().decompress(packed, size + 1)
    except zlib.error as exc:
        raise Refused("the payload arrived damaged: %s" % exc) from exc


def present(module, cache):
    """Look; and once the action has sent what was missing (`src`), keep it."""
    wanted = module.params["_payloads"] or []
    cache.check()
    missing = [payload for payload in wanted if not cache.holds(payload["sha256"], payload["size"])]
    changed = bool(missing) or (cache.mode is not None and cache.mode != PRIVATE)
    lacking = [payload["sha256"] for payload in missing]
    if changed and not module.check_mode and all(payload.get("src") for payload in missing):
        contents = [(payload["sha256"], unpacked(payload["src"], payload["size"])) for payload in missing]
        for sha, data in contents:
            if hashlib.sha256(data).hexdigest() != sha:
                raise Refused("the payload arrived damaged: it should have the sha256 %s" % sha)
        cache.make()
        for sha, data in contents:
            store(cache.path(sha), data)
        lacking = []
    return {"changed": changed, "missing": lacking, "sent": [payload["sha256"] for payload in missing]}


def absent(module, cache):
    """Remove what the sums name (their beginnings will do), or everything of ours."""
    wanted = module.params["sha256"]
    removed, in_use = [], []
    for sha, names in cache.files().items():
        if wanted is not None and not any(sha.startswith(start) for start in wanted):
            continue
        if cache.is_in_use(sha):
            in_use.append(sha)
            continue
        removed += names
        if not module.check_mode:
            for name in names:
                try:
                    os.unlink(os.path.join(cache.folder, name))
                except FileNotFoundError:
                    pass
    if removed and wanted is None and cache.is_default and not module.check_mode:
        try:
            os.rmdir(cache.folder)
        except OSError:
            pass  # something else lies there
    return {"changed": bool(removed), "removed": removed, "in_use": in_use}


def listed(names):
    return "".join("%s\n" % name for name in sorted(names))


def main():
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["planned", "built", "present", "absent"], "default": "planned"},
            "tasks": {"type": "list", "elements": "dict"},
            "modules": {"type": "list", "elements": "str"},
            "playbook": {"type": "str"},
            "play": {"type": "str"},
            "dest": {"type": "path"},
            "name": {"type": "str"},
            "bundles": {"type": "bool", "default": False},
            "sha256": {"type": "list", "elements": "str"},
            "_payloads": {"type": "list", "elements": "dict"},
        },
        supports_check_mode=True,
    )
    state = module.params["state"]
    if state not in ("present", "absent"):
        module.fail_json(msg="state=%s is the controller's part of rustle.engine.binary_deployment; this is the host's" % state)
    cache = Cache()
    try:
        before = {"%s.pyz" % sha for sha in cache.files()}
        result = present(module, cache) if state == "present" else absent(module, cache)
    except Refused as exc:
        module.fail_json(msg=str(exc), cache=cache.folder)
    except OSError as exc:
        module.fail_json(msg="%s: %s" % (exc.filename or cache.folder, exc.strerror), cache=cache.folder)
    if module._diff:
        after = before.union("%s.pyz" % sha for sha in result.get("sent", ())).difference(result.get("removed", ()))
        result["diff"] = {"before_header": cache.folder, "after_header": cache.folder, "before": listed(before), "after": listed(after)}
    module.exit_json(cache=cache.folder, **result)  # "path" would have Ansible add its mode, owner, size and state


if __name__ == "__main__":
    main()
