"""The lab as a whole: packages, one Asterisk per release, and calls through it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ringflow.lab.apt_sources import find_source, read_machine
from ringflow.lab.asterisk import RTP_PORTS, AsteriskInstance, AsteriskState
from ringflow.lab.call_values import LabCaller, LabCallResult
from ringflow.lab.calls import CALL_TIMEOUT_S, Begin, Callees, TimedWork, at_once, place_call
from ringflow.lab.packages import PackageFolder, fetch_packages

PACKAGES = ("asterisk", "sip-tester")
DEFAULT_FASTAGI_PORT = 4573


@dataclass(frozen=True, slots=True)
class LabStatus:
    """Whether a lab runs, and where; `state` is None when it does not. `version` is Asterisk's own word."""

    release: str
    folder: Path
    state: AsteriskState | None
    version: str = ""
    live_channels: int = 0


class Lab:
    """A real Asterisk with SIPp around it, kept below `folder`: packages, and one Asterisk for each release.

    `place` puts the Asterisk elsewhere, so that several can share the packages; tests do. `release` is a code
    name of this machine's distribution: `forky` brings Asterisk 22, `bullseye` 16. `endpoint_options` replace
    settings of `ringflow-trunk`, such as `allow_transfer`. More than 150 talks at once need more `rtp_ports`.
    """

    def __init__(
        self,
        folder: Path,
        release: str | None = None,
        place: Path | None = None,
        endpoint_options: Mapping[str, str] | None = None,
        rtp_ports: int = RTP_PORTS,
    ) -> None:
        self.folder = folder.absolute()
        self.release = release or read_machine().lab_release
        self._place = (place or self.folder / self.release / "asterisk").absolute()
        self._endpoint_options = endpoint_options
        self._rtp_ports = rtp_ports
        self._fetched: PackageFolder | None = None
        self._asterisk: AsteriskInstance | None = None

    @property
    def packages(self) -> PackageFolder:
        """Asterisk and SIPp, fetched when they are not here yet. Raises `StartError`."""
        if self._fetched is None:
            source = find_source(read_machine(), self.release)
            self._fetched = fetch_packages(self.folder / self.release / "packages", PACKAGES, source)
        return self._fetched

    def asterisk(self) -> AsteriskInstance:
        """This lab's Asterisk, running or not."""
        if self._asterisk is None:
            self._asterisk = AsteriskInstance(
                self._place, self.packages, DEFAULT_FASTAGI_PORT, self._endpoint_options, self._rtp_ports
            )
        return self._asterisk

    def up(self, fastagi_port: int = DEFAULT_FASTAGI_PORT) -> AsteriskState:
        """Start it unless it runs already; calls go to FastAGI on that loopback port. Raises `StartError`.

        One that runs with another FastAGI port is started anew.
        """
        with self._alone():
            asterisk = self.asterisk()
            asterisk.fastagi_port = fastagi_port
            return asterisk.start()

    def down(self) -> bool:
        """Stop it; gives whether it ran."""
        with self._alone():
            asterisk = self.asterisk()
            running = asterisk.is_running()
            asterisk.stop()
            return running

    def status(self) -> LabStatus:
        """Whether it runs, and what it says of itself."""
        asterisk = self.asterisk()
        if not asterisk.is_running():
            return LabStatus(self.release, self._place, None)
        version = asterisk.ask("core show version").split(" built")[0].strip()
        channels = asterisk.ask("core show channels count").split()
        count = int(channels[0]) if channels and channels[0].isdigit() else 0
        return LabStatus(self.release, self._place, asterisk.state, version, count)

    def logs(self, lines: int = 100) -> list[str]:
        """The last lines of Asterisk's log, running or not."""
        log = self._place / "log" / "messages"
        if not log.exists():
            return []
        return log.read_text("utf-8", errors="replace").splitlines()[-lines:]

    async def call(
        self,
        caller: LabCaller,
        callees: Mapping[str, Callees] | None = None,
        timeout_s: float = CALL_TIMEOUT_S,
        begins: Begin = at_once,
        in_talk: Sequence[TimedWork] = (),
    ) -> LabCallResult:
        """A real call; `callees` stand behind trunks, named `callee01` to `callee24`; see `place_call`."""
        state = self.asterisk().state
        return await place_call(state, self.packages, caller, callees, timeout_s, begins, in_talk)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._place.parent.mkdir(parents=True, exist_ok=True)
        with self._place.with_name(f"{self._place.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
