# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a playbook as data. A door: the plan is made where rustle-plan makes it."""
from __future__ import annotations

DOCUMENTATION = r"""
name: plan
author: rustle.engine contributors (@rustle)
version_added: 0.1.0
short_description: what running playbooks will do, in which order, on which path, and why
description:
  - Plans playbooks as the command C(rustle-plan) does, and gives the plan as data. Nothing of the playbooks is run.
options:
  _terms:
    description: Paths of playbooks, relative to the playbook that asks. They are planned as one run.
    required: true
    type: list
    elements: string
  inventory:
    description: Sources of the inventory; those of this run when it is not given.
    type: list
    elements: string
  limit:
    description: Hosts to plan for, as a pattern.
    type: string
  tags:
    description: Only plays and tasks with these tags.
    type: list
    elements: string
    default: []
  skip_tags:
    description: Only plays and tasks without these tags.
    type: list
    elements: string
    default: []
  strategy:
    description: Plan as if this were the strategy, for example V(BinaryHybrid) or V(Linear).
    type: string
  serial:
    description: Size of the batches of hosts, as a number or a percentage; several with commas.
    type: string
  forks:
    description: Hosts at work at once.
    type: integer
  check:
    description: Plan a run in check mode.
    type: boolean
    default: false
  binary_threshold:
    description: Tasks from which on a binary deployment is made.
    type: integer
  build:
    description: Build the binary deployments, so that their sizes and checksums are known.
    type: boolean
    default: false
  output:
    description: The plan as data, or as the text that the command prints.
    type: string
    choices: [data, text]
    default: data
seealso:
  - module: rustle.engine.binary_deployment
"""

EXAMPLES = r"""
- name: How many round trips will the site take?
  ansible.builtin.debug:
    msg: "{{ (lookup('rustle.engine.plan', 'site.yml')).plays | map(attribute='batches') | flatten | sum(attribute='round_trips') }}"

- name: The binary deployments of two playbooks, for one group
  ansible.builtin.debug:
    msg: "{{ (lookup('rustle.engine.plan', 'site.yml', 'more.yml', limit='web')).binary_deployments }}"
"""

RETURN = r"""
_raw:
  description:
    - One plan. Its fields are those of the JSON output of C(rustle-plan), which docs/plan.schema.json describes.
    - A text with O(output=text).
  type: list
  elements: raw
"""

import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: dict[str, t.Any] | None = None, **kwargs: t.Any) -> list[t.Any]:
        self.set_options(var_options=variables, direct=kwargs)
        from ansible_collections.rustle.engine.plugins.plugin_utils._cli.planning import Request, plan_for
        from ansible_collections.rustle.engine.plugins.plugin_utils._model.errors import RustleError

        option = self.get_option
        sources = option('inventory') or (variables or {}).get('ansible_inventory_sources') or ()
        request = Request(
            playbooks=tuple(self._loader.path_dwim(str(term)) for term in terms), inventory=tuple(map(str, sources)), limit=option('limit') or None,
            tags=tuple(option('tags')), skip_tags=tuple(option('skip_tags')), strategy=option('strategy'), serial=option('serial'),
            forks=option('forks'), check=option('check'), binary_threshold=option('binary_threshold'), build=option('build'))
        if not request.playbooks:
            raise AnsibleError('rustle.engine.plan: expected the path of a playbook, found none')
        try:
            plan = plan_for(request).plan
        except RustleError as ex:
            raise AnsibleError(str(ex)) from ex
        if option('output') == 'text':
            from ansible_collections.rustle.engine.plugins.plugin_utils._render import plan_text

            return [plan_text.plan(plan, plan_text.Style(colour=False, width=100, verbosity=0))]
        from ansible_collections.rustle.engine.plugins.plugin_utils._schema.plan_document import to_document

        return [to_document(plan)]
