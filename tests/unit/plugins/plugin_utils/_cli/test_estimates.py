# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._cli.estimates import class_name, estimates_for
from ansible_collections.rustle.engine.plugins.plugin_utils._model.history import BundleRecord, ExecutionRecord
from ansible_collections.rustle.engine.plugins.plugin_utils._model.source import HostClass, Profile
from ansible_collections.rustle.engine.plugins.plugin_utils._store.sqlite import SqliteStore


@pytest.mark.parametrize("connection", ["ssh", "smart", "ansible.builtin.ssh"])
def test_a_class_of_hosts_has_the_name_that_runs_record_for_it(connection: str) -> None:
    profile = Profile(os="linux", arch="x86_64", python="3.11")
    assert class_name(HostClass(class_id="c", hosts=("h",), connection=connection, profile=profile)) == "ssh/linux/x86_64/3.11"


def test_how_far_hosts_are_is_what_bundles_of_the_newest_runs_took_beyond_their_work(tmp_path: Path) -> None:
    path = tmp_path / "feedback.db"
    environ = {"RUSTLE_FEEDBACK_DB": str(path)}
    near, far, new = (HostClass(class_id=name, hosts=(f"{name}1", f"{name}2")) for name in ("near", "far", "new"))
    assert estimates_for([], environ=environ, config={}).latency(near) is None
    store = SqliteStore(str(path))
    for number in range(12):  # two more than are looked at: hosts were further away then
        store.put([ExecutionRecord(execution=f"run{number}", started=float(number))])
        for host, way in (("near1", 0.01), ("near2", 0.03), ("far1", 0.2)):
            way *= 100 if number < 2 else 1
            store.put(BundleRecord(execution=f"run{number}", bundle=at, host=host, host_class="ssh/linux", seconds=1 + way, work=1.0) for at in (
                BUNDLE[host], BUNDLE[host] + 1))  # fmt: skip
    store.close()
    known = estimates_for([], environ=environ, config={})
    assert (known.latency(near), known.latency(far), known.latency(new)) == (pytest.approx(0.02), pytest.approx(0.2), None)


BUNDLE = {"near1": 1, "near2": 3, "far1": 5}
