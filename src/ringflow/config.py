"""The configuration: `config.yaml` under `RINGFLOW_*` environment variables, read once and frozen.

A setting `fastagi: {port: 4573}` may be given as `RINGFLOW_FASTAGI__PORT`; the environment wins. Secrets are
never in this file: it names the environment variable or the file that holds them. Relative paths are
relative to the folder of `config.yaml`.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import phonenumbers
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PrivateAttr,
    model_validator,
)

from ringflow.documents import Document, Location, parse_document, read_document
from ringflow.errors import ConfigError, DocumentError, Problem
from ringflow.validation import Text, check_model
from ringflow.wording import nearest, quoted

ENVIRONMENT_PREFIX = "RINGFLOW_"
DEFAULT_PATH = Path("config.yaml")
OTHER_VARIABLES = frozenset({"RINGFLOW_CONFIG", "RINGFLOW_OPERATOR"})
"""Variables with our prefix that are no settings."""

DEFAULT_FAILOVER = ("401", "403", "407", "408", "5xx")
"""A trunk that answers so is out of order or wants none of our calls; other 4xx and 6xx are the callee's."""

DEFAULT_SILENT_S = 6


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ip_network(value)
    except ValueError:
        what = f"{quoted(value)} is not an address or a network"
    try:
        mend = f"write {ip_network(value, strict=False)}"
    except ValueError:
        mend = "write one such as 192.0.2.1 or 192.0.2.0/24"
    raise ValueError(f"{what} || {mend}")


def _without_port(value: str) -> str:
    host, _, port = value.partition(":")
    if host and port.isdecimal():
        raise ValueError(f"{quoted(value)} has a port in it || write {host}, and {port} under `port`")
    return value


def _all_digits(value: object) -> object:
    if isinstance(value, float):
        raise ValueError(f"`{value:g}` is a rounded number || write all of its digits, in quotes")  # noqa: TRY004
    return value


def _region(value: str) -> str:
    if value not in phonenumbers.SUPPORTED_REGIONS:
        code = _COUNTRY_CODES.get(value.lower(), value.upper())
        mend = (
            f"write {code}"
            if code in phonenumbers.SUPPORTED_REGIONS
            else "use a two-letter code such as GB or US"
        )
        raise ValueError(f"{quoted(value)} is not a country || {mend}")
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError(f"{quoted(value)} is not the address of a service || write https://host/path")
    if "{" in value:
        raise ValueError("nothing is filled in here || write `{text}` in `body`")
    return value


