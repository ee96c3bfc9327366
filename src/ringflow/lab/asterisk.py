"""One Asterisk of the lab: its files, its ports, its process."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ringflow.ami.settings import AmiSettings
from ringflow.asterisk import AsteriskConfigSettings, write_asterisk_config
from ringflow.asterisk.config_files import MANAGER_USER, SECRET_FILE, SIP_FILE
from ringflow.errors import StartError
from ringflow.lab.asterisk_files import write_lab_files
from ringflow.lab.packages import PackageFolder
from ringflow.lab.ports import free_tcp_port, free_udp_range

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
COMMAND_TIMEOUT_S = 20.0
TRUNK_COUNT = 24
RTP_PORTS = 400
"""Of an Asterisk for tests. Each stream of sound takes two, so this is enough for 150 talks at once."""
CARRIER = AsteriskConfigSettings().carrier_name
"""The operators' example trunk, which `config.yaml` dials; in the lab a callee stands behind it too."""

STATE_FILE = "asterisk.json"


@dataclass(frozen=True, slots=True)
class AsteriskState:
    """What is known of a running Asterisk; written to `asterisk.json`, so that any process can find it.

    `trunks` gives the loopback UDP port on which the callee of each trunk (`callee01`, ..., and `CARRIER`) is
    expected.
    `run_folder` holds its control socket, whose path must be short.
    """

    pid: int
    sip_port: int
    ami_port: int
    fastagi_port: int
    run_folder: str
    trunks: dict[str, int] = field(default_factory=dict)


