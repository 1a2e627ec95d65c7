#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.own_words import shout

if __name__ == "__main__":
    module = AnsibleModule(argument_spec={"word": {}})
    module.exit_json(said=shout(module.params["word"]))
