# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The quality gates of `make test`, in order. All of them run, whatever fails; exit status 1 when one failed.

    gates.py [GATE ...]         all gates, or the named ones
    gates.py pytest -- -k fleet    what follows -- goes to pytest

The last gate is the big pytest run, so that pytest's own summary closes the output.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.tools.setup import LINK, ROOT, WORK

SANITY = Path(__file__).with_name("sanity.py")
MAIN, NEXT = WORK / "venv-2.19", WORK / "venv-2.21"
# the rooms that know no Ansible (docs/architecture.md); pure, so the types can be strict
TYPED = [
    *("module_utils._agent", "plugin_utils._model", "plugin_utils._planner", "plugin_utils._schema"),
    *("plugin_utils._adaptation", "plugin_utils._learning", "plugin_utils._tracking", "plugin_utils._store", "plugin_utils._agent", "plugin_utils._render"),
]
PYTEST_ARGUMENTS: list[str] = []


LOG_LINES = 150  # of a talkative gate that failed


def call(*command: str | Path, venv: Path = MAIN) -> int:
    env = os.environ | {
        "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": str(WORK / "collections"),
        "ANSIBLE_HOME": str(WORK / "ansible"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if not sys.stdout.isatty():
        env |= {"NO_COLOR": "1", "PY_COLORS": "0", "ANSIBLE_NOCOLOR": "1"}
    return subprocess.run([str(c) for c in command], env=env, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode


def quietly(name: str, *command: str | Path) -> int:
    """A talkative command: its output goes to a file, whose end is shown when it fails."""
    log = WORK / "logs" / f"{name}.log"
    log.parent.mkdir(exist_ok=True)
    failed = call("sh", "-c", f'exec "$@" > "{log}" 2>&1', "sh", *command)
    print(f"all output: {log.relative_to(ROOT)}")
    if failed:
        print(*log.read_text(errors="replace").splitlines()[-LOG_LINES:], sep="\n")
    return failed


def ruff() -> int:
    return call("ruff", "check", ".")


def mypy() -> int:
    rooms = [room for room in TYPED if any((LINK / "plugins" / room.replace(".", "/")).glob("*.py"))]
    packages = [word for room in rooms for word in ("-p", f"ansible_collections.rustle.engine.plugins.{room}")]
    return call("mypy", "--cache-dir", WORK / "mypy", *packages) if packages else 0


def changelog() -> int:
    return call("antsibull-changelog", "lint")


def ansible_lint() -> int:
    return call("ansible-lint", "--offline", "--profile", "production", "--strict", "-q", "--nocolor")


def ansible_test() -> int:
    return quietly("ansible-test", sys.executable, SANITY, "main")


def molecule() -> int:
    return quietly("molecule", "molecule", "test")


def pytest_next() -> int:
    """The unit tests and the local differential tests with the newer ansible-core."""
    if not (NEXT / "bin" / "pytest").exists():
        print("no Python 3.12 or later was found by the set-up: ansible-core 2.21 is not tested here")
        return 0
    tests = ("tests/unit", "tests/integration/differential/test_local.py")
    return call("pytest", "-q", "-n", "2", "--dist", "loadfile", *tests, "-p", "no:cacheprovider", *PYTEST_ARGUMENTS, venv=NEXT)


def pytest() -> int:
    """Unit and integration tests with ansible-core 2.19."""
    return call("pytest", "-n", "2", "--dist", "loadfile", "-o", f"cache_dir={WORK / 'pytest'}", *PYTEST_ARGUMENTS)


GATES: dict[str, Callable[[], int]] = {
    "ruff": ruff,
    "mypy": mypy,
    "changelog": changelog,
    "ansible-lint": ansible_lint,
    "ansible-test": ansible_test,
    "molecule": molecule,
    "pytest-2.21": pytest_next,
    "pytest": pytest,
}


def main(names: list[str]) -> int:
    failed = []
    for name in names:
        print(f"\n===== {name} =====", flush=True)
        start = time.monotonic()
        if GATES[name]():
            failed.append(name)
        if name != names[-1]:
            print(f"----- {name}: {'FAILED' if name in failed else 'passed'}, {time.monotonic() - start:.0f} s", flush=True)
    if failed and len(names) > 1:
        print(f"\ngates that failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    words = sys.argv[1:]
    if "--" in words:
        PYTEST_ARGUMENTS[:] = words[words.index("--") + 1 :]
        del words[words.index("--") :]
    if unknown := [name for name in words if name not in GATES]:
        sys.exit(f"gates: no gate is called {', '.join(unknown)}\nhint: {', '.join(GATES)}")
    sys.exit(main(words or list(GATES)))
