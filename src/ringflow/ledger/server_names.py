"""Which run of a server goes by a name, and which Asterisk it is on. Two living servers never share a name.

A server that was killed must be able to start again at once. On its own machine the one that starts sees
whether the process of the one before still runs. Elsewhere, or in another container, it watches for a while
whether that one still says that it lives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.errors import StartError
from ringflow.ledger.server_liveness import see_server
from ringflow.ledger.server_process import ServerProcess, this_process
from ringflow.store import Store
from ringflow.store.statement import Statement

log = structlog.get_logger("ringflow.servers")

BOOT_MARK = "#"
"""Between a server's name and what tells its runs apart."""

WATCHED_SHARE = 0.5
"""Of the silence that counts as a death: three signs of life must be missing."""

LOOKS = 30
"""How often the one before is looked at while it is watched."""

_PROCESS = "host, boot_id, pid_namespace, pid, pid_started"
_TAKE_FREE = Statement(
    f"INSERT INTO servers (name, run, {_PROCESS}) "  # noqa: S608 -- our own column names
    "VALUES (:name, :run, :host, :boot_id, :pid_namespace, :pid, :pid_started) "
    "ON CONFLICT (name) DO NOTHING RETURNING name",
    name="text",
    run="text",
    host="text",
    boot_id="text",
    pid_namespace="bigint",
    pid="bigint",
    pid_started="bigint",
)
_HOLDER = Statement(
    "SELECT n.run, n.host, n.boot_id, n.pid_namespace, n.pid, n.pid_started, "
    "COALESCE(s.seen_ms, 0), s.ended_ms FROM servers AS n LEFT JOIN ledger_servers AS s ON s.id = n.run "
    "WHERE n.name = :name",
    name="text",
)
_TAKE_OVER = Statement(
    "UPDATE servers SET run = :run, host = :host, boot_id = :boot_id, pid_namespace = :pid_namespace, "
    "pid = :pid, pid_started = :pid_started, asterisk = '', asterisk_started = '', asterisk_seen_ms = 0 "
    "WHERE name = :name AND run = :before RETURNING name",
    name="text",
    run="text",
    before="text",
    host="text",
    boot_id="text",
    pid_namespace="bigint",
    pid="bigint",
    pid_started="bigint",
)
_LEAVE = Statement("DELETE FROM servers WHERE name = :name AND run = :run", name="text", run="text")
_END = Statement(
    "UPDATE ledger_servers SET ended_ms = :now_ms WHERE id = :run AND ended_ms IS NULL",
    run="text",
    now_ms="bigint",
)
_ON_ASTERISK = Statement(
    "UPDATE servers SET asterisk = :asterisk, asterisk_started = :started, asterisk_seen_ms = :now_ms "
    "WHERE name = :name AND run = :run",
    name="text",
    run="text",
    asterisk="text",
    started="text",
    now_ms="bigint",
)
_OTHERS = Statement(
    "SELECT name FROM servers WHERE name <> :name AND asterisk = :asterisk AND asterisk_started <> :started "
    "AND asterisk_seen_ms >= :seen_ms ORDER BY name",
    name="text",
    asterisk="text",
    started="text",
    seen_ms="bigint",
)
_ATTENDED = Statement(
    "SELECT DISTINCT asterisk FROM servers WHERE asterisk <> '' AND asterisk_seen_ms >= :seen_ms",
    seen_ms="bigint",
)


@dataclass(frozen=True, slots=True)
class _Holder:
    """The run that goes by a name, and what was last seen of it."""

    run: str
    process: ServerProcess
    seen_ms: int
    ended_ms: int | None


def server_name(run: str) -> str:
    """The name that a run goes by: what stands before the mark of its boot."""
    return run.partition(BOOT_MARK)[0]


async def attended_asterisks(connection: AsyncConnection, seen_ms: int) -> set[str]:
    """The Asterisks that some server has asked since then, through its manager interface."""
    return {row[0] for row in await _ATTENDED.run(connection, seen_ms=seen_ms)}