def check_zone_name(value: str) -> str:
    """The name of a time zone. Raises ValueError, with the nearest name, for any other text."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(value, sorted(available_timezones()))
        mend = f"did you mean `{near}`?" if near else "write a name such as Europe/London, or UTC"
        raise ValueError(f"`{value}` is not a time zone || {mend}") from None
    return value


_COUNTRY_CODES = {"uk": "GB", "usa": "US", "england": "GB"}
"""Of what is often written for a country, the code."""
HOST_PATTERN = r"^[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?$"
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
CURRENCY_PATTERN = r"^[A-Z]{3}$"
LANGUAGE_PATTERN = r"^[a-z]{2,3}$"
VOICE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.+:/-]{0,99}$"
URI_DIAL_PATTERN = r"^[A-Za-z0-9]+/[A-Za-z0-9_./@-]*\{uri\}$"
EMAIL_PATTERN = r"^[!-?A-~]+@[A-Za-z0-9.-]+$"
DOMAIN_PATTERN = r"^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$"
ROLE_PATTERN = r"^[a-z][a-z0-9_-]{0,31}$"
BEGINNING_PATTERN = r"^[1-9][0-9]{0,14}$"
DEVICE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
FOLDER_PATTERN = r"^/[^\x00-\x1f\"\\]*$"
PATTERN_MENDS = {
    FOLDER_PATTERN: "write a whole path, beginning with /, as Asterisk sees it",
    HOST_PATTERN: "write a host's name or address, and :port if it needs one",
    NAME_PATTERN: "use at most 64 letters, digits, _ . and -, beginning with a letter or digit",
    CURRENCY_PATTERN: "write three capitals, such as USD",
    LANGUAGE_PATTERN: "write its code, such as en",
    VOICE_PATTERN: "use letters, digits and _ . + : / -, as the backend names its voices",
    EMAIL_PATTERN: "write an address such as ringflow@example.com",
    DOMAIN_PATTERN: "write a domain in small letters, such as example.com",
    ROLE_PATTERN: "write a role's name, such as support, or all",
    DEVICE_PATTERN: "write the name of an endpoint of Asterisk's, such as reception",
    BEGINNING_PATTERN: "write how numbers begin, as E.164 digits without +, such as 4490",
    URI_DIAL_PATTERN: "write it as in PJSIP/ringflow-uri/{uri}",
}
"""What the regular expressions of settings ask for, in words."""

ESPEAK = "espeak-ng"
"""The backend that speaks texts where nothing else is configured."""

Digits = Annotated[Text, Field(min_length=1, max_length=64)]
WrittenCli = Annotated[Text, BeforeValidator(_all_digits), Field(min_length=1, max_length=200)]
"""A number as people write it, which may have a name around it."""
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
TimeZone = Annotated[str, AfterValidator(check_zone_name)]
Country = Annotated[str, AfterValidator(_region)]
Port = Annotated[int, Field(ge=0, le=65535)]
Host = Annotated[str, Field(pattern=HOST_PATTERN)]


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there. A name may lead anywhere, but `localhost`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _api_by_older_name(value: object) -> object:
    return "on" if value == "loopback" else value


def _origin(value: str) -> str:
    """Check what a browser sends as `Origin`: scheme, host, and a port where it is not the scheme's own."""
    if value == "*":
        return value
    match = _ORIGIN.fullmatch(value)
    if match is None or match[2] == _OWN_PORTS[match[1]]:
        raise ValueError(
            f"{quoted(value)} is not an origin || write it as browsers do, such as "
            "https://console.example.com, in small letters, without a path and without the scheme's own port"
        )
    return value


_ORIGIN = re.compile(r"(https?)://(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::([0-9]{1,5}))?", re.ASCII)
_OWN_PORTS = {"http": "80", "https": "443"}
RequestsPerSecond = Annotated[float, Field(ge=0.1, le=100_000)]
ListenHost = Annotated[str, AfterValidator(_without_port)]
CustomerStatus = Literal["active", "inactive", "penalty", "pending"]


