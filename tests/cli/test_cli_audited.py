"""Every command that changes something is in the audit log, with before and after and without secrets."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from ringflow.accounts.access import sessions
from ringflow.accounts.access.sessions import SessionRules
from ringflow.accounts.cards.generation import Plan, generate
from ringflow.accounts.peppers import Pepper, Peppers
from ringflow.actor import acting, shell_operator
from ringflow.cli import build
from ringflow.config import load_config
from ringflow.ledger.ledger import Ledger
from ringflow.ledger.terms import Terms
from ringflow.moments import system_now_ms
from ringflow.recordings.service import Origin, Recordings, Wanted
from ringflow.store import Store
from ringflow.store.ledger_tables import rate_maps

Run = Callable[..., Any]
DATABASE = Path(".ringflow/ringflow.db")

KEEP_NOTHING = {
    *("check", "schema", "test", "call", "dial", "serve", "completion"),
    *("ledger statement", "report calls"),
    *(
        f"{noun} {verb}"
        for noun in ("customer", "cli", "did", "trunk", "speed-dial")
        for verb in ("list", "show")
    ),
    *("cli code list", "cli code show", "customer login list", "customer token list"),
    *("card list", "card show", "card export", "card batches", "card pepper list"),
    *("voucher list", "voucher show"),
    *("flow list", "flow show", "flow history", "flow diff", "flow draft list", "flow draft show"),
    "flow draft check",
    *("calendar list", "calendar show", "calendar entries", "override list"),
    *("ledger check", "ledger show", "ledger holds", "rate list", "rate show", "rate export", "rate quote"),
    *("ledger movements", "bench lists"),
    *("rate map list", "operator list", "operator show", "role list", "role show", "token list"),
    *("rate compare", "rate diff", "asterisk check"),
    *("live list", "live watch"),
    *("recording list", "recording show"),
    *("record list", "record show", "record export", "audit list", "key list", "key make", "key verify"),
    *(
        "sounds list",
        "sounds check",
        "sounds words",
        "lab call",
        "lab up",
        "lab down",
        "lab status",
        "lab logs",
    ),
    *("bench agi", "bench held", "bench sip", "bench capacity", "bench transfers", "bench slots"),
    *("value-list list", "value-list show"),
    *("value-list entry list", "value-list entry show", "value-list entry export"),
    *("bench billed", "bench charged", "bench crash"),
    *("bench identify", "bench cards", "bench api", "bench beside", "bench scripts"),
}
"""They read, try or measure."""

KEEP_FILES = {
    *("service install", "service uninstall"),
    *("script list", "script check", "script run", "script history", "script diff"),
    # It saves what an editor makes as `flow draft save` does.
    "flow draft edit",
    "flow new",
    "key generate",
    "key new",
    "key use",
    "key drop",
    "sounds import",
    "sounds say",
    "sounds build",
    "asterisk config",
    "init",
    "backup",
    "restore",
}
"""They write files, which have a history of their own; nothing of the database changes."""

ORDERS = {"live hangup", "live redirect", "live play", "live say", "live originate"}
"""They are noted when they are given: `test_remote_orders.py`, and `test_originator.py`."""


@dataclass(frozen=True)
class Change:
    """A command and the entry it must leave. `typed`: what it reads; `first`: what must be there before."""

    words: tuple[str, ...]
    verb: str
    subject: str
    made: bool = False
    gone: bool = False
    typed: str = ""
    first: Callable[[], None] | None = None


def change(words: str, verb: str, subject: str, **more: Any) -> Change:
    return Change(tuple(words.split(" ")), verb, subject, **more)


def on_store(work: Callable[[Store], Any]) -> None:
    async def run() -> None:
        store = await Store.open(f"sqlite:///{DATABASE}")
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(run())


def charge_a_leg() -> None:
    async def charge(store: Store) -> None:
        ledger = Ledger(store, "here")
        await ledger.hold("leg1", 1, 1_000_000, terms=Terms("USD", 600_000))
        await ledger.settle("leg1", 500_000)

    on_store(charge)


def leave_a_batch_unfinished() -> None:
    async def leave(store: Store) -> None:
        peppers = Peppers([Pepper("v1", b"another-pepper-for-tests")])
        await generate(
            lambda: acting(store, shell_operator("ann"), "US"),
            Plan("killed", 1),
            peppers,
            lambda secrets: None,
        )

    on_store(leave)


def keep_a_map() -> None:
    async def keep(store: Store) -> None:
        async with store.writing() as connection:
            row = {"name": "acme", "facts": '{"columns": {"prefix": ["Code"]}}', "changed_ms": 0}
            await connection.execute(rate_maps.insert().values(**row))

    on_store(keep)


def keep_a_recording() -> str:
    """The ID of a recording that is kept."""
    made: list[str] = []

    async def keep(store: Store) -> None:
        service = Recordings.configured(load_config(), store, system_now_ms)
        origin = Origin("call1", "18005550100", "441910000001", 1, "voice", "record[1]")
        made.append(await service.begin(origin, Wanted(10_000, 0, None, levelled=False)))
        service.folder.incoming(made[0]).write_bytes(bytes(8000))
        await service.take_in(made[0], 10_000)

    on_store(keep)
    return made[0]


def write_rates() -> None:
    Path("rates.csv").write_text("prefix,price\n44,0.01\n", "utf-8")


def write_flow() -> None:
    Path("app_flows").mkdir()
    Path("app_flows/card.yaml").write_text("app: card\nslots:\n  - {slot: hangup}\n", "utf-8")
    Path("new.yaml").write_text("app: card\ntitle: new\nslots:\n  - {slot: hangup}\n", "utf-8")


def write_days() -> None:
    Path("days.csv").write_text("12-25,Christmas Day\n", "utf-8")


def write_entries() -> None:
    Path("entries.csv").write_text("entry\n441910000003\n", "utf-8")


def write_schedule() -> None:
    slot = "{slot: schedule, hours: {daily: '08:00-20:00'}, override: office, on: {closed: hangup}}"
    Path("app_flows/office.yaml").write_text(f"app: office\nslots: [{slot}]\n", "utf-8")


def begin_session() -> None:
    async def begin(store: Store) -> None:
        async with acting(store, shell_operator("ann"), "US") as actor:
            await sessions.begin(actor, 1, "a browser", "192.0.2.7", SessionRules(3_600_000, 3_600_000))

    on_store(begin)


def write_tables() -> None:
    Path("customers.csv").write_text("id\n4\n", "utf-8")
    Path("clis.csv").write_text("number,customer\n441910000009,4\n", "utf-8")
    Path("dids.csv").write_text("number,app\n109,card\n", "utf-8")
    Path("speed_dials.csv").write_text("customer,place,number\n1,9,+441910000009\n", "utf-8")


def write_script() -> None:
    Path("app_flows/scripts").mkdir(parents=True, exist_ok=True)
    Path("app_flows/scripts/one.js").write_text("module.exports = (data) => data;\n", "utf-8")


def change_script() -> None:
    Path("app_flows/scripts/one.js").write_text("module.exports = () => {};\n", "utf-8")


CHANGES = (
    change("flow draft save card new.yaml", "save", "draft of card.yaml", made=True, first=write_flow),
    change("flow draft discard card", "discard", "draft of card.yaml", gone=True),
    change("flow draft save card new.yaml", "save", "draft of card.yaml", made=True),
    change("flow publish card", "publish", "flow card"),
    change("flow rollback card", "roll back", "flow card"),
    change("script publish one", "publish", "script one", first=write_script),
    change("script rollback one", "roll back", "script one", first=change_script),
    change("customer add One --id 1", "add", "customer 1", made=True),
    change("customer add Two --id 2", "add", "customer 2", made=True),
    change("customer add Three --id 3", "add", "customer 3", made=True),
    change("customer import customers.csv", "import", "customers", made=True, first=write_tables),
    change("cli import clis.csv", "import", "CLIs", made=True),
    change("did import dids.csv", "import", "DIDs", made=True),
    change("customer set 1 --channels 3", "set", "customer 1"),
    change("cli add 441910000001 --customer 1", "add", "CLI 441910000001", made=True),
    change("cli set 441910000001 --notes office", "set", "CLI 441910000001"),
    change("cli bulk change --where customer=1 --expect 1 --set notes=x", "set", "CLI 441910000001"),
    change("customer bulk change 1 --set channels=none", "set", "customer 1"),
    change("cli delete 441910000001", "delete", "CLI 441910000001", gone=True),
    change("did add 8005550100 card --customer 1", "add", "DID 18005550100", made=True),
    change("did set 8005550100 --channels 2", "set", "DID 18005550100"),
    change("did bulk disable --where customer=1 --expect 1", "set", "DID 18005550100"),
    change("did delete 8005550100", "delete", "DID 18005550100", gone=True),
    change("speed-dial import speed_dials.csv", "import", "speed dials", made=True),
    change("speed-dial add 1 5 +441910000005", "add", "speed dial 5 of customer 1", made=True),
    change("speed-dial set 1 5 --name Ann", "set", "speed dial 5 of customer 1"),
    change("speed-dial delete 1 5", "delete", "speed dial 5 of customer 1", gone=True),
    change("trunk add carrier PJSIP/{number}@a --header X-Api-Key:hidden", "add", "trunk carrier", made=True),
    change("trunk set carrier --position 5", "set", "trunk carrier"),
    change("rate add retail --currency USD", "add", "rate card retail", made=True),
    change("rate import rates.csv --card retail", "import", "rate card retail", first=write_rates),
    change("rate set retail --below-cost warn", "set", "rate card retail"),
    change("rate set-rate retail 447 --price 0.12", "set", "rate 447 of card retail", made=True),
    change("rate set-rate retail 447 --price 0.13", "set", "rate 447 of card retail"),
    change("rate delete-rate retail 447", "delete", "rate 447 of card retail", gone=True),
    change("rate add spare --currency EUR", "add", "rate card spare", made=True),
    change("rate delete spare --yes", "delete", "rate card spare", gone=True),
    change("rate map delete acme", "delete", "rate map acme", gone=True, first=keep_a_map),
    change("rate assign retail --customer 1", "assign", "customer 1"),
    change("rate assign retail --trunk carrier", "assign", "trunk carrier"),
    change("rate unassign --trunk carrier", "unassign", "trunk carrier"),
    change("rate assign retail --default", "default", "currency USD"),
    change("trunk delete carrier", "delete", "trunk carrier", gone=True),
    change("ledger pay-in 1 5.00 --reason cash", "pay_in", "customer 1"),
    change("ledger pay-out 1 1.00 --reason back", "pay_out", "customer 1"),
    change("ledger adjust 1 1.00 --reason error", "adjustment", "customer 1"),
    change("ledger transfer 1 2 1.00 --reason moved", "transfer", "customer 2"),
    change("ledger refund leg1 0.20 --reason noise", "refund", "customer 1", first=charge_a_leg),
    change("ledger limit 1 --debit 3", "limit", "customer 1"),
    change("ledger limit 1 --daily 9", "limit", "customer 1"),
    change("card pepper new", "add", "pepper v1", made=True),
    change("card generate --customer 1 --credit 2 --batch b", "generate", "card batch b", made=True),
    change("card set --batch b --credit 3", "change", "card batch b"),
    change("card disable --batch b", "disable", "card batch b"),
    change("card enable --batch b", "enable", "card batch b"),
    change("card redeem {card} --into 1", "redeem", "card {card}"),
    change("card delete --batch b --yes", "delete", "card batch b"),
    change("card discard killed", "discard", "card batch killed", gone=True, first=leave_a_batch_unfinished),
    change(
        "voucher generate --currency USD --value 2 --count 2 --batch v",
        "generate",
        "voucher batch v",
        made=True,
    ),
    change("cli add 441910000019 --customer 2 --code", "add", "CLI 441910000019 of customer 2", made=True),
    change("cli code rotate 1 --digits 8", "set", "CLI 441910000019 of customer 2"),
    change("cli code delete 1", "delete", "CLI 441910000019 of customer 2", gone=True),
    change(
        "customer login add 2 c@example.org",
        "add",
        "login c@example.org of customer 2",
        made=True,
        typed="hidden-hidden-7",
    ),
    change(
        "customer login password c@example.org",
        "password",
        "login c@example.org of customer 2",
        typed="hidden-hidden-8",
    ),
    change("customer login delete c@example.org", "delete", "login c@example.org of customer 2", gone=True),
    change("customer token add 2 shop", "add", "token 1 of customer 2", made=True),
    change("customer token revoke 2 1", "revoke", "token 1 of customer 2", gone=True),
    change("customer password 2", "password", "customer 2", made=True),
    change("customer password 2 --remove", "password", "customer 2", gone=True),
    change("voucher disable 1", "disable", "voucher 1"),
    change("voucher bulk enable 1", "enable", "voucher 1"),
    change("voucher bulk disable --where batch=v --expect 2", "disable", "vouchers"),
    change("voucher enable 1", "enable", "voucher 1"),
    change("voucher redeem --customer 1", "redeem", "voucher 1", typed="{code}"),
    change("voucher delete 2", "delete", "voucher 2", gone=True),
    change("recording export {recording} --out message.wav", "export", "recording {recording}"),
    change("recording delete {recording}", "delete", "recording {recording}", gone=True),
    change("customer delete 3", "delete", "customer 3", gone=True),
    change("calendar add england", "add", "calendar england", made=True),
    change("calendar set england --notes gov.uk", "set", "calendar england"),
    change("calendar import england days.csv", "import", "calendar england", first=write_days),
    change("calendar add-days england 2026-12-24", "add", "entry of calendar england", made=True),
    change("calendar delete-entry england 4", "delete", "entry of calendar england", gone=True),
    change("calendar delete england", "delete", "calendar england", gone=True),
    change("value-list add barred --kind numbers", "add", "list barred", made=True),
    change("value-list set barred --notes refused", "set", "list barred"),
    change("value-list entry add barred 441910000002", "add", "list barred: 441910000002", made=True),
    change(
        "value-list entry import barred entries.csv", "import", "list barred", first=write_entries, made=True
    ),
    change("value-list entry remove barred 441910000002", "delete", "list barred: 441910000002", gone=True),
    change("value-list delete barred --entries", "delete", "list barred", gone=True),
    change("override set office closed", "set", "override office", made=True, first=write_schedule),
    change("override set office open --until further_notice", "set", "override office"),
    change("override clear office", "delete", "override office", gone=True),
    change("role add readers --right calls.read", "add", "role readers", made=True),
    change("role change readers --right audit.read", "set", "role readers"),
    change("operator add ann --role admin", "add", "operator ann", made=True, typed="hidden-hidden-7"),
    change("operator add bob --role readers --no-password", "add", "operator bob", made=True),
    change("operator change bob --role viewer", "set", "operator bob"),
    change("operator password ann", "password", "operator ann", typed="hidden-hidden-8"),
    change("operator invite eve --role viewer", "link", "operator eve", made=True),
    change("operator reset ann", "link", "operator ann", made=True),
    change("operator sign-out ann", "revoke", "sessions of ann", gone=True, first=begin_session),
    change("operator disable bob", "disable", "operator bob"),
    change("operator enable bob", "enable", "operator bob"),
    change("role delete readers", "delete", "role readers", gone=True),
    change("token add bob export", "add", "token export of bob", made=True),
    change("token revoke {token}", "revoke", "token export of bob", gone=True),
)


def commands(command: Any, name: str = "") -> Iterator[str]:
    below = getattr(command, "commands", None)
    if below is None:
        yield name
    for word, one in (below or {}).items():
        yield from commands(one, f"{name} {word}".strip())


FETCHES = {"calendar refresh"}
"""They are noted before something of the network's is asked: `test_operators_calendars.py`."""


