# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run is alive while its own process is, not while any process has its number."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from ansible_collections.rustle.engine.plugins.plugin_utils._store import liveness
from ansible_collections.rustle.engine.plugins.plugin_utils._store.liveness import is_alive

from .builders import run


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_our_own_run_is_alive() -> None:
    assert is_alive(run("a", pid=os.getpid()))


def test_a_run_is_alive_as_long_as_its_process(process: subprocess.Popen[bytes]) -> None:
    record = run("a", pid=process.pid, started=time.time())
    assert is_alive(record)
    process.kill()
    process.wait()
    assert not is_alive(record)


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="the kernel does not say when a process began")
def test_a_younger_process_with_its_number_is_not_the_runs(process: subprocess.Popen[bytes]) -> None:
    assert not is_alive(run("a", pid=process.pid, started=time.time() - 1000))


def test_where_the_kernel_does_not_say_when_a_process_began_its_number_counts(process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "_began", lambda pid: None)
    assert is_alive(run("a", pid=process.pid, started=0.0))


def test_a_run_without_a_process_is_not_alive() -> None:
    assert not is_alive(run("a", pid=0)) and not is_alive(run("a", pid=-1))