class Frozen(BaseModel):
    """A part of the configuration: unknown keys are errors, and nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseConfig(Frozen):
    """Where customers, DIDs and trunks are kept."""

    url: str = "sqlite:///.ringflow/ringflow.db"


class FastAgiConfig(Frozen):
    """The port that Asterisk connects to."""

    host: ListenHost = "127.0.0.1"
    port: Port = 4573
    allow: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    max_calls: Annotated[int, Field(ge=1)] = 10_000
    max_calls_per_s: Annotated[float, Field(ge=0.1, le=100_000)] | None = None
    max_lag_ms: Annotated[float, Field(ge=1, le=10_000)] | None = 20.0
    drain_s: Annotated[float, Field(ge=0, le=86_400)] = 60.0


class AmiConfig(Frozen):
    """The manager interface of Asterisk; without it Ringflow runs, and says so."""

    host: ListenHost = "127.0.0.1"
    port: Port = 5038
    user: str = "ringflow"
    secret_file: Path | None = None
    secret_env: str = "RINGFLOW_AMI_SECRET"  # noqa: S105 -- the name of a variable


class TlsConfig(Frozen):
    """The certificate, with those that sign it, and its key (PEM); both are read again when they change."""

    certificate: Path
    key: Path


class HttpLimitsConfig(Frozen):
    """How often may be asked over HTTP: with one token or session, and from one address. None: no limit."""

    per_token_per_s: RequestsPerSecond | None = 100.0
    per_address_per_s: RequestsPerSecond | None = 200.0
    wrong_tokens_per_minute: Annotated[float, Field(ge=1, le=100_000)] = 30.0
    public_per_minute: Annotated[float, Field(ge=1, le=100_000)] = 30.0


class HttpConfig(Frozen):
    """Health, readiness, metrics and the REST API.

    `api`: tokens go over the network as they are, so without TLS the API is served on a loopback address
    alone, where a proxy brings TLS; `anywhere` says that whatever is between here and who asks is trusted.
    `max_connections_per_address` None: half of all.
    """

    host: ListenHost = "127.0.0.1"
    port: Port = 8080
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 200
    max_connections_per_address: Annotated[int, Field(ge=1, le=100_000)] | None = None
    api: Annotated[Literal["on", "anywhere", "off"], BeforeValidator(_api_by_older_name)] = "on"
    tls: TlsConfig | None = None
    trusted_proxies: tuple[Network, ...] = ()
    cors_origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()
    limits: HttpLimitsConfig = HttpLimitsConfig()

    @property
    def serves_api(self) -> bool:
        """Whether the API is served."""
        return self.api != "off"

    @model_validator(mode="after")
    def _sends_no_tokens_in_the_clear(self) -> HttpConfig:
        if self.api == "on" and self.tls is None and not _is_loopback(self.host):
            raise ValueError(
                f"others reach {self.host}, and tokens and passwords would go there as they are, without TLS "
                "|| give `tls` a certificate, or listen on 127.0.0.1 behind a proxy that has one; with "
                "`api: off` only health and metrics are served, and `api: anywhere` says that the network "
                "is trusted"
            )
        return self


class SignInConfig(Frozen):
    """How operators sign in: where their links lead, how long sessions last, who needs a second factor.

    `url`: where browsers reach this server; None: `http.host` and `http.port`. A session ends `idle_s` after
    it was last used, and `absolute_s` after it began. `second_factor_for`: roles, or `all`. `passkey_domain`:
    which passkeys belong to; None: the host of `url`, or `localhost`.
    """

    url: Annotated[str, AfterValidator(_http_url)] | None = None
    idle_s: Annotated[int, Field(ge=300, le=2_592_000)] = 3600
    absolute_s: Annotated[int, Field(ge=300, le=7_776_000)] = 43_200
    second_factor_for: tuple[Annotated[str, Field(pattern=ROLE_PATTERN)], ...] = ()
    passkey_domain: Annotated[str, Field(pattern=DOMAIN_PATTERN)] | None = None

    @model_validator(mode="after")
    def _passkeys_are_of_the_host(self) -> SignInConfig:
        if self.passkey_domain is not None:
            host = urlsplit(self.url or "").hostname or ""
            if host != self.passkey_domain and not host.endswith(f".{self.passkey_domain}"):
                raise ValueError(
                    f"browsers use no passkeys of {self.passkey_domain} on pages of another domain "
                    "|| write the host of `url`, or a domain above it"
                )
        return self


class MailConfig(Frozen):
    """The server by which mail is sent. `security`: `starttls`, `tls` from the start, or `none`.

    The password of `user` is in a variable of the environment, or a file.
    """

    host: ListenHost
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: Annotated[str, Field(pattern=EMAIL_PATTERN)]
    user: str | None = None
    password_env: str = "RINGFLOW_MAIL_PASSWORD"  # noqa: S105 -- the name of a variable
    password_file: Path | None = None


class SoundsConfig(Frozen):
    """Where prompts are, here and as Asterisk sees them.

    `asterisk_prefix` is put before a prompt's name when Asterisk is told to play it. None: the absolute path
    of `folder`, which is right when both run on one machine.
    """

    folder: Path = Path("sounds")
    asterisk_prefix: str | None = None


def _speech_body() -> JsonValue:
    return {"text": "{text}", "language": "{language}", "voice": "{voice}"}


class SpeechHttpConfig(Frozen):
    """A service that answers a POST with the sound of a text.

    `{text}`, `{language}` and `{voice}` in `body`, and `{secret}` in `headers`, are filled in. A `body` of
    text is sent as it is, any other as JSON.
    """

    url: Annotated[str, AfterValidator(_http_url)]
    headers: dict[str, str] = Field(default_factory=dict)
    body: JsonValue = Field(default_factory=_speech_body)
    secret_env: str = ""
    secret_file: Path | None = None


class SpeechPiperConfig(Frozen):
    """Piper's program, and its models by language or by the name of a voice."""

    program: str = "piper"
    models: Annotated[dict[str, Path], Field(min_length=1)]


