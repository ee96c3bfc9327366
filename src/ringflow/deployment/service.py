"""The systemd unit that starts a server at boot, ends it without cutting calls off, and fences it in."""

from __future__ import annotations

import math
import re
from pathlib import Path

from ringflow.config import Config
from ringflow.errors import Refused

UNIT_FOLDER = Path("/etc/systemd/system")
UNIT = "ringflow.service"

STOP_MARGIN_S = 15
"""From the end of the calls to the last record: `app.py` gives hang-ups 2 s and records 5 s."""

FILES_BESIDE_CALLS = 1024
"""Descriptors of the database, the log, HTTP and what Python has open."""

_PLAIN = re.compile(r"[A-Za-z0-9_./:@+-]+")


def unit_text(config: Config, program: Path, user: str) -> str:
    """The unit for a configuration. Raises `Refused` for a path or user that systemd would read otherwise."""
    folder = config.file.parent
    for value in (str(folder), str(config.file), str(program), user):
        if not _PLAIN.fullmatch(value):
            raise Refused(
                "service.malformed_value",
                f"{value}: a unit takes letters, digits and _ . / : @ + -; use another path or name",
                value=str(value),
            )
    stop_s = math.ceil(config.fastagi.drain_s) + STOP_MARGIN_S
    files = config.fastagi.max_calls + FILES_BESIDE_CALLS
    return f"""[Unit]
Description=Ringflow, call flows and calling cards on Asterisk
After=network-online.target postgresql.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart={program} --config {config.file} serve
WorkingDirectory={folder}
User={user}
Restart=always
RestartSec=2
# SIGTERM: no new calls, and those in progress may go on for fastagi.drain_s.
KillSignal=SIGTERM
KillMode=mixed
TimeoutStopSec={stop_s}
# A descriptor for each of fastagi.max_calls, and those of the rest.
LimitNOFILE={files}
StandardOutput=journal
StandardError=journal
SyslogIdentifier=ringflow
UMask=0077

NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths={folder}
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""
