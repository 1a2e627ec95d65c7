# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""N ssh hosts on loopback, each with an address, a home, a work folder and a temporary folder of its own.

Nothing listens outside 127.0.0.0/8, and nothing is written outside one folder (sshd, as root, wants /run/sshd too). Root is not
needed: the hosts' user is the one who runs this. Hosts are real sshd: one daemon serves up to 16 of them, the most addresses
that it listens on. What runs on a host is known by its HOME, so everything is found and ended by its process id, agents that
detached themselves included.

The hosts share a kernel, users and /tmp. A session starts in the user's real home folder, as sshd has it, but HOME is the host's.
"""

from __future__ import annotations

import contextlib
import ctypes
import getpass
import json
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PORT = 2222  # the same everywhere: addresses tell the hosts apart
HOSTS_PER_SSHD = 16
START_TIMEOUT = 20.0  # seconds
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Host:
    """One machine of the fleet; `address` is where clients connect, the proxy's where there is one."""

    name: str
    number: int
    folder: Path
    server: str
    address: str

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def tmp(self) -> Path:
        return self.folder / "tmp"

    def folders(self) -> tuple[Path, Path, Path]:
        return self.home, self.work, self.tmp


@dataclass(frozen=True)
class Traffic:
    """What went through the proxy since the last reset; a turn is an upper bound of a sequential round trip."""

    connections: int
    turns: int
    up: int
    down: int


def find_sshd() -> str | None:
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")