class SpeechBackendConfig(Frozen):
    """What speaks texts besides espeak-ng: exactly one of a command, Piper, and an HTTP service.

    `command` gets the text on its standard input and writes a WAV file to its standard output; `{language}`
    and `{voice}` in its arguments are filled in.
    """

    command: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    piper: SpeechPiperConfig | None = None
    http: SpeechHttpConfig | None = None
    ssml: bool = False
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 30.0
    max_mb: Annotated[float, Field(gt=0, le=100)] = 20.0

    @model_validator(mode="after")
    def _is_one(self) -> SpeechBackendConfig:
        given = [one for one in ("command", "piper", "http") if getattr(self, one) is not None]
        if len(given) != 1:
            what = f"{' and '.join(given)} are both given" if given else "nothing says how it speaks"
            raise ValueError(f"{what} || give one of command, piper and http")
        if self.piper is not None and self.ssml:
            raise ValueError("Piper has no SSML || remove `ssml`")
        return self


class SpeechLanguageConfig(Frozen):
    """What speaks a language, and in which of its voices."""

    backend: str | None = None
    voice: Annotated[str, Field(pattern=VOICE_PATTERN)] | None = None


class SpeechConfig(Frozen):
    """What speaks the texts of flows, how long calls wait for it, and how much of it is kept."""

    backend: str = ESPEAK
    languages: dict[Annotated[str, Field(pattern=LANGUAGE_PATTERN)], SpeechLanguageConfig] = Field(
        default_factory=dict
    )
    backends: dict[Annotated[str, Field(pattern=NAME_PATTERN)], SpeechBackendConfig] = Field(
        default_factory=dict
    )
    words_per_minute: Annotated[int, Field(ge=80, le=450)] = 150
    limit_s: Annotated[float, Field(gt=0, le=30)] = 5.0
    kept: Annotated[int, Field(ge=10, le=1_000_000)] = 1000
    kept_mb: Annotated[float, Field(ge=1, le=1_000_000)] = 500.0


class ImpersonationConfig(Frozen):
    """The key that signs `X-CX-Sec`: from a variable of the environment, or a file."""

    key_env: str = "RINGFLOW_SECURITY_KEY"
    key_file: Path | None = Path(".ringflow/security.key")


class ChargingConfig(Frozen):
    """How calls through trunks rated `local` are charged, and how what a dead server left is settled.

    `server` names this Ringflow and its Asterisk in the ledger; servers of one Asterisk share it.
    """

    server: Annotated[str, Field(pattern=NAME_PATTERN)] = Field(default_factory=socket.gethostname)
    slice_s: Annotated[int, Field(ge=1, le=86_400)] = 3600
    warn_s: Annotated[int, Field(ge=0, le=3600)] = 60
    warning: str = "MISC/credit-ends"
    longest_call_s: Annotated[int, Field(ge=1, le=86_400)] = 14_400
    dead_after_s: Annotated[float, Field(ge=1, le=3600)] = 30.0


class CardsConfig(Frozen):
    """The key ring under which PINs and voucher codes are digested: from the environment, or a file."""

    pepper_env: str = "RINGFLOW_PIN_PEPPER"
    pepper_file: Path | None = Path(".ringflow/pin.pepper")


class CallBackConfig(Frozen):
    """Where customers may have themselves called with a code, and how often, at the house's expense.

    `countries` None: the country of `country`. `blocked`: beginnings of numbers in E.164 digits.
    """

    countries: Annotated[tuple[Country, ...], Field(min_length=1)] | None = None
    blocked: tuple[Annotated[str, Field(pattern=BEGINNING_PATTERN)], ...] = ()
    a_customer_an_hour: Annotated[int, Field(ge=1, le=100)] = 3
    a_number_a_day: Annotated[int, Field(ge=1, le=100)] = 3
    all_an_hour: Annotated[int, Field(ge=1, le=10_000)] = 60
    ring_s: Annotated[int, Field(ge=5, le=120)] = 30


