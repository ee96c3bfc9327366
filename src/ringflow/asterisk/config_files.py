"""Writes the files that an operator includes in Asterisk's own: dialplan, SIP example, manager user."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from ringflow.calls.collecting import DIALPLAN_TIMERS, FIRST_DIGIT_TIMEOUT_S, INTER_DIGIT_TIMEOUT_S
from ringflow.engine.dialplan import DIALPLAN_VERSION
from ringflow.errors import Refused, StartError

SECRET_FILE = "ami.secret"  # noqa: S105 - the file's name
MANAGER_USER = "ringflow"
CALL_PATH = "/call"
SETTLE_PATH = "/settle"

_PRIVATE = frozenset({"manager_ringflow.conf", SECRET_FILE})
_TEMPLATES = ("extensions_ringflow.conf", "pjsip_ringflow.conf", "manager_ringflow.conf", "README.md")
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
                raise Refused(f"{host!r} is not a host name or an IPv4 address")
        for port in (self.fastagi_port, self.ami_port, self.carrier_port):
            if port is not None and not 0 < port < 65536:
                raise Refused(f"{port} is not a port (1 to 65535)")
        if not _NAME.fullmatch(self.carrier_name):
            raise Refused(f"{self.carrier_name!r} cannot name a trunk: letters, digits, - and _ only")

    def agi_url(self, path: str) -> str:
        """Where the dialplan sends calls, or what it wants of Ringflow at their end."""
        return f"agi://{self.fastagi_host}:{self.fastagi_port}{path}"

    @property
    def carrier_address(self) -> str:
        """The host part of the SIP URI that reaches the carrier."""
        return self.carrier_host if self.carrier_port is None else f"{self.carrier_host}:{self.carrier_port}"


def write_asterisk_config(out: Path, settings: AsteriskConfigSettings) -> list[Path]:
    """Write the files into `out` and give their paths; what is there already is replaced, but for the secret.

    Raises `Refused` when the folder holds a secret that cannot be used, `StartError` when it is not writable.
    """
    out = out.absolute()
    if re.search(r"[\s;#]", str(out)):
        raise Refused(f"Asterisk cannot include files from {str(out)!r}: use a path without spaces, ; and #")
    try:
        out.mkdir(parents=True, exist_ok=True)
        secret = _keep_secret(out / SECRET_FILE)
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
        for name in _TEMPLATES:
            template = files("ringflow.asterisk").joinpath("templates", name).read_text("utf-8")
            _write(out / name, _ConfTemplate(template).substitute(values))
    except OSError as error:
        raise StartError(f"{error.filename or out} cannot be written: {error.strerror}") from error
    return [out / name for name in (*_TEMPLATES, SECRET_FILE)]


def _keep_secret(path: Path) -> str:
    if path.exists():
        secret = path.read_text("utf-8", errors="replace").strip()
        if not _SECRET.fullmatch(secret):
            raise Refused(f"{path} holds no usable secret: remove it, and a new one is made")
        path.chmod(0o600)
        return secret
    secret = secrets.token_urlsafe(32)
    _write(path, f"{secret}\n")
    return secret


def _write(path: Path, text: str) -> None:
    # Asterisk may be reloading right now: it finds the old file or the new one, never half of it.
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    mode = 0o600 if path.name in _PRIVATE else 0o644
    with os.fdopen(
        os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8"
    ) as file:
        file.write(text)
    partial.replace(path)
