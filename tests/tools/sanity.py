# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run `ansible-test sanity` on a copy of what the collection publishes.

ansible-test wants to stand in .../ansible_collections/rustle/engine and resolves links, so the files that git knows or would
know are copied below .work/sanity, without the tests (ruff looks after them, and their playbooks are odd on purpose). It makes
environments of its own (`--venv`) and fetches their pip from a host of its own; a stand-in in its cache uses the pip that Python
brings along, so only package registries are asked.

    sanity.py           all tests, then those for targets' Pythons with each one that is found
    sanity.py main      all tests, with the environment's Python only
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.tools.setup import ROOT, find_python

WORK = ROOT / ".work" / "sanity"
COPY = WORK / "ansible_collections" / "rustle" / "engine"
TARGET_MINORS = (8, 9, 10, 12, 13)
VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"

GET_PIP = '''\
"""Stands in for the script that ansible-test downloads: pip from ensurepip, then the same arguments."""
import subprocess
import sys

subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.run([sys.executable, "-m", "pip", "install", *wanted]).returncode)
'''


def copy_tree() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and (not name.startswith("tests/") or name.startswith("tests/sanity/")):
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name, follow_symlinks=False)
    # else ansible-test would find the repository around .work, which ignores it
    subprocess.run(["git", "init", "-q"], cwd=COPY, check=True)


def run(venv: Path, python: Path | str | None = None, tests: Sequence[str] = ()) -> int:
    """Run these tests (all, when none is named) with the environment's Python, or with another one found on this machine."""
    copy_tree()
    cache = WORK / "home" / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "get_pip_24_2.py").write_text(GET_PIP)
    which = Path(python or venv / "bin" / "python").resolve()
    minor = subprocess.run([which, "-c", VERSION], check=True, capture_output=True, text=True).stdout.strip()
    chosen = [word for test in tests for word in ("--test", test)]
    command = ["ansible-test", "sanity", "--venv", "--python", minor, "--python-interpreter", str(which), *chosen]
    # the interpreter's own folder: ansible-test also looks for python3.X, and a shim may not run
    path = f"{venv / 'bin'}:{which.parent}:{os.environ['PATH']}"
    env = os.environ | {"HOME": str(WORK / "home"), "PATH": path, "PIP_QUIET": "2"}
    return subprocess.run(command, cwd=COPY, env=env, stdin=subprocess.DEVNULL, check=False).returncode


def main(*, others: bool) -> int:
    """Everything with the environment's Python; with `others`, what concerns targets with each Python that they may have."""
    venv = ROOT / ".work" / "venv-2.19"
    failed = run(venv)
    for minor in TARGET_MINORS if others else ():
        if python := find_python((minor,)):
            print(f"\n===== Python 3.{minor} =====", flush=True)
            failed |= run(venv, python, ("compile", "import"))
    return failed


if __name__ == "__main__":
    sys.exit(main(others="main" not in sys.argv[1:]))