class OriginateConfig(Frozen):
    """Calls that operators and programs have made.

    `devices`: endpoints of Asterisk, such as those of telephones, that may be called without a trunk.
    `at_once`: how many such calls ring at once, asked of one server.
    """

    devices: tuple[Annotated[str, Field(pattern=DEVICE_PATTERN)], ...] = ()
    ring_s: Annotated[int, Field(ge=5, le=120)] = 45
    at_once: Annotated[int, Field(ge=1, le=1000)] = 30


class RecordsConfig(Frozen):
    """How long the records of calls are kept. `keep_days: null`: for ever."""

    keep_days: Annotated[int, Field(ge=1, le=36_500)] | None = 400


class RecordingsConfig(Frozen):
    """Recordings of callers: where they are, here and as Asterisk sees it, how long, and how much of them.

    `asterisk_folder` None: the absolute path of `folder`, which is right when both run on one machine.
    `keep_days: null`: for ever; `max_mb: null`: as much as the disk has.
    """

    folder: Path = Path(".ringflow/recordings")
    asterisk_folder: Annotated[str, Field(pattern=FOLDER_PATTERN)] | None = None
    keep_days: Annotated[int, Field(ge=1, le=36_500)] | None = 30
    max_mb: Annotated[int, Field(ge=1)] | None = None
    min_free_mb: Annotated[int, Field(ge=0)] = 200


class CalendarsConfig(Frozen):
    """Calendars in files of a folder, and from where others are kept fresh.

    `networks`: private addresses that the `hosts` may have all the same.
    """

    folder: Path = Path("calendars")
    hosts: tuple[Host, ...] = ()
    networks: tuple[Network, ...] = ()
    refresh_s: Annotated[int, Field(ge=60, le=604_800)] = 3600
    stale_s: Annotated[int, Field(ge=60, le=31_536_000)] = 172_800

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """`hosts` in small letters."""
        return frozenset(host.lower() for host in self.hosts)


class ScriptsConfig(Frozen):
    """Operators' scripts: where they are, how many processes run them, and how much a run may take.

    `workers` None: as many as the machine has cores, and at least two. A run that finds all of them busy
    waits `wait_ms` at most, behind at most `queue` others. `hosts` and `networks` as of calendars.
    """

    folder: Path = Path("app_flows/scripts")
    workers: Annotated[int, Field(ge=1, le=64)] | None = None
    time_ms: Annotated[int, Field(ge=10, le=10_000)] = 2000
    memory_mb: Annotated[int, Field(ge=1, le=256)] = 32
    queue: Annotated[int, Field(ge=0, le=10_000)] = 200
    wait_ms: Annotated[int, Field(ge=0, le=10_000)] = 1000
    hosts: tuple[Host, ...] = ()
    networks: tuple[Network, ...] = ()

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """`hosts` in small letters."""
        return frozenset(host.lower() for host in self.hosts)


class SecretConfig(Frozen):
    """A secret of somebody else's: a variable of the environment, or a file, that has it."""

    env: str = ""
    file: Path | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> SecretConfig:
        if not self.env and self.file is None:
            raise ValueError("nothing says where the secret is || give `env` or `file`")
        return self


class HttpRequestsConfig(Frozen):
    """What flows may ask of other hosts over HTTP. `hosts` and `networks` as of calendars.

    `secrets`: values of headers, such as `Bearer ...`, that flows name and nobody sees. `at_once`: how many
    requests of calls are under way at once; others wait.
    """

    hosts: tuple[Host, ...] = ()
    networks: tuple[Network, ...] = ()
    secrets: dict[Annotated[str, Field(pattern=NAME_PATTERN)], SecretConfig] = Field(default_factory=dict)
    at_once: Annotated[int, Field(ge=1, le=10_000)] = 100

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """`hosts` in small letters."""
        return frozenset(host.lower() for host in self.hosts)


