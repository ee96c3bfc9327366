"""Customers, CLIs and DIDs from CSV: all rows or none, every wrong line named, on each database."""

from __future__ import annotations

import json
from dataclasses import astuple, fields, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringflow.accounts import clis, customers, dids
from ringflow.accounts.bulk_actions import Action, BulkOrder, carry_out
from ringflow.accounts.bulk_import import Imported, TableImport
from ringflow.accounts.cli_import import CliImport
from ringflow.accounts.clis import Cli
from ringflow.accounts.customer_bulk import CustomerBulk
from ringflow.accounts.customer_import import CustomerImport
from ringflow.accounts.customers import Customer
from ringflow.accounts.declarations import apply_declarations
from ringflow.accounts.did_import import DidImport
from ringflow.accounts.dids import Did
from ringflow.actor import acting, shell_operator
from ringflow.audit import EntryFilter, entry_page
from ringflow.config import CliPatternDeclaration, Config, CustomerDeclaration
from ringflow.errors import DocumentError
from ringflow.forms.cli_number import cli_form
from ringflow.forms.did import did_form
from ringflow.forms.json_value import json_value
from ringflow.spreadsheets import CsvTable
from ringflow.store import Store
from ringflow.store.pages import PageRequest
from ringflow.store.tables import directory_revision

FILE = "list.csv"


@pytest.fixture
async def filled(store: Store) -> Store:
    """Customers 1 and 2, a CLI and a DID of customer 1."""
    async with acting(store, shell_operator("ann"), "US") as actor:
        await customers.add(actor, Customer(1, "One", channels=3, caller_id="18005550100"))
        await customers.add(actor, Customer(2, "Two", currency="EUR"))
        await clis.add_number(actor, 1, "441910000001", "home")
        await dids.add(actor, Did("18005550100", "card", customer_id=1, channels=5))
    return store


class Importing:
    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.path = folder / FILE

    async def __call__(
        self,
        kind: type[TableImport[Any, Any]],
        text: str | bytes,
        update: bool = False,
        dry_run: bool = False,
    ) -> Imported:
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        async with acting(self.store, shell_operator("ann"), "US") as actor:
            return await kind(actor).run(self.path, update=update, dry_run=dry_run)

    async def wrong(self, kind: type[TableImport[Any, Any]], text: str | bytes, **how: bool) -> list[str]:
        """What is wrong with the file, from the line on; nothing is changed by it."""
        before = await everything(self.store)
        with pytest.raises(DocumentError) as raised:
            await self(kind, text, **how)
        assert await everything(self.store) == before
        return [str(one).removeprefix(f"{self.path}:") for one in raised.value.problems]


@pytest.fixture
def importing(filled: Store, tmp_path: Path) -> Importing:
    return Importing(filled, tmp_path)


async def everything(store: Store) -> list[object]:
    async with store.reading() as connection:
        found: list[object] = [*await customers.every(connection), *await clis.every(connection)]
        return [*found, *await dids.every(connection)]


async def audited(store: Store) -> list[tuple[str, str, Any, Any]]:
    async with store.reading() as connection:
        entries = (await entry_page(connection, EntryFilter(), PageRequest(100))).items
    return [(one.verb, one.subject, one.before, one.after) for one in reversed(entries)][4:]


async def test_customers_are_added_with_defaults_and_ids_after_the_highest(importing: Importing) -> None:
    text = (
        "Name;Customer ID;Status;channels;Caller-ID;currency\r\n"
        "Seven;7;pending;4;(800) 555-0199;EUR\r\nNext;;;;;\r\n"
    )
    assert await importing(CustomerImport, text) == Imported(FILE, 2, 0, 0, False)
    assert (await everything(importing.store))[2:4] == [
        Customer(7, "Seven", "pending", "EUR", 4, "18005550199"),
        Customer(8, "Next"),
    ]


