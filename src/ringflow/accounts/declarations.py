"""What `config.yaml` declares, applied to the directory when a server starts.

Rows made here are marked `config`. Those no longer declared are deleted, each with a warning in the log; a
customer on whom an operator's CLIs or DIDs still lean is set `inactive` instead: its calls must stop and its
records must not. A row that an
operator made under the same name is a conflict: neither side is guessed to be right.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from contextlib import suppress

import structlog

from ringflow.accounts import clis, customers, dids, trunks
from ringflow.accounts.customers import Customer
from ringflow.accounts.did_patterns import did_pattern, looks_like_pattern
from ringflow.accounts.dids import Did
from ringflow.accounts.directory_changes import lock_directory, refuse_foreign
from ringflow.accounts.trunks import Trunk
from ringflow.actor import CONFIGURATION, Actor, acting
from ringflow.config import (
    CliPatternDeclaration,
    Config,
    CustomerDeclaration,
    DidDeclaration,
    TrunkDeclaration,
)
from ringflow.documents import Location
from ringflow.errors import ConfigError, Problem, Refused, Unknown
from ringflow.numbers import normalise_number
from ringflow.store import Store

log = structlog.get_logger("ringflow.accounts")

_PATTERN_SIGNS = frozenset("\\^$*?|[{")
CHECKED_URL = "sqlite:///:memory:"
"""Where declarations are tried out; the operators' database has no part in it."""


async def check_declarations(config: Config) -> list[Problem]:
    """What is wrong with the declarations by themselves: all that an empty database would refuse."""
    store = await Store.open(CHECKED_URL)
    try:
        await store.migrate()
        await apply_declarations(store, config)
    except ConfigError as error:
        return list(error.problems)
    finally:
        await store.close()
    return []


async def apply_declarations(store: Store, config: Config) -> None:
    """Make the directory what `config.yaml` declares, in one transaction; what is so already is not touched.

    Raises `ConfigError` with every declaration that cannot be applied; then nothing is changed.
    """
    async with acting(store, CONFIGURATION, config.country) as actor:
        declaring = _Declaring(actor, config)
        await declaring.everything()
        if declaring.problems:
            raise ConfigError(declaring.problems)
    for noun, name, outcome in declaring.removed:
        log.warning("declaration removed", noun=noun, name=name, outcome=outcome, file=str(config.file))


