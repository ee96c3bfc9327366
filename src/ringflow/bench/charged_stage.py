"""What measurements of money call: a lab Asterisk, a server that may be killed, a customer with credit."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ringflow.actor import acting, shell_operator
from ringflow.bench.seed_call import CLI, DID
from ringflow.bench.sip_round import Way
from ringflow.errors import StartError
from ringflow.lab import Lab
from ringflow.lab.ports import free_tcp_port
from ringflow.ledger.check import Finding, check_books
from ringflow.ledger.payments import Purpose, pay_in
from ringflow.ledger.rates.card import create_card
from ringflow.ledger.terms import Terms
from ringflow.moments import system_now_ms
from ringflow.store import Store
from ringflow.store.ledger_tables import ledger_holds, ledger_marks, rates

CUSTOMER = 42
CREDIT_MICROS = 10_000_000 * 1_000_000
TRUNK = "callee01"
TERMS = Terms("USD", price_micros=60_000_000, decimals=6)
"""One dollar for each second begun: a charge tells the talk to a second, the log to a millisecond."""

START_LIMIT_S = 30.0
KEY_VARIABLE = "RINGFLOW_BENCH_KEY"


@dataclass
class KillableServer:
    """`ringflow serve` as a process of its own, and what all of its runs logged."""

    config: Path
    key: str = field(default_factory=lambda: secrets.token_hex(32))
    logged: list[dict[str, Any]] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None
    _reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and wait until it takes calls. Raises `StartError`."""
        known = len(self.logged)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RINGFLOW_")}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ringflow", "--config", str(self.config), "serve",
            stderr=asyncio.subprocess.PIPE, env=environment | {KEY_VARIABLE: self.key},
            # One that starts takes a core: on a small machine whoever looks at the wire would look late.
            preexec_fn=lambda: os.nice(10),
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read(self.process))
        limit = asyncio.get_running_loop().time() + START_LIMIT_S
        while not any(one.get("event") == "ready" for one in self.logged[known:]):
            if self.process.returncode is not None or asyncio.get_running_loop().time() > limit:
                raise StartError(f"ringflow serve did not become ready: {self.logged[known:][-3:]}")
            await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """SIGKILL: no word is said, nothing is written."""
        if self.process is not None and self._reading is not None:
            if self.process.returncode is None:
                self.process.kill()
            await self.process.wait()
            await self._reading
            self.process = None

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.logged.append(json.loads(line) if line.startswith(b"{") else {"event": line.decode()})


@dataclass(frozen=True, slots=True)
class ChargedStage:
    """The running lab, the server on its FastAGI port (not started yet), and the books."""

    lab: Lab
    way: Way
    server: KillableServer
    store: Store

    def rate(self, rated: str) -> None:
        """From the next start on, calls are `local`: charged here, or `upstream`: for nothing."""
        config = yaml.safe_load(self.server.config.read_text("utf-8"))
        config["trunks"][0]["rated"] = rated
        self.server.config.write_text(yaml.safe_dump(config), "utf-8")

    async def left_over(self) -> tuple[int, int]:
        """How many holds stand, and how many calls are counted as in progress."""
        async with self.store.reading() as connection:
            held = ledger_holds.select().where(ledger_holds.c.state == "held")
            holds = (await connection.execute(held)).all()
            marks = (await connection.execute(ledger_marks.select())).all()
        return len(holds), len(marks)

    async def findings(self) -> list[Finding]:
        """What is wrong with the books."""
        return await check_books(self.store, system_now_ms())


@asynccontextmanager
async def charged_stage(
    folder: Path,
    project: Path,
    lab: Lab,
    *,
    database_url: str | None = None,
    with_ami: bool = True,
    dead_after_s: float = 3.0,
    credit_micros: int | None = CREDIT_MICROS,
    fastagi_port: int | None = None,
    charging: Mapping[str, object] | None = None,
) -> AsyncIterator[ChargedStage]:
    """Put the lab up, with everything else below `folder`; the server is killed at the end.

    `charging`: further settings of that name. `credit_micros` None: another stage of this database gives it
    and a rate. `fastagi_port`: where the lab's calls go and the server listens.
    """
    fastagi_port = fastagi_port or free_tcp_port()
    state = await asyncio.to_thread(lab.up, fastagi_port)
    config: dict[str, Any] = {
        "flows": str(project / "app_flows"),
        "sounds": {"folder": str(project / "sounds")},
        "database": {"url": database_url or f"sqlite:///{folder}/charged.db"},
        "fastagi": {"port": fastagi_port, "drain_s": 0},
        "http": None,
        "impersonation": {"key_env": KEY_VARIABLE},
        "charging": {"server": "crash", "dead_after_s": dead_after_s, **(charging or {})},
        "customers": [{"id": CUSTOMER, "clis": [CLI], "channels": 1000}],
        "dids": [{"number": DID, "app": "calling_card"}],
        "trunks": [{"name": "carrier", "dial": f"PJSIP/{{number}}@{TRUNK}"}],
    }
    if with_ami:
        config["ami"] = {"port": state.ami_port, "secret_file": str(lab.asterisk().config / "ami.secret")}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config), "utf-8")
    store = await Store.open(config["database"]["url"])
    server = KillableServer(path)
    try:
        await store.migrate()
        # The first run writes the customer that the configuration declares.
        await server.start()
        await server.kill()
        if credit_micros is not None:
            await give_credit(store, credit_micros)
        way = Way(DID, state.sip_port, state.trunks[TRUNK])
        yield ChargedStage(lab, way, server, store)
    finally:
        await server.kill()
        await store.close()
        await asyncio.to_thread(lab.down)


async def give_credit(store: Store, credit_micros: int = CREDIT_MICROS) -> None:
    """Credit, unless said otherwise for many calls at once, and a rate for them."""
    async with acting(store, shell_operator("bench"), "US") as actor:
        await pay_in(actor, CUSTOMER, credit_micros, Purpose("credit", "measurement"))
        card = await create_card(
            actor,
            "bench",
            "USD",
            decimals=TERMS.decimals,
            rounding=TERMS.rounding,
            default=True,
        )
        rate = {
            "card_id": card.id, "prefix": "4", "price_micros": TERMS.price_micros, "connection_micros": 0,
            "minimum_s": TERMS.minimum_s, "increment_s": TERMS.increment_s, "grace_s": 0, "from_ms": 0,
        }  # fmt: skip
        await actor.connection.execute(rates.insert().values(**rate))