async def test_clis_are_added_in_the_order_of_the_file(importing: Importing) -> None:
    text = "number,customer,notes,pattern\nAnn <441910000002>,2,office,\n,1,,^4419\n+52 1 55 1234 5678,1,,\n"
    assert await importing(CliImport, text) == Imported(FILE, 3, 0, 0, False)
    assert [one for one in await everything(importing.store) if isinstance(one, Cli)][1:] == [
        Cli(2, 2, "441910000002", notes="office"),
        Cli(3, 1, pattern="^4419"),
        Cli(4, 1, "525512345678"),
    ]


async def test_dids_are_added(importing: Importing) -> None:
    text = (
        "DID\tapp\tidentify\tcustomer\tenabled\tchannels\treject_code\twithheld\n"
        "8005550101\tcard\tnone\t2\tno\t9\t404\treject\n100\tmenu\t\tnone\t\t\t\t\n"
    )
    assert await importing(DidImport, text) == Imported(FILE, 2, 0, 0, False)
    assert [one for one in await everything(importing.store) if isinstance(one, Did)] == [
        Did("100", "menu"),
        Did("18005550100", "card", customer_id=1, channels=5),
        Did("18005550101", "card", "none", 2, False, 9, 404, "reject"),
    ]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (CustomerImport, "id\n7\n1\n"),
        (CliImport, "number,customer\n441910000002,1\n00441910000001,1\n"),
        (DidImport, "number,app\n101,card\n+1 800 555 0100,card\n"),
    ],
)
async def test_what_exists_is_refused_without_update_and_left_as_it_is_with_it(
    importing: Importing, kind: type[TableImport[Any, Any]], text: str
) -> None:
    (line,) = await importing.wrong(kind, text)
    assert line.startswith("3:1: ")
    assert line.endswith(" exists already; take the line out, or update what exists")
    assert await importing(kind, text, update=True) == Imported(FILE, 1, 0, 1, False)


async def test_customers_come_with_their_languages_and_a_wrong_one_is_told_at_its_cell(
    importing: Importing,
) -> None:
    await importing(CustomerImport, "id,language\n7,es\n8,\n")
    found = {one.id: one.language for one in await everything(importing.store) if isinstance(one, Customer)}
    assert (found[7], found[8]) == ("es", None)
    await importing(CustomerImport, "id,language\n7,none\n8,fr\n", update=True)
    found = {one.id: one.language for one in await everything(importing.store) if isinstance(one, Customer)}
    assert (found[7], found[8]) == (None, "fr")
    (line,) = await importing.wrong(CustomerImport, "id,language\n9,xx\n")
    assert line.startswith("2:2: language: `xx` is not a language spoken here")


async def test_update_changes_what_is_written_and_leaves_empty_cells(importing: Importing) -> None:
    done = await importing(
        CustomerImport, "id,name,status,channels,caller_id\n1,,penalty,none,\n", update=True
    )
    assert done == Imported(FILE, 0, 1, 0, False)
    await importing(CliImport, "number,customer\n441910000001,2\n", update=True)
    await importing(DidImport, "number,enabled,customer\n18005550100,no,none\n", update=True)
    assert await everything(importing.store) == [
        Customer(1, "One", "penalty", "USD", None, "18005550100"),
        Customer(2, "Two", currency="EUR"),
        Cli(1, 2, "441910000001", notes="home"),
        Did("18005550100", "card", channels=5, enabled=False),
    ]


async def test_every_row_is_audited_with_before_and_after(importing: Importing) -> None:
    await importing(CustomerImport, "id,name\n1,Uno\n7,Seven\n", update=True)
    entries = await audited(importing.store)
    assert [(verb, subject) for verb, subject, _, _ in entries] == [
        ("add", "customer 7"),
        ("set", "customer 1"),
        ("import", "customers"),
    ]
    assert (entries[0][2], entries[0][3]["name"]) == (None, "Seven")
    assert (entries[1][2]["name"], entries[1][3]["name"]) == ("One", "Uno")
    assert entries[2][3] == {"file": FILE, "added": 1, "changed": 1}
    await importing(CliImport, "number,customer\n441910000009,1\n")
    assert (await audited(importing.store))[3][3]["id"] == 2