class _Declaring:
    """One application of the declarations, collecting what is refused."""

    def __init__(self, actor: Actor, config: Config) -> None:
        self.actor = actor
        self.config = config
        self.problems: list[Problem] = []
        self.removed: list[tuple[str, str, str]] = []
        """What is no longer declared: its noun, its name, and `deleted` or `inactive`."""

    async def everything(self) -> None:
        config = self.config
        await lock_directory(self.actor)
        self._refuse_twice("customers", "id", "customer", (str(one.id) for one in config.customers))
        self._refuse_twice("dids", "number", "DID", (self._did_key(one) for one in config.dids))
        self._refuse_twice("trunks", "name", "trunk", (one.name for one in config.trunks))
        # What is gone goes first: its numbers may be declared elsewhere now.
        await self._remove_undeclared()
        for index, customer in enumerate(config.customers):
            noun, at = f"customer {customer.id}", ("customers", index)
            if not await self._tried(noun, at, self._customer(customer)):
                await self._stand_in(customer.id)
            for number, declared in enumerate(customer.clis):
                await self._tried(noun, (*at, "clis", number), self._cli(customer.id, declared))
        for index, did in enumerate(config.dids):
            await self._tried(f"DID {did.number}", ("dids", index), self._did(did))
        for index, trunk in enumerate(config.trunks):
            await self._tried(f"trunk {trunk.name}", ("trunks", index), self._trunk(trunk))
        await self._remove_customers()

    async def _tried(self, noun: str, at: Location, work: Awaitable[None]) -> bool:
        try:
            await work
        except Refused as error:
            for one in error.each:
                line = str(one) if str(one).startswith(noun) else f"{noun}: {one}"
                mend = "add or declare it first" if isinstance(one, Unknown) else ""
                self.problems.append(self.config.problem((*at, *one.at), line, mend))
            return False
        return True

    def _refuse_twice(self, group: str, key: str, noun: str, names: Iterable[str]) -> None:
        seen: set[str] = set()
        for index, name in enumerate(names):
            if name in seen:
                what = f"{noun} {name} is declared twice"
                self.problems.append(self.config.problem((group, index, key), what, "keep one of them"))
            seen.add(name)

    def _did_key(self, did: DidDeclaration) -> str:
        if looks_like_pattern(did.number):
            with suppress(Refused):
                return did_pattern(did.number)
        return normalise_number(did.number, self.actor.country) or did.number

    async def _customer(self, declared: CustomerDeclaration) -> None:
        fields = declared.model_dump(exclude={"clis", "id"})
        if declared.language is None:
            # One that a caller chose stays.
            del fields["language"]
        if await customers.find(self.actor.connection, declared.id) is None:
            await customers.add(self.actor, Customer(declared.id, **fields))
        else:
            await customers.alter(self.actor, declared.id, **fields)

    async def _stand_in(self, customer_id: int) -> None:
        """For a customer that was refused, so that what leans on it can be tried: nothing of it is kept."""
        if await customers.find(self.actor.connection, customer_id) is None:
            await customers.add(self.actor, Customer(customer_id))

    async def _cli(self, customer_id: int, declared: str | CliPatternDeclaration) -> None:
        number, pattern = _read_cli(declared, self.actor.country)
        found = await clis.find_exact(self.actor.connection, number, pattern)
        if found is not None and found.customer_id == customer_id:
            refuse_foreign(self.actor, found.source, str(found))
        elif number is not None:
            await clis.add_number(self.actor, customer_id, number)
        elif pattern is not None:
            await clis.add_pattern(self.actor, customer_id, pattern)

    async def _did(self, declared: DidDeclaration) -> None:
        fields = declared.model_dump(exclude={"number", "customer"}) | {"customer_id": declared.customer}
        if await dids.find(self.actor.connection, declared.number, self.actor.country) is None:
            await dids.add(self.actor, Did(declared.number, **fields))
        else:
            await dids.alter(self.actor, declared.number, **fields)

    async def _trunk(self, declared: TrunkDeclaration) -> None:
        fields = declared.model_dump(exclude={"name"})
        if await trunks.find(self.actor.connection, declared.name) is None:
            await trunks.add(self.actor, Trunk(declared.name, **fields))
        else:
            await trunks.alter(self.actor, declared.name, **fields)

    async def _remove_undeclared(self) -> None:
        connection, country, config = self.actor.connection, self.actor.country, self.config
        kept_clis = {
            (customer.id, *kept)
            for customer in config.customers
            for declared in customer.clis
            if (kept := _kept_cli(declared, country)) is not None
        }
        for cli in await clis.every(connection, source="config"):
            if (cli.customer_id, cli.number, cli.pattern) not in kept_clis:
                await clis.remove(self.actor, cli)
                self.removed.append(("CLI", cli.number or cli.pattern or "", "deleted"))
        kept_dids = {self._did_key(did) for did in config.dids}
        for did in await dids.every(connection, source="config"):
            if did.number not in kept_dids:
                await dids.delete(self.actor, did.number)
                self.removed.append(("DID", did.number, "deleted"))
        kept_trunks = {trunk.name for trunk in config.trunks}
        for trunk in await trunks.every(connection, source="config"):
            if trunk.name not in kept_trunks:
                await trunks.delete(self.actor, trunk.name)
                self.removed.append(("trunk", trunk.name, "deleted"))

    async def _remove_customers(self) -> None:
        kept = {customer.id for customer in self.config.customers}
        for customer in await customers.every(self.actor.connection, source="config"):
            if customer.id in kept:
                continue
            try:
                await customers.delete(self.actor, customer.id)
                self.removed.append(("customer", str(customer.id), "deleted"))
            except Refused:
                # It has CLIs, DIDs, cards or money that this file does not speak of.
                await customers.alter(self.actor, customer.id, status="inactive")
                if customer.status != "inactive":
                    self.removed.append(("customer", str(customer.id), "inactive"))


def _read_cli(declared: str | CliPatternDeclaration, country: str) -> tuple[str | None, str | None]:
    """The number or the pattern of a declared CLI. Raises `Refused` for what is neither.

    A pattern is marked as one, `{pattern: "^44191"}`, or begins with `^`, as no number does.
    """
    if isinstance(declared, CliPatternDeclaration):
        return None, declared.pattern
    if declared.startswith("^"):
        return None, declared
    try:
        return clis.cli_number(declared, country), None
    except Refused as error:
        if not _PATTERN_SIGNS & set(declared):
            raise
        written = declared.replace("'", "''")
        raise error.reworded(f"{error}; if it is a pattern, write {{pattern: '{written}'}}") from None


def _kept_cli(declared: str | CliPatternDeclaration, country: str) -> tuple[str | None, str | None] | None:
    """The same; None for what is refused when it is applied."""
    try:
        return _read_cli(declared, country)
    except Refused:
        return None
