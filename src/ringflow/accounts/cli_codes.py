"""Calling numbers that several customers share: each of them has a code, which is asked for after the number.

Such a number is no CLI of anybody: by itself it identifies nobody. A code is known to who made it, once; the
database has its digest, bound to the number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import customers
from ringflow.accounts.cards.pin import draw_pins, pin_count
from ringflow.accounts.clis import cli_number, find_exact
from ringflow.accounts.directory_changes import MAX_INTEGER, lock_directory
from ringflow.accounts.fields import check_range, check_text
from ringflow.accounts.peppers import Peppers
from ringflow.actor import Actor
from ringflow.audit import Verb, note
from ringflow.errors import Conflict, Unknown
from ringflow.store.caller_tables import cli_codes
from ringflow.store.conditions import begins_with
from ringflow.store.page_filters import Filters, OwnIndex
from ringflow.store.pages import Listing, Page, PageRequest

MIN_CODE_DIGITS = 4
MAX_CODE_DIGITS = 8
DEFAULT_CODE_DIGITS = 6
CODE_DENSITY = 1_000
"""Of the codes of one length, at most one in so many is given at a number: a guess may hit any of them."""


@dataclass(frozen=True, slots=True)
class CliCode:
    """A customer's code at a number (E.164 digits) that others have too. `set_ms`: when the code was made."""

    id: int
    number: str
    customer_id: int
    digits: int
    notes: str
    set_ms: int

    def __str__(self) -> str:
        return f"CLI {self.number} of customer {self.customer_id}"


@dataclass(frozen=True, slots=True)
class CliCodeFilter:
    """Which codes: those that fit all given. `search`: how a number begins."""

    customer_id: int | None = None
    search: str | None = None


COLUMNS = tuple(cli_codes.c[name] for name in CliCode.__slots__)
CLI_CODES = Listing(
    "codes of shared CLIs",
    {"id": (cli_codes.c.id,), "number": (cli_codes.c.number, cli_codes.c.id)},
    first="number",
)


async def add_code(
    actor: Actor, customer_id: int, text: str, digits: int, notes: str, peppers: Peppers
) -> tuple[CliCode, str]:
    """Let a customer call from a number that others have too; gives the code, which nobody is shown again.

    Raises `Refused`: no number, one that identifies somebody by itself, a customer who has a code there, too
    many customers for codes of so few digits.
    """
    await lock_directory(actor)
    number = cli_number(text, actor.country)
    check_text(notes, "notes")
    check_range(digits, MIN_CODE_DIGITS, MAX_CODE_DIGITS, "digits")
    await customers.show(actor.connection, customer_id)
    alone = await find_exact(actor.connection, number, None)
    if alone is not None:
        raise Conflict(
            "cli.taken",
            f"{alone} identifies customer {alone.customer_id} by itself; delete it there first",
            number=number,
            customer=alone.customer_id,
        )
    same = select(func.count()).where(cli_codes.c.number == number, cli_codes.c.customer_id == customer_id)
    if (await actor.connection.execute(same)).scalar_one():
        raise Conflict(
            "cli_code.taken",
            f"customer {customer_id} has a code at CLI {number} already; rotate it for a new one",
            number=number,
            customer=customer_id,
        )
    code = await _draw(actor, number, digits, peppers)
    row = {"number": number, "customer_id": customer_id, "notes": notes, "set_ms": actor.now_ms}
    statement = cli_codes.insert().values(row | _kept(number, code, peppers)).returning(cli_codes.c.id)
    made_id = (await actor.connection.execute(statement)).scalar_one()
    made = CliCode(made_id, number, customer_id, digits, notes, actor.now_ms)
    await note(actor, Verb.ADD, str(made), None, made)
    return made, code


async def rotate_code(
    actor: Actor, code_id: int, digits: int | None, peppers: Peppers
) -> tuple[CliCode, str]:
    """Give a customer another code at the number; the old one opens nothing more. Raises `Refused`."""
    await lock_directory(actor)
    old = await show_code(actor.connection, code_id)
    digits = old.digits if digits is None else digits
    check_range(digits, MIN_CODE_DIGITS, MAX_CODE_DIGITS, "digits")
    code = await _draw(actor, old.number, digits, peppers, besides=code_id)
    values = _kept(old.number, code, peppers) | {"set_ms": actor.now_ms}
    await actor.connection.execute(cli_codes.update().where(cli_codes.c.id == code_id).values(values))
    new = replace(old, digits=digits, set_ms=actor.now_ms)
    await note(actor, Verb.SET, str(new), old, new)
    return new, code


async def delete_code(actor: Actor, code_id: int) -> CliCode:
    """Take a customer's code away; gives what it was. Raises `Refused`."""
    await lock_directory(actor)
    gone = await show_code(actor.connection, code_id)
    await actor.connection.execute(cli_codes.delete().where(cli_codes.c.id == code_id))
    await note(actor, Verb.DELETE, str(gone), gone, None)
    return gone


async def show_code(connection: AsyncConnection, code_id: int) -> CliCode:
    """The code with this id, without its digits. Raises `Refused` when there is none."""
    found = None
    if 1 <= code_id <= MAX_INTEGER:
        found = (await connection.execute(select(*COLUMNS).where(cli_codes.c.id == code_id))).one_or_none()
    if found is None:
        raise Unknown("cli_code.unknown", f"there is no code {code_id} of a shared CLI", cli_code=code_id)
    return CliCode(*found)


async def code_page(connection: AsyncConnection, wanted: CliCodeFilter, asked: PageRequest) -> Page[CliCode]:
    """Read a page of codes, of which none is shown."""
    tried = []
    few = []
    if wanted.search is not None:
        tried.append(begins_with(cli_codes.c.number, wanted.search.removeprefix("+"), digits=True))
        few.append(OwnIndex(cli_codes.c.id, select(cli_codes.c.id).where(*tried)))
    filters = Filters([(cli_codes.c.customer_id, wanted.customer_id)], tried, few)
    return await CLI_CODES.page(connection, select(*COLUMNS), asked, lambda row: CliCode(*row), filters)


def code_message(number: str, code: str) -> str:
    """What is digested of a code."""
    return f"ringflow-cli-code-v1\n{number}\n{code}"


def is_code(text: str) -> bool:
    """Whether this can be a code: 4 to 8 ASCII digits."""
    return MIN_CODE_DIGITS <= len(text) <= MAX_CODE_DIGITS and text.isascii() and text.isdigit()


async def _draw(actor: Actor, number: str, digits: int, peppers: Peppers, besides: int | None = None) -> str:
    """A code that nobody has at the number."""
    there = select(func.count()).where(
        cli_codes.c.number == number, cli_codes.c.digits == digits, cli_codes.c.id != (besides or 0)
    )
    most = pin_count(digits) // CODE_DENSITY
    if (await actor.connection.execute(there)).scalar_one() >= most:
        raise Conflict(
            "cli_code.too_dense",
            f"{most} customers have codes of {digits} digits at CLI {number}, and with more one could be "
            "guessed; give this one a longer code",
            number=number,
            digits=digits,
            most=most,
        )
    while True:
        (code,) = draw_pins(1, digits)
        digests = peppers.digests(code_message(number, code))
        taken = select(func.count()).where(cli_codes.c.number == number, cli_codes.c.code_digest.in_(digests))
        if not (await actor.connection.execute(taken)).scalar_one():
            return code


def _kept(number: str, code: str, peppers: Peppers) -> dict[str, object]:
    return {
        "code_digest": peppers.newest.digest(code_message(number, code)),
        "pepper": peppers.newest.version,
        "digits": len(code),
    }
