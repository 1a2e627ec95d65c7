# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Set-up of a checkout for `make demo`, `make test` and `make bench`.

Everything goes into .work/, which git ignores: one virtual environment for each ansible-core that we prove, and the link
that makes the checkout importable as the collection rustle.engine. The one thing outside is Debian's openssh-server, which is
installed where it is missing and we are root. A second call finds nothing to do and takes a fraction of a second.

    setup.py [GROUP ...]      GROUP: further groups of pyproject.toml for the main environment (`bench`)
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - whatever `python3` is on this machine
    sys.exit(f"setup: Python 3.11 or later is needed, this is {sys.version.split()[0]}\nhint: make PYTHON=python3.11 ...")

import tomllib

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / ".work"
LINK = WORK / "collections" / "ansible_collections" / "rustle" / "engine"


@dataclass(frozen=True)
class Venv:
    """One environment: an ansible-core version, the Python minors that may carry it (best first), its groups."""

    core: str
    minors: tuple[int, ...]
    groups: tuple[str, ...]
    required: bool

    @property
    def path(self) -> Path:
        return WORK / f"venv-{self.core}"

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"


VENVS = (
    Venv(core="2.19", minors=(11, 12, 13), groups=("runtime", "test", "lint", "callbacks"), required=True),
    Venv(core="2.21", minors=(12, 13, 14), groups=("runtime", "test"), required=False),
)


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def works(python: Path | str, minor: int) -> bool:
    """Whether this interpreter runs, is of the minor, and can make environments (a pyenv shim may exist and not run)."""
    probe = f"import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, {minor}))"
    with contextlib.suppress(OSError):
        return subprocess.run([python, "-c", probe], capture_output=True, check=False).returncode == 0
    return False


def candidates(minor: int) -> Iterator[Path | str]:
    yield sys.executable
    if found := shutil.which(f"python3.{minor}"):
        yield found
    roots = {Path(os.environ.get("PYENV_ROOT", "")), Path.home() / ".pyenv"}
    for root in sorted(r for r in roots if r.is_absolute()):
        yield from sorted(root.glob(f"versions/3.{minor}.*/bin/python3"), reverse=True)


def find_python(minors: tuple[int, ...]) -> Path | str | None:
    return next((p for minor in minors for p in candidates(minor) if works(p, minor)), None)


def requirements(group: str, core: str) -> list[str]:
    """The requirement lines of a group; `runtime` stands for the project's own, with ansible-core pinned to the minor."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    if group != "runtime":
        return list(project["optional-dependencies"][group])
    return [f"ansible-core=={core}.*", *(r for r in project["dependencies"] if not r.startswith("ansible-core"))]


def make_venv(venv: Venv, extra: tuple[str, ...] = ()) -> None:
    """Bring one environment up to date. A group's stamp holds the lines that were installed for it."""
    if not venv.python.exists() or subprocess.run([venv.python, "-c", ""], check=False).returncode:
        python = find_python(venv.minors)
        if python is None:
            wanted = " or ".join(f"3.{m}" for m in venv.minors)
            if venv.required:
                sys.exit(f"setup: no Python {wanted} found for ansible-core {venv.core}\nhint: install one, or make PYTHON=...")
            say(f"no Python {wanted} found: ansible-core {venv.core} is not tested here")
            return
        say(f"environment for ansible-core {venv.core} with {python}")
        subprocess.run([python, "-m", "venv", "--clear", venv.path], check=True)
    stamps = venv.path / "stamps"
    stamps.mkdir(exist_ok=True)
    lines = {group: requirements(group, venv.core) for group in (*venv.groups, *extra)}
    stale = {g: "\n".join(r) for g, r in lines.items() if not _is(stamps / g, "\n".join(r))}
    if not stale:
        return
    say(f"ansible-core {venv.core}: pip install {' + '.join(stale)}")
    # the runtime group always goes along, so that no other group moves ansible-core
    wanted = sorted({line for group in ("runtime", *stale) for line in lines[group]})
    subprocess.run([venv.python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *wanted], check=True)
    for group, text in stale.items():
        (stamps / group).write_text(text)


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


def make_link() -> None:
    if LINK.is_symlink() and LINK.resolve() == ROOT:
        return
    LINK.parent.mkdir(parents=True, exist_ok=True)
    LINK.unlink(missing_ok=True)
    LINK.symlink_to(os.path.relpath(ROOT, LINK.parent), target_is_directory=True)


def make_sshd() -> None:
    """The laboratory's ssh hosts need an sshd; nobody's service is started (RUNLEVEL=1 tells the package so)."""
    if find_sshd():
        return
    if os.geteuid() or not shutil.which("apt-get"):
        say("no sshd found: demo and tests use the local connection")
        return
    say("installing Debian's openssh-server for the loopback ssh hosts")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", "openssh-server"]):
        done = subprocess.run(["apt-get", "-qq", *command], env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            say(f"apt-get {command[0]} failed ({done.stderr.strip()[-200:]}): demo and tests use the local connection")
            return


def find_sshd() -> str | None:
    return shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def main(extra: tuple[str, ...]) -> None:
    WORK.mkdir(exist_ok=True)
    with (WORK / "setup.lock").open("w") as lock:  # two makes at once share one tree
        fcntl.flock(lock, fcntl.LOCK_EX)
        make_link()
        make_sshd()
        for venv in VENVS:
            make_venv(venv, extra if venv.required else ())


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