async def test_a_dry_run_counts_and_changes_nothing(importing: Importing) -> None:
    before = await everything(importing.store)
    done = await importing(CustomerImport, "id,name\n1,Uno\n7,Seven\n", update=True, dry_run=True)
    assert done == Imported(FILE, 1, 1, 0, True)
    assert await everything(importing.store) == before
    assert await audited(importing.store) == []


async def test_every_wrong_line_of_customers_is_named_with_its_column(importing: Importing) -> None:
    text = (
        "id;name;status;currency;channels;caller_id\n7;Seven;;;;\n8;x;foo;ZZZ;many;me\n7;again;;;;\nabc;;;;;\n"
        '9;a;b\n10;"open;;;;\n99999999999;;;;;\n\n1;;;;0;\n2;;;USD;;\n;;pending;;-1;;\n'
    )
    assert await importing.wrong(CustomerImport, text, update=True) == [
        "3:3: status: status `foo` is not known; choose one of active, inactive, penalty, pending",
        "3:4: currency: `ZZZ` is not a currency: write a code of ISO 4217 such as USD",
        "3:5: channels: `many` is no whole number; write digits, or none",
        (
            "3:6: caller_id: caller ID `me` is not a number; "
            "write digits such as 441910000001, `own` or `withheld`"
        ),
        "4:1: id: customer 7 stands in line 2 already (keep one of the two lines)",
        "5:1: id: `abc` is no whole number; write digits",
        ("6:1: the first line names 6 columns, and here are 3 (put quotes around text that has a separator)"),
        "7:1: is not CSV: unexpected end of data (close the quotes on this line)",
        "8:1: id: 99999999999 is out of range; write a number from 1 to 2147483647",
        "10:5: channels: channels 0 is out of range; write a number from 1 to 2147483647",
        "11:4: currency: the currency of customer 2 stays EUR, its money is counted in it",
        "12:1: id: is empty; an update needs it in every line, or it would add one each time",
    ]


async def test_every_wrong_line_of_clis_is_named_with_its_column(importing: Importing) -> None:
    text = (
        "number,pattern,customer\n4.4191E+11,,1\n441910000003,,77\n+54 9 11 2345 6789,,1\n541123456789,,2\n"
        ",,1\n441910000004,^44,1\n,^0191,1\n,^44(,1\n441910000005,,\n441910000006;441910000007,,1\n"
        "441910000008,,x\n"
    )
    lines = await importing.wrong(CliImport, text)
    assert [line.partition("; ")[0].partition(" is what ")[0] for line in lines] == [
        "2:1: number: CLI `4.4191E+11`",
        "3:3: customer: customer 77 does not exist",
        "5:1: number: CLI 541123456789 stands in line 4 already (keep one of the two lines)",
        "6:1: number: is empty",
        "7:2: pattern: write a number or a pattern, not both",
        (
            "8:2: pattern: pattern `^0191` can match no number: it is searched in E.164 digits such as "
            "441910000001, which have no plus, no 00 and no national 0, and the lengths of their country"
        ),
        "9:2: pattern: pattern `^44(`: missing ): ^44(",
        "10:3: customer: is empty",
        "11:1: number: CLI `441910000006;441910000007` holds more than one number: write each by itself",
        "12:3: customer: `x` is no whole number",
    ]


