# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A module that exchanges values by the newer serialization profile: dates stay dates."""

from __future__ import annotations

METADATA = """
schema_version: 1
serialization_profile: modern
"""

from ansible.module_utils.basic import AnsibleModule  # noqa: E402


def main() -> None:
    module = AnsibleModule(argument_spec={"data": {"type": "raw"}})
    module.exit_json(data=module.params["data"], kind=type(module.params["data"]).__name__)


if __name__ == "__main__":
    main()
