"""The process that runs scripts, one after the other, each in a fresh context.

Started by `worker_process.py` with one socket and nothing else: an empty environment, no other descriptor,
and limits of the system under which it can open no file, make no socket and start no process. It imports the
standard library and the engine only.

Time is limited three times: the engine interrupts JavaScript that runs too long; a run that waits too long
ends here; and `SIGALRM`, which nobody catches, ends the process where native code does not come back.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import _quickjs

from ringflow.scripts.frames import HEAD, length, packed

LIBRARY = ("prelude.js", "web.js", "digests.js")
STACK_BYTES = 512 * 1024
ALARM_AFTER_S = 0.3
"""How long after its limit a run that native code keeps from ending costs the process."""

LAST_WORDS_S = 0.05

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
ADDRESS_SPACE = 1024 * 1024 * 1024

Drive = Callable[..., str]


class Gone(Exception):
    """The server has closed its end."""


class TooLong(Exception):
    """The run has reached a limit; the text says which."""


def main() -> None:
    """Run what comes over the socket until it is closed."""
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    spare_bytes = int(sys.argv[2])
    library = [Path(__file__).with_name(name).read_text("utf-8") for name in LIBRARY]
    json.dumps(json.loads("{}"))
    give_up_rights()
    gc.disable()
    try:
        sandbox = Sandbox(library, spare_bytes)
        channel.send({"ready": True})
        while True:
            job = channel.receive().get("run")
            if job is None:
                # An answer that crossed the end of the run that asked.
                continue
            last = Run(channel, sandbox, job).to_end()
            # What follows is not waited for: the answer is on its way before the next context is made.
            channel.send(last | {"resident_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss})
            del sandbox
            sandbox = Sandbox(library, spare_bytes)
    except Gone:
        pass


def give_up_rights() -> None:
    """From here on this process can read, write and reckon, and nothing else."""
    libc = ctypes.CDLL(None)
    for option, value in (
        (PR_SET_PDEATHSIG, signal.SIGKILL),
        (PR_SET_DUMPABLE, 0),
        (PR_SET_NO_NEW_PRIVS, 1),
    ):
        libc.prctl(option, value, 0, 0, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        # `poll` wants room for the one descriptor that it is given.
        (resource.RLIMIT_NOFILE, 1),
        (resource.RLIMIT_AS, ADDRESS_SPACE),
    ):
        resource.setrlimit(limit, (value, value))
    os.nice(5)


class Channel:
    """The socket to the server."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, message: dict[str, Any]) -> None:
        """Send a message."""
        self._end.settimeout(None)
        self._end.sendall(packed(message))

    def receive(self, wait_s: float | None = None) -> dict[str, Any]:
        """Wait for a message. Raises `TimeoutError`, and `Gone`."""
        self._end.settimeout(wait_s)
        head = self._read(HEAD)
        self._end.settimeout(None)
        message: dict[str, Any] = json.loads(self._read(length(head)))
        return message

    def _read(self, size: int) -> bytes:
        raw = b""
        while len(raw) < size:
            part = self._end.recv(size - len(raw))
            if not part:
                raise Gone
            raw += part
        return raw


class Sandbox:
    """A context that has seen the prelude and no script."""

    def __init__(self, library: Sequence[str], spare_bytes: int) -> None:
        prelude, *later = library
        self.context = _quickjs.Context()
        self.context.set_memory_limit(spare_bytes)
        self.context.set_max_stack_size(STACK_BYTES)
        self.drive: Drive = self.context.eval(prelude)(*later)


class Run:
    """One script, from its beginning to its end."""

    def __init__(self, channel: Channel, sandbox: Sandbox, job: dict[str, Any]) -> None:
        self._channel = channel
        self._context = sandbox.context
        self._drive = sandbox.drive
        self._job = job
        self._limits = job["limits"]
        self._ends_at = time.monotonic() + self._limits["time_ms"] / 1000
        self._jobs_left: int = self._limits["microtasks"]

    def to_end(self) -> dict[str, Any]:
        """Run it, and return how it ended."""
        signal.setitimer(signal.ITIMER_REAL, self._limits["time_ms"] / 1000 + ALARM_AFTER_S)
        try:
            self._context.set_memory_limit(self._limits["memory_bytes"])
            functions = self._within_time(self._context.eval, self._job["source"])
            if self._job["is_check"]:
                return self._ended("done")
            given = {name: self._job[name] for name in ("limits", "seed", "paths", "now_ms", "data")}
            self._within_time(self._drive, "start", json.dumps(given), functions)
            return self._until_settled()
        except TooLong as error:
            return self._ended(str(error))
        except _quickjs.JSException as error:
            return self._broken(str(error))
        except MemoryError:
            return self._ended("memory")
        except RecursionError:
            what = {"name": "RangeError", "message": "it is nested too deep", "stack": ""}
            return self._ended("no_result") | {"failure": what}
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _until_settled(self) -> dict[str, Any]:
        while True:
            self._run_jobs()
            told: dict[str, Any] = json.loads(self._within_time(self._drive, "poll"))
            if told["state"] != "running":
                return told
            if told["calls"] or told["log"]:
                self._channel.send(told)
            if not told["waiting"] and told["timer_ms"] is None:
                return self._ended("never_settled")
            self._wait(told["timer_ms"])

    def _wait(self, timer_ms: float | None) -> None:
        """Wait for answers or for the next timer, whichever is first, and no longer than the run may last."""
        left_s = self._left_s()
        wait_s = left_s if timer_ms is None else min(left_s, timer_ms / 1000)
        if wait_s > 0:
            try:
                for answer in self._channel.receive(wait_s)["answers"]:
                    self._within_time(self._drive, "answer", json.dumps(answer))
            except TimeoutError:
                pass
        while self._within_time(self._drive, "timer"):
            self._run_jobs()

    def _run_jobs(self) -> None:
        while self._within_time(self._context.execute_pending_job):
            self._jobs_left -= 1
            if self._jobs_left < 0:
                raise TooLong("microtasks")

    def _within_time(self, work: Callable[..., Any], *given: object) -> Any:
        self._context.set_time_limit(self._left_s())
        done = work(*given)
        self._left_s()
        return done

    def _left_s(self) -> float:
        left: float = self._ends_at - time.monotonic()
        if left <= 0:
            raise TooLong("time")
        return left

    def _broken(self, what: str) -> dict[str, Any]:
        if "InternalError: interrupted" in what:
            return self._ended("time")
        if "InternalError: out of memory" in what or what == "null":
            return self._ended("memory")
        head, _, stack = what.partition("\n")
        name, _, message = head.partition(": ")
        return self._ended("broken") | {"failure": {"name": name, "message": message, "stack": stack}}

    def _ended(self, state: str) -> dict[str, Any]:
        return {"state": state, "result": None, "failure": None, "calls": [], "log": self._last_log()}

    def _last_log(self) -> list[Any]:
        """What the script has written since it was last asked, if it can still be asked."""
        try:
            self._context.set_time_limit(LAST_WORDS_S)
            log: list[Any] = json.loads(self._drive("poll"))["log"]
        except (_quickjs.JSException, MemoryError):
            return []
        return log


if __name__ == "__main__":
    main()