class Fleet:
    """A context manager. `hosts` is a number or the names; `groups` maps group names to host names ("fleet" holds all).

    `delay_ms` is one way, one number for all or one a host. `proxy=False` connects directly (no delay, no counts).
    `connection` is "ssh", "local", or None: ssh where an sshd is found, else local.
    """

    def __init__(
        self,
        hosts: int | Sequence[str] = 3,
        *,
        delay_ms: float | Sequence[float] = 0.0,
        proxy: bool = True,
        connection: str | None = None,
        groups: Mapping[str, Sequence[str]] | None = None,
        interpreter: str | None = None,
    ) -> None:
        names = [f"h{n:03d}" for n in range(1, hosts + 1)] if isinstance(hosts, int) else list(hosts)
        if len(names) > 250:
            raise ValueError(f"a fleet has up to 250 hosts, not {len(names)}")
        self.connection = connection or ("ssh" if find_sshd() else "local")
        self.delays = [delay_ms] * len(names) if isinstance(delay_ms, (int, float)) else list(delay_ms)
        self.proxied = proxy and self.connection == "ssh"
        self.groups = dict(groups or {})
        system = "/usr/bin/python3"
        self.interpreter = interpreter or (system if os.access(system, os.X_OK) else sys.executable)
        self.user = getpass.getuser()
        self.root = Path(tempfile.mkdtemp(prefix="rustle-lab."))
        net = f"{random.randrange(64, 128)}.{random.randrange(256)}"
        front = f"{int(net.split('.', maxsplit=1)[0]) + 64}.{net.split('.')[1]}" if self.proxied else net
        self.hosts = [
            Host(name, n, self.root / "hosts" / name, server=f"127.{net}.{n}", address=f"127.{front}.{n}")
            for n, name in enumerate(names, 1)
        ]
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._proxy: subprocess.Popen[str] | None = None

    # -- life

    def __enter__(self) -> Fleet:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self.root.chmod(0o755)
        for folder in (self.controller_home / ".ssh", self.root / "etc", *(f for host in self.hosts for f in host.folders())):
            folder.mkdir(parents=True)
        if self.connection == "ssh":
            self._start_ssh()
        self.inventory.write_text(json.dumps(self._inventory(), indent=1))

    def stop(self) -> None:
        if self._proxy is not None:
            self._proxy.stdin.close()  # type: ignore[union-attr]
            self._proxy.wait()
            self._proxy = None
        daemons, self._daemons = self._daemons, []
        for pid in [*(d.pid for d in daemons), *self._sessions(daemons)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for daemon in daemons:
            daemon.wait()
        for pid in self._sessions([]):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)

    def end_sessions(self) -> int:
        """End what still runs on the hosts (agents, background commands); the number of processes that there were."""
        left = self._sessions(self._daemons)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        return len(left)

    def clean(self, *, homes: bool = True) -> None:
        """Empty the hosts' work and temporary folders, and with `homes` what they remember (the agent's cache)."""
        for host in self.hosts:
            for folder in host.folders():
                if homes or folder != host.home:
                    shutil.rmtree(folder, ignore_errors=True)
                    folder.mkdir(parents=True)

    # -- what a run needs

    @property
    def inventory(self) -> Path:
        return self.root / "inventory.json"

    @property
    def controller_home(self) -> Path:
        return self.root / "controller"

    def _inventory(self) -> dict[str, Any]:
        members = {"fleet": [h.name for h in self.hosts], **self.groups}
        shared: dict[str, Any] = {"ansible_connection": self.connection, "ansible_python_interpreter": self.interpreter}
        if self.connection == "ssh":
            known, key = self.root / "etc" / "known_hosts", self.root / "etc" / "user"
            shared |= {
                "ansible_port": PORT,
                "ansible_user": self.user,
                "ansible_ssh_private_key_file": str(key),
                "ansible_ssh_common_args": shlex.join(
                    ["-F", "/dev/null", "-o", f"UserKnownHostsFile={known}", "-o", "GlobalKnownHostsFile=/dev/null"]
                    + ["-o", "IdentitiesOnly=yes"]
                ),
            }
        hosts = {}
        for host in self.hosts:
            hosts[host.name] = {"hostno": host.number, "workdir": str(host.work)}
            if self.connection == "ssh":
                hosts[host.name]["ansible_host"] = host.address
            else:
                hosts[host.name]["ansible_remote_tmp"] = str(host.tmp)
        children = {name: {"hosts": dict.fromkeys(of)} for name, of in members.items()}
        return {"all": {"hosts": hosts, "vars": shared, "children": children}}

    # -- ssh

    def _start_ssh(self) -> None:
        sshd = find_sshd()
        if sshd is None:
            raise FileNotFoundError("no sshd found\nhint: `make setup` as root installs it, or use connection='local'")
        etc = self.root / "etc"
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        for key in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", etc / key], check=True)
        kind, public = (etc / "host.pub").read_text().split()[:2]
        (etc / "known_hosts").write_text("".join(f"[{h.address}]:{PORT} {kind} {public}\n" for h in self.hosts))
        for first in range(0, len(self.hosts), HOSTS_PER_SSHD):
            self._start_sshd(sshd, self.hosts[first : first + HOSTS_PER_SSHD], etc / f"sshd{first}")
        for first in range(0, len(self.hosts), HOSTS_PER_SSHD):
            self._await(self.hosts[first], log=etc / f"sshd{first}.log")
        if self.proxied:
            self._start_proxy()

    def _start_sshd(self, sshd: str, hosts: Sequence[Host], stem: Path) -> None:
        etc = self.root / "etc"
        lines = [
            f"Port {PORT}",
            *(f"ListenAddress {h.server}" for h in hosts),
            f"HostKey {etc}/host",
            f"AuthorizedKeysFile {etc}/user.pub",
            "StrictModes no",
            "UsePAM no",
            "UseDNS no",
            "PidFile none",
            "PermitRootLogin prohibit-password",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "MaxStartups 2000",
            "MaxSessions 500",
            "PrintMotd no",
            "PrintLastLog no",
            "LogLevel ERROR",
            "Subsystem sftp internal-sftp",
        ]
        config = stem.with_suffix(".conf")
        for newer in ("PerSourcePenalties no",):  # options that older releases do not know
            config.write_text("\n".join([*lines, newer]))
            if subprocess.run([sshd, "-t", "-f", config], capture_output=True, check=False).returncode == 0:
                lines.append(newer)
        for host in hosts:
            # with SHLVL set bash does not take the session for one that should read the user's .bashrc
            lines += [f"Match LocalAddress {host.server}", f"  SetEnv HOME={host.home} SHLVL=5"]
        config.write_text("\n".join([*lines, ""]))
        command = [sshd, "-D", "-f", str(config), "-E", str(stem.with_suffix(".log"))]
        env = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8"}
        self._daemons.append(
            subprocess.Popen(command, stdin=subprocess.DEVNULL, env=env, start_new_session=True, preexec_fn=_die_with_parent)
        )

    def _await(self, host: Host, log: Path) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and all(d.poll() is None for d in self._daemons):
            with contextlib.suppress(OSError), socket.create_connection((host.server, PORT), 1):
                return
            time.sleep(0.02)
        raise RuntimeError(f"sshd did not start: {log.read_text() if log.exists() else 'it wrote no log'}")

    def _start_proxy(self) -> None:
        links = [
            {"name": h.name, "listen": [h.address, PORT], "to": [h.server, PORT], "delay": delay / 1000}
            for h, delay in zip(self.hosts, self.delays, strict=True)
        ]
        command = [sys.executable, str(HERE / "proxy.py")]
        pipe = subprocess.PIPE
        self._proxy = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True)
        if self._ask_raw(links) != "ready":
            raise RuntimeError("the delay proxy did not start")

    def _ask_raw(self, request: Any) -> Any:
        if self._proxy is None:
            return None
        print(json.dumps(request), file=self._proxy.stdin, flush=True)
        return json.loads(self._proxy.stdout.readline() or "null")  # type: ignore[union-attr]

    # -- the proxy's verbs; without a proxy they do nothing and there is no traffic

    def traffic(self, *, reset: bool = False) -> dict[str, Traffic]:
        """By host name, since the last reset."""
        answer = self._ask_raw(["reset" if reset else "read"]) or {}
        return {name: Traffic(**counters) for name, counters in answer.items()}

    def cut(self, *names: str) -> None:
        """Abort the open connections of these hosts (all, when none is named)."""
        self._ask_raw(["cut", *names])

    def close(self, *names: str) -> None:
        """Like `cut`, and refuse new connections until `open`."""
        self._ask_raw(["close", *names])

    def open(self, *names: str) -> None:
        self._ask_raw(["open", *names])

    # -- what runs on the hosts

    def cpu_seconds(self) -> float:
        """User and system time of what ran under the hosts' sshd and has ended."""
        return sum(_cpu_seconds(d.pid) for d in self._daemons)

    def alive(self) -> bool:
        return all(d.poll() is None for d in self._daemons) and (self._proxy is None or self._proxy.poll() is None)

    def wait_idle(self, timeout: float = 3.0) -> bool:
        """Wait until no session is left on any host; False when some still are after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while left := self._sessions(self._daemons):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02 if left else 0)
        return True

    def _sessions(self, daemons: Sequence[subprocess.Popen[bytes]]) -> list[int]:
        """Processes below the daemons, and those whose HOME is on one of the hosts, wherever they went."""
        parents = dict(_parents())
        listeners = {d.pid for d in daemons}
        mark = f"HOME={self.root / 'hosts'}/".encode()

        def below(pid: int) -> bool:
            while pid in parents and parents[pid] not in listeners:
                pid = parents[pid]
            return pid in parents

        return [pid for pid in parents if pid not in listeners and (below(pid) or mark in _environ(pid))]


def _die_with_parent() -> None:
    """In a child: be sent SIGTERM when the parent goes, however it goes."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry.name), int(_stat(int(entry.name))[1])


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on (the second, the name, may hold anything)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _environ(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
    return b""


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process and its reaped children."""
    with contextlib.suppress(OSError):
        return sum(int(ticks) for ticks in _stat(pid)[11:15]) / os.sysconf("SC_CLK_TCK")
    return 0.0
