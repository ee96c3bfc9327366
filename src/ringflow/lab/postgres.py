"""A throwaway PostgreSQL server for tests: installed here, or unpacked from packages; never run as root."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ringflow.errors import StartError
from ringflow.lab.apt_sources import find_source, read_machine
from ringflow.lab.packages import LIBC, fetch_packages
from ringflow.lab.ports import free_tcp_port

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
INSTALLED = Path("/usr/lib/postgresql")

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # It is thrown away: what a power cut would do to it does not matter.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
}


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """Where `initdb` and `postgres` are, and the libraries they need beside the machine's own."""

    folder: Path
    libraries: tuple[Path, ...] = ()

    def environment(self) -> dict[str, str]:
        """The environment to run them in: nothing of ours but the path and the libraries."""
        found = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        if self.libraries:
            found["LD_LIBRARY_PATH"] = ":".join(str(path) for path in self.libraries)
        return found


def find_postgres(folder: Path, installed: Path | None = INSTALLED) -> PostgresPrograms:
    """The newest PostgreSQL below `installed`, or this release's own package unpacked below `folder`.

    Raises `StartError` when there is none and none can be fetched.
    """
    if installed is not None and (found := _newest(installed)):
        return PostgresPrograms(found)
    machine = read_machine()
    source = find_source(machine, machine.release)
    # The machine's own libc and loader run these programs, so the packages' copy must not be found.
    packages = fetch_packages(folder / "postgresql", ["postgresql"], source, without=LIBC)
    programs = _newest(packages.path("/usr/lib/postgresql"))
    if programs is None:
        raise StartError(f"the package postgresql of {machine.release} holds no server")
    return PostgresPrograms(programs, tuple(packages.library_folders()))


def _newest(folder: Path) -> Path | None:
    found = [path.parent for path in folder.glob("*/bin/initdb") if path.parent.parent.name.isdigit()]
    return max(found, key=lambda path: int(path.parent.name), default=None)


@contextmanager
def temporary_postgres(folder: Path, installed: Path | None = INSTALLED) -> Iterator[str]:
    """Run a new, empty server on a loopback port; gives its URL, `postgresql+asyncpg://...`, for SQLAlchemy.

    `folder` is where a fetched PostgreSQL is kept for the next time (`.ringflow/lab` of the project). The
    data lies below the temporary folder of the machine and is gone afterwards. Raises `StartError`.
    """
    programs = find_postgres(folder, installed)
    place = Path(tempfile.mkdtemp(prefix="ringflow-postgres-"))
    try:
        cluster = _Cluster(programs, place)
        cluster.create()
        cluster.start()
        try:
            yield f"postgresql+asyncpg://ringflow:{cluster.password}@127.0.0.1:{cluster.port}/postgres"
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(place, ignore_errors=True)


@dataclass(slots=True)
class _Cluster:
    programs: PostgresPrograms
    place: Path
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self.place / "data"

    @property
    def log(self) -> Path:
        return self.place / "server.log"

    def spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        user, group = _unprivileged()
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [str(self.programs.folder / program), *arguments],
                cwd=self.place,
                env=self.programs.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
            )

    def create(self) -> None:
        user, group = _unprivileged()
        secret = self.place / "password"
        secret.write_text(self.password, "utf-8")
        secret.chmod(0o600)
        if user is not None and group is not None:
            os.chown(self.place, user, group)
            os.chown(secret, user, group)
        made = self.spawn(
            "initdb", f"--pgdata={self.data}", "--username=ringflow", f"--pwfile={secret}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        if made.wait(START_TIMEOUT_S) != 0:
            raise StartError(f"PostgreSQL could not be set up: {self.last_words()}")

    def start(self) -> None:
        self.port = free_tcp_port()
        settings = {**_SETTINGS, "port": str(self.port), "unix_socket_directories": str(self.place)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process = self.spawn("postgres", "-D", str(self.data), *options)
        limit = time.monotonic() + START_TIMEOUT_S
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > limit:
                self.stop()
                raise StartError(f"PostgreSQL did not start: {self.last_words()}")
            time.sleep(0.01)

    def is_ready(self) -> bool:
        # The eighth line of postmaster.pid is the server's state (PostgreSQL, miscinit.h).
        try:
            lines = (self.data / "postmaster.pid").read_text("utf-8").splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def stop(self) -> None:
        if self.process is None:
            return
        # Immediate shutdown: nothing is written before it is thrown away. Unlike with SIGKILL, the children
        # go too.
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(STOP_TIMEOUT_S)

    def last_words(self) -> str:
        lines = self.log.read_text("utf-8", errors="replace").split("\n") if self.log.exists() else []
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")


def _unprivileged() -> tuple[int | None, int | None]:
    """User and group to become: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None, None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid
