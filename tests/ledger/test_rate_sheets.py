"""Rate sheets in the shapes that carriers send: read rightly, or refused with the line and the question."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ringflow.errors import DocumentError, Refused
from ringflow.ledger.rates.card import Rate
from ringflow.ledger.rates.column_names import FIELDS, IGNORE, meaning_of
from ringflow.ledger.rates.sheet_columns import ColumnMap, parse_pairs
from ringflow.ledger.rates.sheet_import import RateFile, read_rates

SHEETS = Path(__file__).parent / "sheets"
BLOCKED = -1


def day_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


JULY = day_ms("2026-07-01")


@dataclass(frozen=True)
class Row:
    """A rate that is wanted; its price in millionths, or `BLOCKED`."""

    prefix: str
    price: int
    destination: str = ""
    seconds: tuple[int, int] = (1, 1)
    begin: int = 0
    end: int | None = None
    connection: int = 0

    @classmethod
    def of(cls, rate: Rate) -> Row:
        return cls(
            rate.prefix,
            BLOCKED if rate.blocked else rate.price_micros,
            rate.destination,
            (rate.minimum_s, rate.increment_s),
            rate.from_ms,
            rate.until_ms,
            rate.connection_micros,
        )


@dataclass(frozen=True)
class Said:
    """What the operator says of a sheet."""

    columns: str = ""
    values: dict[str, str] = field(default_factory=dict)
    dates: str = ""
    decimal: str = ""

    @property
    def given(self) -> ColumnMap:
        columns = parse_pairs(self.columns, "--map", [*FIELDS, IGNORE])
        return ColumnMap(columns=columns, values=self.values, dates=self.dates, decimal=self.decimal)


NOTHING = Said()

READ: dict[str, tuple[Said, list[Row]]] = {
    "01-semicolons.csv": (NOTHING, [Row("44", 60_000, "UK"), Row("447", 120_000, "UK mobile")]),
    "02-decimal-commas.csv": (
        NOTHING,
        [Row("44", 60_000, "United Kingdom"), Row("447", 125_500, "United Kingdom Mobile")],
    ),
    "03-tabs-utf16.txt": (NOTHING, [Row("33", 15_000, "France"), Row("336", 90_000, "France – Mobile")]),
    "04-utf16-no-mark.csv": (NOTHING, [Row("44", 60_000)]),
    "05-cp1252.csv": (NOTHING, [Row("225", 200_000, "Côte d’Ivoire")]),
    "06-utf8-mark.csv": (
        NOTHING,
        [Row("49", 12_000, "Deutschland"), Row("4915", 80_000, "Deutschland Mobilfunk")],
    ),
    "07-old-mac.csv": (NOTHING, [Row("44", 60_000), Row("447", 120_000)]),
    "08-pipes.csv": (NOTHING, [Row("1", 5_000, "USA", (6, 6)), Row("52", 20_000, "Mexico", (60, 60))]),
    "09-title-block.csv": (
        NOTHING,
        [Row("44", 6_000, "United Kingdom"), Row("447", 12_000, "United Kingdom Mobile", (60, 60))],
    ),
    "10-trailing-columns.csv": (NOTHING, [Row("44", 60_000), Row("447", 120_000)]),
    "11-country-and-area.csv": (
        NOTHING,
        [
            Row("44", 10_000, "UK", (60, 60), JULY),
            Row("4420", 20_000, "UK", (60, 60), JULY),
            Row("4430", 20_000, "UK", (60, 60), JULY),
            *(Row(f"447{one}", 120_000, "UK", (60, 60), day_ms("2026-07-15")) for one in "789"),
        ],
    ),
    "12-lists.csv": (NOTHING, [Row("4477", 60_000), Row("4478", 60_000), Row("4479", 60_000)]),
    "13-ranges.csv": (
        NOTHING,
        [
            *(Row(f"447{one}", 120_000) for one in "456789"),
            *(Row(f"336{one}", 80_000) for one in "1236"),
            *(Row(f"120{one}", 30_000) for one in "456"),
        ],
    ),
    "14-plus-and-00.csv": (
        NOTHING,
        [Row("44", 60_000), Row("33", 70_000), Row("49", 80_000), Row("447", 90_000), Row("1", 10_000)],
    ),
    "15-floats.csv": (NOTHING, [Row("44", 60_000, seconds=(60, 60)), Row("447", 120_000)]),
    "16-dates.csv": (
        NOTHING,
        [
            *(Row(prefix, price, begin=JULY) for prefix, price in (("44", 60_000), ("447", 120_000))),
            *(Row(prefix, price, begin=JULY) for prefix, price in (("1", 10_000), ("33", 20_000))),
            Row("49", 30_000, begin=day_ms("2026-07-01T12:00")),
            Row("39", 40_000, begin=day_ms("2026-12-25")),
        ],
    ),
    "17-days-first.csv": (
        NOTHING,
        [Row("44", 60_000, begin=day_ms("2026-04-03")), Row("447", 120_000, begin=day_ms("2026-04-25"))],
    ),
    "18-last-days.csv": (
        Said('last_day="Valid To"'),
        [Row("44", 60_000, begin=day_ms("2026-01-01"), end=JULY), Row("44", 70_000, begin=JULY)],
    ),
    "19-blocked.csv": (
        NOTHING,
        [
            Row("44", 60_000, "UK"),
            Row("4470", BLOCKED, "UK personal"),
            Row("882", BLOCKED, "International networks"),
            Row("883", BLOCKED, "International networks"),
        ],
    ),
    "20-status.csv": (
        NOTHING,
        [Row("44", 60_000, "UK"), Row("53", BLOCKED, "Cuba"), Row("1", 10_000, "USA")],
    ),
    "21-per-second.csv": (NOTHING, [Row("44", 60_000), Row("447", 30_000)]),
    "22-cents.csv": (NOTHING, [Row("44", 6_000, "UK"), Row("447", 120_000, "UK mobile")]),
    "23-nbsp.csv": (NOTHING, [Row("44", 60_000), Row("447", 120_000)]),
    "24-header-case.csv": (NOTHING, [Row("44", 60_000, seconds=(60, 6))]),
    "25-first-and-next.csv": (
        NOTHING,
        [
            Row("447", 120_000, "United Kingdom Mobile", (30, 6), connection=10_000),
            Row("44", 10_000, "United Kingdom Fixed"),
        ],
    ),
    "26-line-break-in-header.csv": (
        NOTHING,
        [Row("44", 60_000, 'United "Great" Kingdom'), Row("447", 120_000, "UK mobile")],
    ),
    "27-mapped.csv": (
        Said('price="New tariff A",increment=Charge unit,ignore=Old'),
        [Row("44", 60_000, "UK", (60, 6)), Row("447", 120_000, "UK mobile")],
    ),
    "28-no-header.csv": (
        Said("destination=#1,prefix=#2,price=#3"),
        [Row("44", 60_000, "UK"), Row("447", 120_000, "UK mobile")],
    ),
    "29-sep-line.csv": (NOTHING, [Row("44", 60_000)]),
    "30-thousands.csv": (NOTHING, [Row("870", 1_234_500_000, "Inmarsat"), Row("44", 60_000, "UK")]),
    "31-currency-column.csv": (NOTHING, [Row("44", 60_000), Row("447", 120_000)]),
    "32-repeated-header.csv": (NOTHING, [Row("44", 60_000), Row("447", 120_000)]),
    "33-carrier-names.csv": (NOTHING, [Row("44", 60_000, "UK", (30, 6))]),
    "34-ambiguous-date.csv": (Said(dates="mdy"), [Row("44", 60_000, begin=day_ms("2026-03-04"))]),
    "35-ambiguous-comma.csv": (Said(decimal="comma"), [Row("44", 1_234_000)]),
    "40-two-codes.csv": (
        Said('prefix="Dial Code",until="End Date"'),
        [Row("447", 60_000, end=day_ms("2026-12-31"))],
    ),
    "41-workbook.xlsx": (
        NOTHING,
        [
            Row("44", 60_000, "UK", begin=JULY),
            Row("447", BLOCKED, "UK mobile", begin=day_ms("2026-07-01T06:00")),
            Row("870", 60, "Inmarsat"),
        ],
    ),
}
"""What each sheet says, with what the operator has to add."""

ASKED: dict[str, list[tuple[int, int, str, str]]] = {
    "18-last-days.csv": [(2, 20, "does the rate count on that day?", '‹map› last_day="Valid To"')],
    "27-mapped.csv": [
        (1, 6, "the column `Old` is not known", "‹map› ignore=Old"),
        (1, 10, "the column `New tariff A` is not known", '‹map› price="New tariff A"'),
        (1, 23, "the column `Charge unit` is not known", '‹map› ignore="Charge unit"'),
        (1, 1, "the column `price` is missing", "‹map› price="),
    ],
    "28-no-header.csv": [(1, 1, "no line names a column for the prefix", "prefix=#1,price=#3")],
    "34-ambiguous-date.csv": [(2, 9, "is it 4 March 2026 or 3 April 2026?", "‹dates› dmy")],
    "35-ambiguous-comma.csv": [(2, 4, "`1,234`: is the comma a decimal mark?", "‹decimal› comma")],
    "36-scientific.csv": [
        (2, 1, "`4.47E+11`: which digits?", "format the column as text"),
        (3, 4, "`6E-05`: is it exactly that?", "0.00006"),
    ],
    "37-negative.csv": [(2, 4, "`-0.06` is below zero", "-1 or blocked")],
    "38-shared-country.csv": [
        (2, 1, "does what stands first belong to each?", "6138;6139"),
        (3, 1, "is `78` whole, or the end of a longer one?", "in full"),
    ],
    "39-two-prices.csv": [
        (1, 6, "the column `Peak rate` is not known", '‹map› price="Peak rate"'),
        (1, 16, "the column `Off-peak rate` is not known", '‹map› ignore="Off-peak rate"'),
        (1, 1, "the column `price` is missing", "‹map› price="),
    ],
    "40-two-codes.csv": [(1, 14, "is `Dial Code` a whole prefix", '‹map› prefix="Dial Code"')],
}
"""What is asked of each sheet where the operator adds nothing: line, column, question, answer."""


def read(name: str, said: Said = NOTHING) -> RateFile:
    return read_rates(SHEETS / name, "USD", "US", given=said.given)


def read_text(folder: Path, text: str, said: Said = NOTHING) -> RateFile:
    file = folder / "sheet.csv"
    file.write_text(text, "utf-8")
    return read_rates(file, "USD", "US", given=said.given)


def problems_of(file: Path, said: Said = NOTHING) -> list[tuple[int, int, str, str]]:
    try:
        found = read_rates(file, "USD", "US", given=said.given).problems
    except DocumentError as error:
        found = error.problems
    return [(one.line, one.column, one.what, one.mend) for one in found]


@pytest.mark.parametrize("name", READ)
def test_a_carriers_sheet_is_read_as_it_is_meant(name: str) -> None:
    said, wanted = READ[name]
    found = read(name, said)
    assert found.problems == ()
    assert [Row.of(rate) for _, rate in found.rows] == wanted


@pytest.mark.parametrize("name", ASKED)
def test_what_a_sheet_leaves_open_is_asked_for_with_line_column_and_answer(name: str) -> None:
    found = sorted(problems_of(SHEETS / name))
    wanted = sorted(ASKED[name])
    assert [one[:2] for one in found] == [one[:2] for one in wanted], found
    for (_, _, what, mend), (_, _, question, answer) in zip(found, wanted, strict=True):
        assert question in what
        assert answer in mend


def test_of_all_sheets_none_is_read_wrongly_and_nearly_all_are_read() -> None:
    names = {file.name for file in SHEETS.iterdir()}
    assert names == READ.keys() | ASKED.keys()
    assert len(names) == 41
    assert len(READ) == 37


@pytest.mark.parametrize(
    ("text", "place", "question"),
    [
        ("Code,Rate EUR\n44,0.06\n", (1, 6), "`Rate EUR` is in EUR, and the card in USD"),
        ("Code,Rate\n44,€0.06\n", (2, 4), "is in EUR, and USD is wanted"),
        ("Prices in EUR\nCode,Rate\n44,0.06\n", (1, 1), "is the sheet in EUR?"),
        ("All prices per second\nCode,Rate\n44,0.06\n", (1, 1), "are the prices for a minute"),
        ("Billing: 60/60\nCode,Rate\n44,0.06\n", (1, 1), "is this the minimum and increment of all rows?"),
        ("Effective 2026-07-01\nCode,Rate\n44,0.06\n", (1, 1), "from when do the rates count?"),
        ("Code,Rate,Currency\n44,0.06,EUR\n", (2, 9), "the row is in `EUR`, and the card in USD"),
        ("Code,Rate,Interval\n44,0.06,6/60\n", (2, 9), "is 6 the minimum, or the increment?"),
        ("Code,Rate,Interval\n44,0.06,06-Jan\n", (2, 9), "minimum and increment such as 60/6"),
        ("Code,Rate,Minimum,Increment\n44,0.06,30,60/6\n", (2, 12), "another minimum than 30: which is it?"),
        ("Code,Rate,Status\n44,0.06,Deleted\n", (2, 9), "is this destination open or blocked?"),
        ("Code,Rate,\n44,0.06,x\n", (2, 9), "column 3 has no name, and here is `x`"),
        ("Area Code,Rate\n20,0.06\n", (1, 1), "does the column `Area Code` begin with a country's code?"),
        ("Country,Area Code,Rate\nUK,20,0.06\n", (1, 1), "`Country` has names"),
        ("Country,Code,Rate\n44,20,0.06\n", (1, 1), "is `Code` a whole prefix"),
        ("Country Code,Area Code,Rate\n44,447,0.06\n", (2, 4), "begins with its country's code"),
        ("Country Code,Area Code,Rate\n44,0191,0.06\n", (2, 4), "is its 0 dialled from abroad?"),
        ("Code,Rate\n440191,0.06\n", (2, 1), "is the 0 behind 44 dialled from abroad?"),
        ('Code,Rate\n"441,624",0.06\n', (2, 1), "one number with separators of thousands, or a list?"),
        ("Code,Rate\n4477 4478,0.06\n", (2, 1), "one number with spaces, or a list?"),
        ("Code,Rate\n44-78,0.06\n", (2, 1), "a range, or one number?"),
        ("Code,Rate\n4479-4474,0.06\n", (2, 1), "a range, or one number?"),
        ("Code,Rate\n44100-49999,0.06\n", (2, 1), "a range, or one number?"),
        ("Code,Rate\n4410000-4499999,0.06\n", (2, 1), "is a range of 90000"),
        ("Code,Rate\n44,0,06\n", (2, 1), "the header names 2 columns, and here are 3"),
        ("Code;Rate\n44;0,06\n33;0.07\n", (2, 4), "is the comma a decimal mark?"),
        ("Code;Rate\n33;0.07\n44;1,234\n", (3, 4), "is the comma a decimal mark?"),
        (
            "Code,Rate,From\n44,0.06,01/07/26\n",
            (2, 9),
            "is it 26 July 2001 or 7 January 2026 or 1 July 2026?",
        ),
        ("Code,Rate,From\n44,0.06,46204\n", (2, 9), "a spreadsheet has written a day's number"),
        ("Code,Rate,From\n44,0.06,31/02/2026\n", (2, 9), "is no date"),
        ("Code,Rate,From\n44,0.06,26-Jul-01\n", (2, 9), "write a date such as 2026-07-01"),
        ("Code,Rate\n44,\n", (2, 4), "price is empty"),
        ("Code,Rate\n,0.06\n", (2, 1), "prefix is empty"),
        ("Code,Rate\n44,0.06,\n,,Total\n", (3, 1), "here are 3: `Total`"),
        ("Code,Rate per sec\n44,0.00000001\n", (2, 4), "which is 0.00000060 a minute"),
    ],
)
def test_what_can_be_read_in_two_ways_is_asked_for_at_its_place(
    tmp_path: Path, text: str, place: tuple[int, int], question: str
) -> None:
    (tmp_path / "sheet.csv").write_text(text, "utf-8")
    found = problems_of(tmp_path / "sheet.csv")
    assert found[0][:2] == place, found
    assert question in found[0][2] + found[0][3]


def test_a_column_in_cents_is_not_taken_for_whole_units_because_the_map_names_it(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("Code,Rate (cents)\n44,6\n", "utf-8")
    found = problems_of(tmp_path / "sheet.csv", Said("price=Rate (cents)"))
    assert found[0][:2] == (1, 6), found
    assert "`Rate (cents)` does not look like `price` but like `price_cents`" in found[0][2]


@pytest.mark.parametrize(
    ("said", "text", "wanted"),
    [
        (Said("prefix=Code"), "Country Code,Code,Rate\n44,447,0.06\n", Row("447", 60_000)),
        (Said("country=Country Code,area=Code"), "Country Code,Code,Rate\n44,7,0.06\n", Row("447", 60_000)),
        (
            Said("country=Country Code,area=Code"),
            "Country Code,Code,Rate\n49,4941,0.06\n",
            Row("494941", 60_000),
        ),
        (NOTHING, "Country Code,Area Code,Rate\n39,06,0.06\n", Row("3906", 60_000)),
        (NOTHING, "Country,Area,Rate\n44,20,0.06\n", Row("4420", 60_000)),
        (NOTHING, "Country Code,Country,Rate\n44,UK,0.06\n", Row("44", 60_000, "UK")),
        (Said(values={"country": "44"}), "Area Code,Rate\n20,0.06\n", Row("4420", 60_000)),
        (
            Said(values={"increment": "60/60"}),
            "Billing 60/60\nCode,Rate\n44,0.06\n",
            Row("44", 60_000, "", (60, 60)),
        ),
        (
            Said(values={"from": "2026-07-01"}),
            "Valid from 1/7\nCode,Rate\n44,0.06\n",
            Row("44", 60_000, begin=JULY),
        ),
        (Said(values={"from": "now"}), "Valid from 1/7\nCode,Rate\n44,0.06\n", Row("44", 60_000)),
        (Said("price_cents=Rate (cents)"), "Code,Rate (cents)\n44,1.5\n", Row("44", 15_000)),
        (Said(dates="ymd"), "Code,Rate,From\n44,0.06,26/07/01\n", Row("44", 60_000, begin=JULY)),
        (Said(dates="dmy"), "Code,Rate,From\n44,0.06,01/07/26\n", Row("44", 60_000, begin=JULY)),
        (Said("until=Valid to"), "Code,Rate,Valid to\n44,0.06,2026-07-01\n", Row("44", 60_000, end=JULY)),
        (NOTHING, "Code,Rate,Valid to\n44,0.06,\n", Row("44", 60_000)),
        (NOTHING, "Code,Rate,Old rate\n44,0.06,0.05\n", Row("44", 60_000)),
        (Said("price=New rate"), "Code,Rate,New rate\n44,0.06,0.05\n", Row("44", 50_000)),
        (NOTHING, "Code,Rate,Interval\n44,0.06,60\n", Row("44", 60_000, "", (60, 60))),
        (NOTHING, "Code,Rate,Interval\n44,0.06,60 sec\n", Row("44", 60_000, "", (60, 60))),
        (NOTHING, "Code,Rate\n1-201,0.06\n", Row("1201", 60_000)),
        (NOTHING, "Code,Rate\n44 7911,0.06\n", Row("447911", 60_000)),
        (NOTHING, "Code,Rate,Blocked\n44,0.06,no\n", Row("44", 60_000)),
        (NOTHING, "Code,Rate,Blocked\n44,0.06,yes\n", Row("44", BLOCKED)),
        (NOTHING, "Code,Rate,Active\n44,0.06,no\n", Row("44", BLOCKED)),
        (NOTHING, "Code;Rate\n44;1.234,56\n", Row("44", 1_234_560_000)),
        (NOTHING, "prefix,price,destination\n44,0.06,'=1+1\n", Row("44", 60_000, "=1+1")),
    ],
)
def test_an_answer_settles_what_was_open(tmp_path: Path, said: Said, text: str, wanted: Row) -> None:
    found = read_text(tmp_path, text, said)
    assert found.problems == ()
    assert [Row.of(rate) for _, rate in found.rows] == [wanted]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Rate (USD/min)", "price"),
        ("USD per minute", "price"),
        ("$", "price"),
        ("Price in cents", "price_cents"),
        ("Rate/sec", "price_second"),
        ("Increment (sec)", "increment"),
        ("Min Duration", "minimum"),
        ("EffectiveDate", "from"),
        ("DESTINATION_NAME", "destination"),
        ("Surcharge", None),
        ("Off-peak", None),
        ("Rate %", None),
        ("Weekend rate", None),
    ],
)
def test_a_columns_name_says_what_it_is_or_nothing(name: str, meant: str | None) -> None:
    found = meaning_of(name)
    assert (found.field if found is not None else None) == meant


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("prefix", "write pairs such as"),
        ("prefx=Code", "did you mean `prefix`?"),
        ("prefix=", "has nothing behind it"),
        ('price="Rate', "write pairs such as"),
    ],
)
def test_a_map_that_says_nothing_is_refused(text: str, what: str) -> None:
    with pytest.raises(Refused, match=what):
        parse_pairs(text, "--map", FIELDS)


def test_a_mapped_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("Code,Rate\n44,0.06\n", "utf-8")
    found = problems_of(tmp_path / "sheet.csv", Said("price=Rates"))
    assert found[0][2:] == ("the column `Rates` of ‹map› is not in the sheet", "it has `Code`, `Rate`")


def test_a_sheet_in_utf_16_is_read_whichever_byte_comes_first(tmp_path: Path) -> None:
    for encoding in ("utf-16-be", "utf-16-le", "utf-16"):
        (tmp_path / "sheet.csv").write_bytes("Code,Rate\n44,0.06\n".encode(encoding))
        found = read_rates(tmp_path / "sheet.csv", "USD", "US")
        assert [Row.of(rate) for _, rate in found.rows] == [Row("44", 60_000)]
