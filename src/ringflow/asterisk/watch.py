"""Looks at the running Asterisk when the manager interface is reached, and from time to time after that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from ringflow.accounts.trunks import Trunk
from ringflow.ami.link import AmiLink, LinkState
from ringflow.asterisk.file_facts import read_files
from ringflow.asterisk.findings import Finding, Severity
from ringflow.asterisk.inspection import inspect
from ringflow.asterisk.manager_facts import missing_sounds, read_facts
from ringflow.calls.outcome import URI_TRUNK
from ringflow.config import AmiConfig, Config
from ringflow.errors import RingflowError
from ringflow.recordings.folder import RecordingFailed, RecordingFolder
from ringflow.recordings.service import configured_folder
from ringflow.sounds.library import PromptLibrary
from ringflow.sounds.voices import GENERATED

log = structlog.get_logger("ringflow.asterisk")

EVERY_S = 3600.0
"""How long after a look at an Asterisk that stays connected the next one follows."""


async def check_asterisk(
    link: AmiLink, config: Config, trunks: Sequence[Trunk], fastagi_port: int | None
) -> list[Finding]:
    """What endangers calls or money on the Asterisk behind the link. Raises as `AmiLink` does."""
    prompts = prompts_to_find(config)
    user = (config.ami or AmiConfig()).user
    facts = await read_facts(link, dialled_by(config, trunks), user, prompts)
    facts = replace(facts, recordings_problem=await recordings_problem(link, configured_folder(config)))
    return inspect(facts, with_manager=True, fastagi_port=fastagi_port)


async def recordings_problem(link: AmiLink, folder: RecordingFolder) -> str:
    """What is wrong with the folder of recordings, in words; empty: nothing. Raises as `AmiLink` does.

    Asterisk is asked for a file that is put there for that.
    """
    try:
        with folder.probe() as sound:
            missing = await missing_sounds(link, [sound])
    except RecordingFailed as error:
        return str(error)
    return (
        f"Asterisk does not see the files of {folder.folder} in {folder.asterisk_folder}" if missing else ""
    )


def prompts_to_find(config: Config) -> list[str]:
    """Return the library's prompts by the names that Asterisk plays, without texts spoken for calls."""
    library = PromptLibrary(config.path(config.sounds.folder))
    prefix = config.asterisk_sounds
    names = [name for name in library.names() if not name.startswith(f"{GENERATED}/")]
    return [f"{prefix}/{name}" if prefix else name for name in names]


def check_files(
    folder: Path, config: Config, trunks: Sequence[Trunk], fastagi_port: int | None
) -> list[Finding]:
    """The same from the files in a folder such as `/etc/asterisk`. Raises `StartError`."""
    facts = read_files(folder, dialled_by(config, trunks), (config.ami or AmiConfig()).user)
    return inspect(facts, with_manager=config.ami is not None, fastagi_port=fastagi_port)


def dialled_by(config: Config, trunks: Sequence[Trunk]) -> list[Trunk]:
    """Everything that Ringflow dials: the trunks, and the way to SIP URIs where any host is allowed."""
    uri = [Trunk(URI_TRUNK, config.uri_dial)] if config.uri_hosts else []
    return [*trunks, *uri]


class AsteriskWatch:
    """Keeps what the last look found. `findings` is None before the first one."""

    def __init__(
        self,
        link: AmiLink,
        config: Config,
        trunks: Callable[[], Awaitable[Sequence[Trunk]]],
        fastagi_port: Callable[[], int],
    ) -> None:
        self.findings: list[Finding] | None = None
        self._link = link
        self._config = config
        self._trunks = trunks
        self._fastagi_port = fastagi_port
        self._logged: set[Finding] = set()

    async def run(self) -> None:
        """Look at each new connection and every hour, until cancelled."""
        while True:
            while self._link.state is not LinkState.UP:
                await self._link.wait_change()
            connection = self._link.connections
            try:
                await self.look()
            except RingflowError as error:
                log.warning("asterisk not checked", detail=str(error))
            except Exception:
                # Boundary: our own bug must not end the watch; the next look may succeed.
                log.exception("the check of Asterisk failed")
            try:
                async with asyncio.timeout(EVERY_S):
                    while self._link.connections == connection:
                        await self._link.wait_change()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """One look. Each finding is logged once. Raises what the database and the link raise."""
        trunks = await self._trunks()
        self.findings = await check_asterisk(self._link, self._config, trunks, self._fastagi_port())
        for finding in self.findings:
            if finding not in self._logged and finding.severity is not Severity.NOTE:
                self._logged.add(finding)
                write = log.error if finding.severity is Severity.SERIOUS else log.warning
                write("asterisk check", where=finding.where, what=finding.what, change=finding.change)

    @property
    def serious(self) -> list[Finding]:
        """The serious findings of the last look."""
        return [one for one in self.findings or () if one.severity is Severity.SERIOUS]