class AsteriskInstance:
    """An Asterisk that keeps everything below `folder`, run from unpacked packages on loopback ports.

    Calls from 127.0.0.1 go to `ringflow-incoming`, and so to FastAGI on `fastagi_port`. Its log is `log`.
    `endpoint_options` replace settings of `ringflow-trunk`, its endpoints' template: `allow_transfer`...
    """

    def __init__(
        self,
        folder: Path,
        packages: PackageFolder,
        fastagi_port: int,
        endpoint_options: Mapping[str, str] | None = None,
        rtp_ports: int = RTP_PORTS,
    ) -> None:
        self.rtp_ports = rtp_ports
        self.folder = folder.absolute()
        self.packages = packages
        self.fastagi_port = fastagi_port
        self._endpoint_options = dict(endpoint_options or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What Asterisk wrote: notices, warnings, errors and the dialplan's steps."""
        return self.folder / "log" / "messages"

    @property
    def config(self) -> Path:
        """The files that operators get; `ami.secret` is among them."""
        return self.folder / "config"

    @property
    def state(self) -> AsteriskState:
        """Its ports and process id. Raises `StartError` when it was never started here."""
        try:
            return AsteriskState(**json.loads((self.folder / STATE_FILE).read_text("utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise StartError(f"no Asterisk of the lab is running in {self.folder}") from error

    def manager_settings(self) -> AmiSettings:
        """Its manager interface, as operators reach it. Raises `StartError` when it was never started."""
        secret = (self.config / SECRET_FILE).read_text("utf-8").strip()
        return AmiSettings("127.0.0.1", self.state.ami_port, MANAGER_USER, secret)

    def is_running(self) -> bool:
        """Whether its process lives, and is really the one that was started here."""
        if self._process is not None:
            return self._process.poll() is None
        try:
            state = self.state
            command = Path(f"/proc/{state.pid}/cmdline").read_bytes()
        except (StartError, OSError):
            return False
        # A zombie's command line is empty, and a process id may have gone to another program.
        return str(self.folder / "etc" / "asterisk.conf").encode() in command

    def start(self) -> AsteriskState:
        """Write its files, start it and wait until it takes calls. Raises `StartError` with its own words.

        One that runs already goes on, or is started anew when its calls go to another FastAGI port.
        """
        if self.is_running():
            if self.state.fastagi_port == self.fastagi_port:
                return self.state
            self.stop()
        run_folder = Path(tempfile.mkdtemp(prefix="ringflow-lab-"))
        try:
            main, state = self._prepare(run_folder)
            self._spawn(main, state)
        except BaseException as error:
            shutil.rmtree(run_folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise StartError(f"Asterisk of the lab cannot be set up in {self.folder}: {error}") from error
            raise
        try:
            self._wait_until_booted(run_folder / "asterisk.ctl")
        except BaseException:
            self.stop()
            raise
        return self.state

    def stop(self) -> None:
        """End it and remove its control socket; its log stays."""
        try:
            state = self.state
        except StartError:
            return
        if self.is_running():
            os.kill(state.pid, signal.SIGTERM)
            if not self._wait_until_gone():
                os.kill(state.pid, signal.SIGKILL)
                self._wait_until_gone()
        self._process = None
        with suppress(ChildProcessError):
            os.waitpid(
                state.pid, os.WNOHANG
            )  # if this process started it through another object, it is a zombie
        shutil.rmtree(state.run_folder, ignore_errors=True)
        (self.folder / STATE_FILE).unlink(missing_ok=True)

    def ask(self, command: str) -> str:
        """What Asterisk's command line answers. Raises `StartError` when it does not."""
        main = self.folder / "etc" / "asterisk.conf"
        try:
            done = subprocess.run(
                self._command("-C", str(main), "-rx", command),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=COMMAND_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired as error:
            raise StartError(f"Asterisk did not answer `{command}`") from error
        if done.returncode != 0:
            raise StartError(f"Asterisk did not answer `{command}`: {(done.stderr + done.stdout).strip()}")
        return done.stdout

    def complaints(self) -> list[str]:
        """The warnings and errors in its log."""
        text = self.log.read_text("utf-8", errors="replace") if self.log.exists() else ""
        return [line for line in text.splitlines() if "] WARNING[" in line or "] ERROR[" in line]

    def _prepare(self, run_folder: Path) -> tuple[Path, AsteriskState]:
        """Choose ports and write every file; gives `asterisk.conf`, and the state but for the process id."""
        first = free_udp_range(TRUNK_COUNT + self.rtp_ports + 4)
        carrier, rtp = first + TRUNK_COUNT + 2, first + TRUNK_COUNT + 4
        trunks = {f"callee{number:02}": first + 1 + number for number in range(1, TRUNK_COUNT + 1)}
        everyone = {**trunks, CARRIER: carrier}
        state = AsteriskState(0, first, free_tcp_port(), self.fastagi_port, str(run_folder), everyone)
        ports = {
            "sip": first, "unreachable": first + 1, "ami": state.ami_port,
            "rtp_first": rtp, "rtp_last": rtp + self.rtp_ports - 1,
        }  # fmt: skip
        settings = AsteriskConfigSettings(
            fastagi_port=self.fastagi_port,
            ami_port=state.ami_port,
            carrier_host="127.0.0.1",
            carrier_port=carrier,
        )
        self._write_config(settings)
        self._replace_endpoint_options()
        directories = self._directories(run_folder)
        return write_lab_files(self.folder / "etc", directories, self.config, ports, trunks), state

    def _write_config(self, settings: AsteriskConfigSettings) -> None:
        """Write what operators get, anew each time, the trunks too. The secret is kept."""
        for path in self.config.glob("*.conf"):
            path.unlink()
        (self.config / "README.md").unlink(missing_ok=True)
        write_asterisk_config(self.config, settings)

    def _replace_endpoint_options(self) -> None:
        """Write them into the template: which endpoint gets calls from 127.0.0.1 differs by release."""
        path = self.config / SIP_FILE
        text = path.read_text("utf-8")
        for name, value in self._endpoint_options.items():
            text, found = re.subn(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
            if not found:
                raise StartError(f"{path} has no setting `{name}` that the lab could replace")
        path.write_text(text, "utf-8")

    def _spawn(self, main: Path, state: AsteriskState) -> None:
        shutil.rmtree(self.folder / "log", ignore_errors=True)
        (self.folder / "log").mkdir()
        with (self.folder / "log" / "console").open("wb") as console:
            self._process = subprocess.Popen(
                self._command("-f", "-C", str(main)),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        known = asdict(replace(state, pid=self._process.pid))
        (self.folder / STATE_FILE).write_text(json.dumps(known, indent=1), "utf-8")

    def _command(self, *arguments: str) -> list[str]:
        return self.packages.command("/usr/sbin/asterisk", *arguments)

    def _directories(self, run_folder: Path) -> dict[str, Path]:
        modules = next((self.packages.root / "usr/lib").glob("**/asterisk/modules"), None)
        if modules is None:
            raise StartError(f"no modules of Asterisk below {self.packages.root}")
        state = self.folder / "state"
        for name in ("agi-bin", "cache", "spool"):
            (state / name).mkdir(parents=True, exist_ok=True)
        return {
            "astetcdir": self.folder / "etc",
            "astmoddir": modules,
            "astvarlibdir": state,
            "astdbdir": state,
            "astkeydir": state,
            "astcachedir": state / "cache",
            "astdatadir": self.packages.path("/usr/share/asterisk"),
            "astagidir": state / "agi-bin",
            "astspooldir": state / "spool",
            "astrundir": run_folder,
            "astlogdir": self.folder / "log",
        }

    def _wait_until_booted(self, socket: Path) -> None:
        limit = time.monotonic() + START_TIMEOUT_S
        while not socket.exists():
            self._check_alive(limit)
            time.sleep(0.02)
        # The version is among the last commands that it learns, a moment after it calls itself fully booted.
        for command, reply in (("core waitfullybooted", "fully booted"), ("core show version", "Asterisk ")):
            while reply not in self._try_asking(command):
                self._check_alive(limit)
                time.sleep(0.05)

    def _try_asking(self, command: str) -> str:
        try:
            return self.ask(command)
        except StartError:
            return ""

    def _check_alive(self, limit: float) -> None:
        if not self.is_running() or time.monotonic() > limit:
            said = (self.folder / "log" / "console").read_text("utf-8", errors="replace").strip().splitlines()
            words = self.complaints() or said or ["it said nothing"]
            raise StartError(f"Asterisk of the lab did not start: {words[-1]} (see {self.folder / 'log'})")

    def _wait_until_gone(self) -> bool:
        limit = time.monotonic() + STOP_TIMEOUT_S
        while self.is_running() and time.monotonic() < limit:
            time.sleep(0.02)
        return not self.is_running()