class LogConfig(Frozen):
    """How the log is written: JSON for programs, text for people."""

    format: Literal["json", "text"] = "json"
    level: Literal["debug", "info", "warning", "error"] = "info"


class CliPatternDeclaration(Frozen):
    """A CLI that is a pattern, marked as such: `{pattern: "^44191"}`."""

    pattern: Annotated[Text, Field(min_length=1, max_length=256)]

    def __str__(self) -> str:
        return self.pattern


class CustomerDeclaration(Frozen):
    """A customer that `config.yaml` declares."""

    id: Annotated[int, Field(ge=1)]
    name: str = ""
    status: CustomerStatus = "active"
    currency: Annotated[str, Field(pattern=CURRENCY_PATTERN)] = "USD"
    channels: Annotated[int, Field(ge=1)] | None = None
    caller_id: Digits | None = None
    language: str | None = None
    clis: tuple[WrittenCli | CliPatternDeclaration, ...] = ()


class DidDeclaration(Frozen):
    """A DID that `config.yaml` declares."""

    number: Digits
    app: str
    identify: Literal["cli", "none"] = "cli"
    customer: Annotated[int, Field(ge=1)] | None = None
    enabled: bool = True
    channels: Annotated[int, Field(ge=1)] | None = None
    reject_code: Annotated[int, Field(ge=400, le=699)] = 403
    withheld: Literal["reject", "identify"] = "identify"
    variable: str | None = None
    script: str | None = None
    script_timeout_s: Annotated[float, Field(ge=0.01, le=10)] | None = None
    script_fallback: str | None = None
    script_vars: str | None = None
    hangup_script: str | None = None
    hangup_script_timeout_s: Annotated[float, Field(ge=0.01, le=10)] | None = None
    hangup_script_vars: str | None = None