def test_every_command_is_known_to_change_something_or_not() -> None:
    there = set(commands(typer.main.get_command(build())))
    lines = [f"{' '.join(one.words)} " for one in CHANGES]
    changing = {name for name in there if any(line.startswith(f"{name} ") for line in lines)}
    assert there - changing - KEEP_FILES - ORDERS - FETCHES == KEEP_NOTHING


def entries() -> list[dict[str, Any]]:
    with sqlite3.connect(DATABASE) as connection:
        rows = connection.execute("SELECT operator, verb, subject, before, after FROM audit_log ORDER BY id")
        return [
            dict(zip(("operator", "verb", "subject", "before", "after"), row, strict=True)) for row in rows
        ]


def test_each_of_them_is_noted_with_before_and_after(ringflow: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, str] = {"recording": keep_a_recording()}
    secrets: list[str] = ["hidden"]
    seen = 0
    for one in CHANGES:
        if one.first is not None:
            one.first()
        monkeypatch.setattr(sys, "stdin", io.StringIO(one.typed.format(**found) + "\n"))
        words = [word.format(**found, number="{number}") for word in one.words]
        ran = ringflow(*words, "--operator", "ann", "--json")
        assert ran.code == 0, (words, ran.err)
        made = json.loads(ran.out)
        if words[:2] == ["card", "generate"]:
            found["card"] = made["secrets"][0]["id"]
            secrets.append(made["secrets"][0]["pin"])
        secrets += [made[name] for name in ("code", "password") if name in made]
        if words[:2] == ["token", "add"]:
            found["token"] = made["starts_with"]
            secrets.append(made["secret"])
        if words[:2] == ["voucher", "generate"]:
            found["code"] = made["secrets"][0]["code"]
            secrets += [voucher["code"] for voucher in made["secrets"]]
        new, seen = entries()[seen:], len(entries())
        subject = one.subject.format(**found)
        noted = [entry for entry in new if (entry["verb"], entry["subject"]) == (one.verb, subject)]
        assert len(noted) == 1, (words, new)
        assert {entry["operator"] for entry in new} == {"ann"}
        assert (noted[0]["before"] is None, noted[0]["after"] is None) == (one.made, one.gone), words
        assert noted[0]["before"] != noted[0]["after"]
    secrets += [line.partition(":")[2] for line in Path(".ringflow/pin.pepper").read_text().split()]
    whole = json.dumps(entries())
    assert [secret for secret in secrets if secret in whole] == []