class ServerName:
    """The name of one run of a server. `run` begins with the name and tells this run from all others.

    `silent_s`: a server that has not said for so long that it lives is dead.
    """

    def __init__(
        self,
        store: Store,
        run: str,
        silent_s: float,
        now_ms: Callable[[], int],
        process: ServerProcess | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = server_name(run)
        self.run = run
        self._store = store
        self._silent_s = silent_s
        self._now_ms = now_ms
        self._process = process or this_process()
        self._sleep = sleep

    async def take(self) -> None:
        """Go by the name from now on. Raises `StartError` while another living server does, and `StoreGone`.

        The run that went by it before is over, and what it left may be taken up at once.
        """
        while True:
            holder = await self._take_free()
            if holder is None:
                return
            await self._check_gone(holder)
            if await self._take_over(holder):
                log.info("name taken over", server=self.name, before=holder.run)
                return

    async def is_ours(self) -> bool:
        """Whether this run still goes by its name; one that was taken for dead may find that another does."""
        async with self._store.reading() as connection:
            found = await _HOLDER.run(connection, name=self.name)
        return not found or found[0][0] == self.run

    async def leave(self) -> None:
        """This run is over."""
        async with self._store.writing() as connection:
            await _LEAVE.run(connection, name=self.name, run=self.run)
            await _END.run(connection, run=self.run, now_ms=self._now_ms())

    async def note_asterisk(self, asterisk: str, started: str) -> list[str]:
        """Note which Asterisk this server is on; return the servers that say the same of an Asterisk of
        another start.

        Those are on a copy of it, or it was started anew a moment ago and they have not noticed yet.
        """
        now_ms = self._now_ms()
        async with self._store.writing() as connection:
            await _ON_ASTERISK.run(
                connection, name=self.name, run=self.run, asterisk=asterisk, started=started, now_ms=now_ms
            )
            others = await _OTHERS.run(
                connection,
                name=self.name,
                asterisk=asterisk,
                started=started,
                seen_ms=now_ms - round(self._silent_s * 1000),
            )
        return [row[0] for row in others]

    async def _take_free(self) -> _Holder | None:
        """Take a name that nobody goes by; return who does."""
        async with self._store.writing() as connection:
            if await _TAKE_FREE.run(connection, **self._columns()):
                await see_server(connection, self.run, self._now_ms())
                return None
            found = await _HOLDER.run(connection, name=self.name)
        # It may have been left between the two statements.
        if not found:
            return await self._take_free()
        run, host, boot_id, namespace, pid, started, seen_ms, ended_ms = tuple(found[0])
        return _Holder(run, ServerProcess(host, boot_id, namespace, pid, started), seen_ms, ended_ms)

    async def _take_over(self, holder: _Holder) -> bool:
        async with self._store.writing() as connection:
            if not await _TAKE_OVER.run(connection, before=holder.run, **self._columns()):
                return False
            await _END.run(connection, run=holder.run, now_ms=self._now_ms())
            await see_server(connection, self.run, self._now_ms())
        return True

    async def _check_gone(self, holder: _Holder) -> None:
        """Return when the one before is dead. Raises `StartError` when it lives."""
        running = holder.process.is_running()
        silent_ms = round(self._silent_s * 1000)
        if holder.ended_ms is not None or running is False:
            return
        if running is None and self._now_ms() - holder.seen_ms > silent_ms:
            return
        if running or await self._is_seen_again(holder):
            where = f"process {holder.process.pid} on {holder.process.host}"
            raise StartError(
                f"another server named {self.name!r} lives ({where}): stop it, or give this one a "
                "`charging.server` of its own"
            )

    async def _is_seen_again(self, holder: _Holder) -> bool:
        """Watch whether a run on another machine still says that it lives."""
        watch_s = self._silent_s * WATCHED_SHARE
        log.warning(
            "name in use", server=self.name, by=holder.run, host=holder.process.host, watched_s=watch_s
        )
        for _ in range(LOOKS):
            await self._sleep(watch_s / LOOKS)
            async with self._store.reading() as connection:
                found = await _HOLDER.run(connection, name=self.name)
            if not found:
                return False
            run, *_, seen_ms, _ended_ms = tuple(found[0])
            if run == holder.run and seen_ms > holder.seen_ms:
                return True
        return False

    def _columns(self) -> dict[str, Any]:
        return {"name": self.name, "run": self.run, **asdict(self._process)}