class TrunkDeclaration(Frozen):
    """A trunk that `config.yaml` declares. Trunks are tried in the order of `position`, then name."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    dial: str
    position: int = 100
    enabled: bool = True
    caller_id: Digits | None = None
    server: str = ""
    rated: Literal["local", "upstream"] = "local"
    failover: tuple[Text, ...] = DEFAULT_FAILOVER
    silent_s: int = DEFAULT_SILENT_S
    number_form: Literal["e164", "+e164", "00", "national"] = "e164"
    number_prefix: Digits | Literal[""] = ""
    caller_id_form: Literal["e164", "+e164", "00", "national"] | None = None
    caller_id_prefix: Digits | Literal[""] = ""
    as_keyed: tuple[Digits, ...] = ()
    headers: dict[str, str] = Field(default_factory=dict)
    script: str | None = None
    script_timeout_s: Annotated[float, Field(ge=0.01, le=10)] | None = None
    script_fallback: str | None = None
    script_vars: str | None = None


class Config(Frozen):
    """All of it."""

    country: Country = "US"
    language: Annotated[str, Field(pattern=LANGUAGE_PATTERN)] = "en"
    timezone: TimeZone = "UTC"
    flows: Path = Path("app_flows")
    state: Path = Path(".ringflow")
    database: DatabaseConfig = DatabaseConfig()
    fastagi: FastAgiConfig = FastAgiConfig()
    ami: AmiConfig | None = None
    http: HttpConfig | None = HttpConfig()
    sign_in: SignInConfig = SignInConfig()
    mail: MailConfig | None = None
    sounds: SoundsConfig = SoundsConfig()
    speech: SpeechConfig = SpeechConfig()
    impersonation: ImpersonationConfig = ImpersonationConfig()
    charging: ChargingConfig = Field(default_factory=ChargingConfig)
    cards: CardsConfig = CardsConfig()
    call_backs: CallBackConfig | None = CallBackConfig()
    originate: OriginateConfig | None = OriginateConfig()
    records: RecordsConfig | None = RecordsConfig()
    recordings: RecordingsConfig = RecordingsConfig()
    calendars: CalendarsConfig = CalendarsConfig()
    scripts: ScriptsConfig = ScriptsConfig()
    http_requests: HttpRequestsConfig = HttpRequestsConfig()
    apology: str = "MISC/sorry"
    uri_dial: Annotated[str, Field(pattern=URI_DIAL_PATTERN)] = "PJSIP/ringflow-uri/{uri}"
    uri_hosts: tuple[Host, ...] = ()
    log: LogConfig = LogConfig()
    customers: tuple[CustomerDeclaration, ...] = ()
    dids: tuple[DidDeclaration, ...] = ()
    trunks: tuple[TrunkDeclaration, ...] = ()

    _document: Document = PrivateAttr(default_factory=lambda: Document(str(DEFAULT_PATH), None, {}))
    _folder: Path = PrivateAttr(default_factory=Path)

    def written_in(self, document: Document) -> Config:
        """The same, of which `problem` tells where in `document` it stands."""
        config = self.model_copy()
        config._document = document
        return config

    def read_from(self, document: Document) -> Config:
        """The same, whose relative paths begin in the folder of `document` besides."""
        config = self.written_in(document)
        config._folder = Path(document.path).resolve().parent
        return config

    def problem(self, location: Location, what: str, mend: str = "") -> Problem:
        """A problem at the place where a setting is written; of the file as a whole where none of it is."""
        if location[:1] not in self._document.places:
            return Problem(self._document.path, 0, 0, what, mend)
        return self._document.problem(location, what, mend)

    @property
    def document(self) -> Document:
        """What it was read from, with the places of all that is written there."""
        return self._document

    @property
    def file(self) -> Path:
        """The file that it was read from, absolute."""
        return self._folder / Path(self._document.path).resolve().name

    def path(self, path: Path) -> Path:
        """A path of the configuration, absolute. Links stay: a folder behind one may be exchanged."""
        return Path(os.path.abspath(self._folder / path))

    @property
    def database_url(self) -> str:
        """The database's URL with a relative SQLite path made absolute."""
        head, separator, tail = self.database.url.partition("sqlite:///")
        if not separator or head or tail in ("", ":memory:") or tail.startswith("/"):
            return self.database.url
        return f"sqlite:///{self.path(Path(tail))}"

    @property
    def zone(self) -> ZoneInfo:
        """The operator's time zone: what people read and write is in it."""
        return ZoneInfo(self.timezone)

    @property
    def allowed_uri_hosts(self) -> frozenset[str]:
        """`uri_hosts` in small letters."""
        return frozenset(host.lower() for host in self.uri_hosts)

    @property
    def asterisk_sounds(self) -> str:
        """What to put before a prompt's name, without a slash at its end."""
        prefix = self.sounds.asterisk_prefix
        return str(self.path(self.sounds.folder)) if prefix is None else prefix.rstrip("/")


_SECRET_SETTINGS: tuple[tuple[type[Frozen], str, str], ...] = (
    (AmiConfig, "ami", "secret_env"),
    (CardsConfig, "cards", "pepper_env"),
    (ImpersonationConfig, "impersonation", "key_env"),
    (MailConfig, "mail", "password_env"),
)
"""The settings that name a variable of the environment."""


def load_config(
    path: Path | None = None, environ: Mapping[str, str] | None = None, *, needed: bool = True
) -> Config:
    """Read the configuration. Raises `ConfigError` with every problem.

    Without a path, `RINGFLOW_CONFIG` names the file, then `config.yaml` here. Where that is not there and not
    `needed`, the defaults and the environment are all there is; otherwise a command in the wrong folder would
    make a database of its own there.
    """
    document = read_settings(path, os.environ if environ is None else environ, needed=needed)
    config, problems = check_model(Config, document, document.value, (), PATTERN_MENDS)
    if config is None or document.problems:
        raise ConfigError([*document.problems, *problems])
    return config.read_from(document)


