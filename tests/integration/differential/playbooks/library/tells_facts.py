#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule

if __name__ == "__main__":
    module = AnsibleModule(argument_spec={"value": {}})
    module.exit_json(ansible_facts={"told_fact": module.params["value"], "discovered": [1]})
