"""What tells one process of one machine from every other, so that a death shows at once (proc(5))."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

_STARTED_FIELD = 22
_COMMAND_FIELDS = 2


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A process: its machine's name, that machine's boot, its PID namespace, number, and start in clock
    ticks.

    Two containers on one machine share the boot and not the namespace: neither sees the other's processes.
    """

    host: str
    boot_id: str
    pid_namespace: int
    pid: int
    pid_started: int

    def is_running(self) -> bool | None:
        """Whether it runs; None where that cannot be seen from here."""
        here = this_process()
        same_place = (self.boot_id, self.pid_namespace) == (here.boot_id, here.pid_namespace)
        if not here.boot_id or not same_place:
            return None
        return _started(self.pid) == self.pid_started


def this_process() -> ServerProcess:
    """The process that asks. Without proc(5) its machine has no boot ID, and nothing can be seen."""
    pid = os.getpid()
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        boot_id, namespace = "", 0
    return ServerProcess(socket.gethostname(), boot_id, namespace, pid, _started(pid) or 0)


def _started(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return None
    # The command stands in parentheses and may hold any character, these too. A zombie runs no more.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[_STARTED_FIELD - _COMMAND_FIELDS - 1])
