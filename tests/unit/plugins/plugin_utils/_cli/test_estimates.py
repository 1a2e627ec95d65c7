# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.estimates import class_name
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass, Profile


@pytest.mark.parametrize("connection", ["ssh", "smart", "ansible.builtin.ssh"])
def test_a_class_of_hosts_has_the_name_that_runs_record_for_it(connection: str) -> None:
    profile = Profile(os="linux", arch="x86_64", python="3.11")
    assert class_name(HostClass(class_id="c", hosts=("h",), connection=connection, profile=profile)) == "ssh/linux/x86_64/3.11"