def read_settings(path: Path | None, environ: Mapping[str, str], *, needed: bool = True) -> Document:
    """What the file and the environment say, a mapping that `Config` may still refuse.

    Raises `ConfigError` where they cannot be read.
    """
    named = path or (Path(environ["RINGFLOW_CONFIG"]) if environ.get("RINGFLOW_CONFIG") else None)
    try:
        document = _document(named, needed)
        if not isinstance(document.value, dict | None):
            raise ConfigError([document.problem((), "is not a mapping", "write `key: value` lines")])
        unknown = _unknown_variables(document.value or {}, environ)
        for location, given in _overrides(environ).items():
            document = document.overlaid(location, given)
    except DocumentError as error:
        raise ConfigError(error.problems) from error
    return replace(document, value=document.value or {}, problems=(*document.problems, *unknown))


def _document(named: Path | None, needed: bool) -> Document:
    if named is None and not DEFAULT_PATH.exists():
        if needed:
            mend = "go to your own folder, or name its file: --config FILE; `ringflow init FOLDER` makes one"
            raise ConfigError([Problem(str(DEFAULT_PATH.absolute()), 0, 0, "is not there", mend)])
        return Document(str(DEFAULT_PATH), {}, {(): (1, 1)})
    return read_document(named or DEFAULT_PATH)


def _overrides(environ: Mapping[str, str]) -> dict[Location, Document]:
    """Settings named by the environment: RINGFLOW_HTTP__PORT=0 is ('http', 'port') -> 0."""
    found: dict[Location, Document] = {}
    for name, text in sorted(environ.items()):
        steps = _steps(name)
        if steps and steps[0] in Config.model_fields:
            found[steps] = parse_document(text, f"environment variable {name}")
    return found


def _steps(variable: str) -> tuple[str, ...]:
    """The way to the setting that a variable of the environment names; empty for those of others."""
    if not variable.startswith(ENVIRONMENT_PREFIX):
        return ()
    return tuple(variable.removeprefix(ENVIRONMENT_PREFIX).lower().split("__"))


def _unknown_variables(settings: Mapping[str, Any], environ: Mapping[str, str]) -> list[Problem]:
    """Variables that begin as ours do and are none of ours: most likely misspelt, so not passed over."""
    known = {*OTHER_VARIABLES, *_secret_variables(settings, environ)}
    names = {f"{ENVIRONMENT_PREFIX}{field.upper()}" for field in Config.model_fields}
    found = []
    for name in sorted(environ):
        steps = _steps(name)
        if steps and steps[0] not in Config.model_fields and name not in known:
            group, separator, rest = name.partition("__")
            near = nearest(group, [*names, *known])
            mend = (
                f"did you mean `{near}{separator}{rest}`?" if near else "docs/configuration.md has them all"
            )
            found.append(Problem(f"environment variable {name}", 0, 0, "names no setting", mend))
    return found


def _secret_variables(settings: Mapping[str, Any], environ: Mapping[str, str]) -> frozenset[str]:
    """The variables that hold secrets: the names that settings give them, and those by default."""
    names = set()
    for model, group, setting in _SECRET_SETTINGS:
        names.add(str(model.model_fields[setting].default))
        written = settings.get(group)
        if isinstance(written, Mapping):
            names.add(str(written.get(setting)))
        names.add(environ.get(f"{ENVIRONMENT_PREFIX}{group}__{setting}".upper(), ""))
    names |= {str(one["secret_env"]) for one in _speech_services(settings) if "secret_env" in one}
    names |= {str(one["env"]) for one in _request_secrets(settings) if "env" in one}
    return frozenset(names)


def _request_secrets(settings: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The secrets of requests of flows, as they are written."""
    requests = settings.get("http_requests")
    secrets = requests.get("secrets") if isinstance(requests, Mapping) else None
    for secret in secrets.values() if isinstance(secrets, Mapping) else ():
        if isinstance(secret, Mapping):
            yield secret


def _speech_services(settings: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The HTTP services that speak texts, as they are written."""
    speech = settings.get("speech")
    backends = speech.get("backends") if isinstance(speech, Mapping) else None
    for backend in backends.values() if isinstance(backends, Mapping) else ():
        http = backend.get("http") if isinstance(backend, Mapping) else None
        if isinstance(http, Mapping):
            yield http