async def test_every_wrong_line_of_dids_is_named_with_its_column(importing: Importing) -> None:
    text = (
        "number,app,customer,enabled,reject_code,withheld\n101,,,,,\n102,b c,9,maybe,200,x\n,a,,,,\nh,a,,,,\n"
    )
    assert await importing.wrong(DidImport, text) == [
        "2:2: app: is empty; write the app that callers reach",
        "3:2: app: app `b c`: write the app's name: letters, digits, `_` and `-`",
        "3:3: customer: customer 9 does not exist; add or import the customers first",
        "3:4: enabled: `maybe`: write yes or no",
        "3:5: reject_code: reject code 200 is out of range; write a number from 400 to 699",
        "3:6: withheld: withheld `x` is not known; choose one of reject, identify",
        "4:1: number: is empty; write the number that callers dial",
        (
            "5:1: number: DID `h`: write a telephone number, or an extension: letters, digits and _ + * # . "
            "- (not a single letter, nor . or - in front)"
        ),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"id,colour\n7,red\n", "1:2: unknown column `colour` (known: id, name, status, currency, channels"),
        (b"id,ID\n7,7\n", "1:2: the column `id` stands here a second time (keep one of them)"),
        (b"id\n", " has no rows (write one on each line below the first)"),
    ],
)
async def test_a_file_that_is_no_list_is_refused_with_the_reason(
    importing: Importing, content: bytes, problem: str
) -> None:
    (line,) = await importing.wrong(CustomerImport, content)
    assert line.removeprefix(str(importing.path) + ":").startswith(problem)


