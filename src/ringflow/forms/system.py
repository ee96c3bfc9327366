"""The forms of what a Ringflow is, and of who asks it."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.ledger.server_list import Server
from ringflow.moments import Moment
from ringflow.setting_origins import Setting


@dataclass(frozen=True, slots=True)
class VersionForm:
    """Which Ringflow answers."""

    version: str


@dataclass(frozen=True, slots=True)
class PrincipalForm:
    """Who asks by a token, and what they may do."""

    operator: str
    token: str | None
    rights: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartForm:
    """A part of a server that calls need, or that only helps."""

    name: str
    ready: bool
    required: bool
    detail: str


@dataclass(frozen=True, slots=True)
class FindingForm:
    """What endangers calls or money on an Asterisk, and the line to change."""

    severity: str
    where: str
    what: str
    change: str


@dataclass(frozen=True, slots=True)
class StatusForm:
    """How the server is that answers. `findings`: of its Asterisk; null: nobody has looked yet."""

    server: str
    version: str
    ready: bool
    parts: tuple[PartForm, ...]
    findings: tuple[FindingForm, ...] | None


@dataclass(frozen=True, slots=True)
class ServerForm:
    """A server of the database. `asterisk`: the one that its manager interface leads to, as far as known."""

    name: str
    host: str
    pid: int
    started_at: Moment | None
    seen_at: Moment | None
    alive: bool
    asterisk: str | None


@dataclass(frozen=True, slots=True)
class SettingForm:
    """A setting with its value, and where that comes from."""

    name: str
    current: object
    origin: str
    written_in: str | None


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """The settings that the server runs with that answers."""

    settings: tuple[SettingForm, ...]


def server_form(server: Server) -> ServerForm:
    """Return a server as it is shown."""
    return ServerForm(
        name=server.name,
        host=server.host,
        pid=server.pid,
        started_at=None if server.started_ms is None else Moment(server.started_ms),
        seen_at=None if server.seen_ms is None else Moment(server.seen_ms),
        alive=server.is_alive,
        asterisk=server.asterisk,
    )


def setting_form(setting: Setting) -> SettingForm:
    """Return a setting as it is shown."""
    return SettingForm(setting.name, setting.value, setting.origin.value, setting.written_in)
