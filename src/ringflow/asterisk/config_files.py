"""Writes the files that an operator includes in Asterisk's own.

Dialplan, SIP templates and manager user are Ringflow's own: each run writes them again, unless somebody
edited them. `pjsip_trunks.conf` is the operator's from the moment it is written.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from ringflow.asterisk.conf_file import Section, read_conf
from ringflow.asterisk.own_files import FileState, diff_lines, file_state, keep_old, with_digest, write_file
from ringflow.calls.digits import DIALPLAN_TIMERS, FIRST_DIGIT_TIMEOUT_S, INTER_DIGIT_TIMEOUT_S
from ringflow.config import Config
from ringflow.engine.dialplan import DIALPLAN_VERSION
from ringflow.errors import Conflict, Refused, StartError

DIALPLAN_FILE = "extensions_ringflow.conf"
SECRET_FILE = "ami.secret"  # noqa: S105 - the file's name
MANAGER_USER = "ringflow"
CALL_PATH = "/call"
SETTLE_PATH = "/settle"

SIP_FILE = "pjsip_ringflow.conf"
TRUNKS_FILE = "pjsip_trunks.conf"

_PRIVATE = frozenset({"manager_ringflow.conf", SECRET_FILE})
_OWN_FILES = (DIALPLAN_FILE, SIP_FILE, "manager_ringflow.conf", "README.md")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,128}")


class _ConfTemplate(Template):
    # Dialplan is full of $ and %: only %%{name} is ours.
    delimiter = "%%"


@dataclass(frozen=True, slots=True)
class AsteriskConfigSettings:
    """Where Asterisk finds Ringflow, and what the written example is about.

    `carrier_host` is a host name or an IPv4 address; the default is one reserved for documentation.
    """

    fastagi_host: str = "127.0.0.1"
    fastagi_port: int = 4573
    ami_port: int = 5038
    carrier_name: str = "ringflow-carrier"
    carrier_host: str = "192.0.2.10"
    carrier_port: int | None = None
    """None: the one that SIP has by default."""

    def __post_init__(self) -> None:
        for host in (self.fastagi_host, self.carrier_host):
            if not _HOST.fullmatch(host):
                raise Refused(
                    "asterisk.malformed_host", f"{host!r} is not a host name or an IPv4 address", host=host
                )
        for port in (self.fastagi_port, self.ami_port, self.carrier_port):
            if port is not None and not 0 < port < 65536:
                raise Refused(
                    "field.out_of_range",
                    f"{port} is not a port (1 to 65535)",
                    field="port",
                    low=1,
                    high=65535,
                )
        if not _NAME.fullmatch(self.carrier_name):
            raise Refused(
                "trunk.malformed_name",
                f"{self.carrier_name!r} cannot name a trunk: letters, digits, - and _ only",
                trunk=self.carrier_name,
            )

    def agi_url(self, path: str) -> str:
        """Where the dialplan sends calls, or what it wants of Ringflow at their end."""
        return f"agi://{self.fastagi_host}:{self.fastagi_port}{path}"

    @property
    def carrier_address(self) -> str:
        """The host part of the SIP URI that reaches the carrier."""
        return self.carrier_host if self.carrier_port is None else f"{self.carrier_host}:{self.carrier_port}"


def configured_settings(
    config: Config, host: str | None = None, carrier: str | None = None
) -> AsteriskConfigSettings:
    """The settings for a Ringflow of this configuration. `host`: its address as Asterisk sees it."""
    default = AsteriskConfigSettings()
    fastagi_host = host or config.fastagi.host
    if fastagi_host in ("0.0.0.0", "::"):  # noqa: S104 - it is what to replace
        fastagi_host = default.fastagi_host
    return AsteriskConfigSettings(
        fastagi_host=fastagi_host,
        fastagi_port=config.fastagi.port or default.fastagi_port,
        ami_port=config.ami.port if config.ami else default.ami_port,
        carrier_host=carrier or default.carrier_host,
    )


@dataclass(frozen=True, slots=True)
class WrittenConfig:
    """The files that are in place now, the copies of those that were replaced, and what is left to do."""

    paths: list[Path]
    copies: list[Path]
    advice: list[str]


def write_asterisk_config(
    out: Path, settings: AsteriskConfigSettings, *, replace: bool = False
) -> WrittenConfig:
    """Write the files into `out`.

    The secret and `pjsip_trunks.conf` are written once. Where a file of Ringflow's own was edited, nothing is
    written; with `replace` it is overwritten, and a copy of it kept. A `pjsip_ringflow.conf` without a digest
    is from the time when operators edited it: it stays, and the advice says what it lacks.

    Raises `Refused` when the folder holds a secret that cannot be used, `StartError` when it is not writable.
    """
    out = _usable(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        secret = _present_secret(out / SECRET_FILE) or secrets.token_urlsafe(32)
        texts = _own_texts(out, settings, secret)
        states = {name: file_state(out / name, text) for name, text in texts.items()}
        advice = []
        if states[SIP_FILE] is FileState.UNKNOWN:
            advice = _advice_for_old_layout(out, texts.pop(SIP_FILE))
        edited = [name for name in texts if states[name] in (FileState.EDITED, FileState.UNKNOWN)]
        if edited and not replace:
            raise Conflict(
                "asterisk.files_differ",
                "; ".join(f"{out / name} {states[name].value}" for name in edited) + _WHAT_TO_DO,
                files=[str(out / name) for name in edited],
            )
        copies = [keep_old(out / name) for name in edited]
        _keep_secret(out / SECRET_FILE, secret)
        trunks = out / TRUNKS_FILE
        if SIP_FILE in texts and not trunks.exists():
            # Before the file that includes it.
            write_file(trunks, _render(TRUNKS_FILE, out, settings, secret), 0o644)
        for name, text in texts.items():
            if states[name] is not FileState.SAME:
                write_file(out / name, text, _mode(name))
    except OSError as error:
        raise StartError(f"{error.filename or out} cannot be written: {error.strerror}") from error
    names = (*_OWN_FILES, TRUNKS_FILE, SECRET_FILE)
    return WrittenConfig([out / name for name in names if (out / name).exists()], copies, advice)


def config_diff(out: Path, settings: AsteriskConfigSettings) -> list[str]:
    """Return what `write_asterisk_config` with `replace` would change, as lines of a diff; writes nothing."""
    out = _usable(out)
    try:
        secret = _present_secret(out / SECRET_FILE)
        lines = [] if secret else [f"{out / SECRET_FILE}: new"]
        texts = _own_texts(out, settings, secret or "")
        states = {name: file_state(out / name, text) for name, text in texts.items()}
        for name, text in texts.items():
            match states[name]:
                case FileState.ABSENT:
                    lines.append(f"{out / name}: new")
                case FileState.UNKNOWN if name == SIP_FILE:
                    lines += _advice_for_old_layout(out, text)
                case FileState.AS_WRITTEN | FileState.EDITED | FileState.UNKNOWN:
                    lines.append(f"{out / name} {states[name].value}")
                    lines += diff_lines(out / name, text)
        if states[SIP_FILE] is not FileState.UNKNOWN and not (out / TRUNKS_FILE).exists():
            lines.append(f"{out / TRUNKS_FILE}: new")
    except OSError as error:
        raise StartError(f"{error.filename or out} cannot be read: {error.strerror}") from error
    return lines


_WHAT_TO_DO = (
    ". Nothing was written. Put what you need into files of your own "
    f"(trunks and telephones into {TRUNKS_FILE}), then have these replaced"
)


def _advice_for_old_layout(out: Path, text: str) -> list[str]:
    """Say what a `pjsip_ringflow.conf` that the operator edited lacks, and how to leave it behind."""
    path = out / SIP_FILE
    kept = f"{path} is from an earlier Ringflow, with your trunks in it: it stays, without a {TRUNKS_FILE}."
    advice = [kept]
    missing = _missing_lines(path, text)
    if missing:
        advice.append(f"Add to it: {'; '.join(missing)}")
    advice.append(
        f"To let upgrades keep {SIP_FILE} up to date: rename it to {TRUNKS_FILE}, remove [ringflow-trunk] "
        "and [ringflow-uri] from it, and run this again."
    )
    return advice


def _missing_lines(path: Path, text: str) -> list[str]:
    """Return the settings and sections of `text` that the file at `path` does not have."""
    present = read_conf(path)
    found = []
    section: Section | None = None
    for line in text.splitlines():
        if line.startswith("["):
            name = line[1:].partition("]")[0]
            section = next((one for one in present if one.name == name), None)
            if section is None:
                found.append(f"the section {line}")
            continue
        key, equals, _ = line.partition(" = ")
        if section is not None and equals and not line.startswith(";") and not section.text(key):
            found.append(f"`{line}` to [{section.name}]")
    return found


def _usable(out: Path) -> Path:
    out = out.absolute()
    if re.search(r"[\s;#]", str(out)):
        raise Refused(
            "asterisk.malformed_path",
            f"Asterisk cannot include files from {str(out)!r}: use a path without spaces, ; and #",
            path=str(out),
        )
    return out


def _own_texts(out: Path, settings: AsteriskConfigSettings, secret: str) -> dict[str, str]:
    return {name: with_digest(name, _render(name, out, settings, secret)) for name in _OWN_FILES}


def _render(name: str, out: Path, settings: AsteriskConfigSettings, secret: str) -> str:
    values = {
        "folder": str(out),
        "agi_url": settings.agi_url(CALL_PATH),
        "dialplan_version": str(DIALPLAN_VERSION),
        "first_digit_s": str(FIRST_DIGIT_TIMEOUT_S),
        "inter_digit_s": str(INTER_DIGIT_TIMEOUT_S),
        "timers": DIALPLAN_TIMERS,
        "settle_url": settings.agi_url(SETTLE_PATH),
        "ami_port": str(settings.ami_port),
        "carrier_name": settings.carrier_name,
        "carrier_host": settings.carrier_host,
        "carrier_address": settings.carrier_address,
        "manager_user": MANAGER_USER,
        "secret": secret,
    }
    template = files("ringflow.asterisk").joinpath("templates", name).read_text("utf-8")
    return _ConfTemplate(template).substitute(values)


def _present_secret(path: Path) -> str | None:
    if not path.exists():
        return None
    secret = path.read_text("utf-8", errors="replace").strip()
    if not _SECRET.fullmatch(secret):
        raise Refused(
            "asterisk.no_secret",
            f"{path} holds no usable secret: remove it, and a new one is made",
            path=str(path),
        )
    return secret


def _keep_secret(path: Path, secret: str) -> None:
    if path.exists():
        path.chmod(0o600)
    else:
        write_file(path, f"{secret}\n", _mode(path.name))


def _mode(name: str) -> int:
    return 0o600 if name in _PRIVATE else 0o644