async def test_a_missing_column_and_a_missing_file_are_named(importing: Importing) -> None:
    (line,) = await importing.wrong(CliImport, "number\n441910000001\n")
    assert line.startswith("1:1: the column `customer` is missing (known: number, pattern, customer, notes)")
    async with acting(importing.store, shell_operator("ann"), "US") as actor:
        with pytest.raises(DocumentError, match=r"nowhere\.csv: cannot be read: No such file"):
            await DidImport(actor).run(Path("nowhere.csv"), update=False, dry_run=False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
async def test_the_encodings_and_separators_of_spreadsheets_are_read(
    importing: Importing, encoding: str, separator: str
) -> None:
    text = f'id{separator}name{separator}\r\n7{separator}"Zoë, ""Z""; A"{separator}\r\n'
    await importing(CustomerImport, text.encode(encoding))
    assert Customer(7, 'Zoë, "Z"; A') in await everything(importing.store)


async def test_what_config_declares_is_not_changed(importing: Importing) -> None:
    declared = CustomerDeclaration(id=9, clis=("441910000005", CliPatternDeclaration(pattern="^4420")))
    await apply_declarations(importing.store, Config(customers=(declared,)))
    mend = "is declared in config.yaml; change it there and restart"
    assert await importing.wrong(CustomerImport, "id,name\n9,x\n", update=True) == [
        f"2:1: id: customer 9 {mend}"
    ]
    assert await importing.wrong(CliImport, "pattern,customer\n^4420,1\n", update=True) == [
        f"2:1: CLI pattern ^4420 {mend}"
    ]


async def test_more_rows_than_one_statement_takes_are_all_written(importing: Importing) -> None:
    count = 11_000
    await importing(CustomerImport, "id\n" + "".join(f"{number}\n" for number in range(10, 10 + count)))
    rows = "".join(f"+44191{number:07d},{number + 10}\n" for number in range(count))
    assert await importing(
        CliImport, "number,customer\n" + rows.replace("+441910000001", "+441910999999")
    ) == (Imported(FILE, count, 0, 0, False))
    async with importing.store.reading() as connection:
        found = await clis.every(connection)
    assert len(found) == count + 1
    assert found[-1] == Cli(count + 1, count + 9, f"44191{count - 1:07d}")


async def test_ndjson_is_taken_in_with_every_wrong_line_named(importing: Importing) -> None:
    good = (
        '\ufeff{"number": "8005550101", "app": "card", "identify": "none", "customer": 2, "enabled": false}\n'
        '\r\n{"app":"menu","did":"100"}'
    )
    assert await importing(DidImport, good) == Imported(FILE, 2, 0, 0, False)
    added = [Did("100", "menu"), Did("18005550101", "card", "none", 2, False)]
    assert [one for one in await everything(importing.store) if isinstance(one, Did)] == [
        added[0],
        Did("18005550100", "card", customer_id=1, channels=5),
        added[1],
    ]
    lines = [
        '{"number": "101", "app": "card"}',
        '{"number": "102"}',
        '{"number": "103", "app": "card", "colour": "red"}',
        '{"number": "104", "app": "card", "app": "menu"}',
        '{"number": "105", "app": {"name": "card"}}',
        '{"number": "106", "app": "card", "channels": 1.5, "customer": 9}',
        '{"number": "107", "app": "ca\\u0000rd"}',
        '{"number": "108", "app": "\\ud800"}',
        '{"number": "109", "app": NaN}',
        "[1]",
        '{"number": "110", "app": "card"',
        '{"number": "101", "app": "menu"}',
        "[" * 100_000,
    ]
    objects = 'write one JSON object on each line, such as {"number": "18005550100"}'
    said = await importing.wrong(DidImport, "\n".join(lines).encode() + b'\n{"number": "1\xff"}')
    assert said == [
        "2:1: app: is empty; write the app that callers reach",
        f"3:1: unknown field `colour` (known: {', '.join(DidImport.columns)})",
        "4:1: the field `app` stands here a second time (keep one of them)",
        "5:1: app: is an object or a list (write it as text)",
        "6:1: channels: `1.5` is no whole number; write digits, or none",
        "6:1: customer: customer 9 does not exist; add or import the customers first",
        "7:1: app: has a character that no text can have (take out NUL and lone surrogates)",
        "8:1: app: has a character that no text can have (take out NUL and lone surrogates)",
        f"9:1: is not JSON: NaN is no value ({objects})",
        f"10:1: is no JSON object ({objects})",
        f"11:1: is not JSON: Expecting ',' delimiter at character 32 ({objects})",
        "12:1: number: DID 101 stands in line 1 already (keep one of the two lines)",
        f"13:1: is nested too deeply ({objects})",
        "14:1: is not in UTF-8 (save the file in UTF-8)",
    ]


async def test_exported_dids_and_clis_come_back_as_they_went(importing: Importing) -> None:
    did = Did(
        "18005550100", "card", customer_id=1, channels=5, script="greet", script_timeout_s=2.5,
        script_fallback="app", script_vars='{"a": 1}', hangup_script="bye",
    )  # fmt: skip
    async with acting(importing.store, shell_operator("ann"), "US") as actor:
        await dids.delete(actor, did.number)
        await dids.add(actor, did)
        await clis.add_pattern(actor, 2, "^4420", "a, b")
    before = await everything(importing.store)
    for kind, row, forms in (
        (DidImport, Did, [did_form(one) for one in before if isinstance(one, Did)]),
        (CliImport, Cli, [cli_form(one) for one in before if isinstance(one, Cli)]),
    ):
        names = [one.name for one in fields(forms[0])]
        as_csv = StringIO()
        table = CsvTable(as_csv)
        rows: list[list[Any]] = [names, *[list(map(json_value, astuple(one))) for one in forms]]
        table.write(rows)
        as_lines = "".join(json.dumps(json_value(one)) + "\n" for one in forms)
        as_lines += '{"end": {"rows": 1, "next": null}}\n'
        for text in (as_csv.getvalue(), as_lines):
            assert await importing(kind, text, update=True) == Imported(FILE, 0, 0, len(forms), False), row
    emptied = '{"number": "18005550100", "channels": null, "script": null, "script_timeout_s": null}'
    await importing(DidImport, emptied, update=True)
    (now,) = [one for one in await everything(importing.store) if isinstance(one, Did)]
    assert now == replace(did, channels=None, script=None, script_timeout_s=None)


async def test_a_deletion_that_was_only_tried_hides_no_later_change_from_the_servers(filled: Store) -> None:
    async def revision(connection: AsyncConnection) -> int:
        return int((await connection.execute(select(directory_revision.c.revision))).scalar_one())

    async with acting(filled, shell_operator("ann"), "US") as actor:
        before = await revision(actor.connection)
        tried = await carry_out(CustomerBulk(actor), BulkOrder(Action.DELETE, (2,), dry_run=True))
        assert (tried.deleted, await revision(actor.connection)) == (1, before)
        await carry_out(CustomerBulk(actor), BulkOrder(Action.DELETE, (2,)))
        assert await revision(actor.connection) == before + 1
