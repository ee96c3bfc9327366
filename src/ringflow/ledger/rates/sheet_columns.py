"""Which column of a rate sheet is what: by the names that carriers give them, or as the operator says.

What a name may mean in two ways is not guessed: it becomes a question, with the words that answer it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ringflow.errors import DocumentError, Problem, Refused
from ringflow.ledger.rates.column_names import (
    ENDS,
    FIELDS,
    IGNORE,
    PRICES,
    Meaning,
    currency_fits,
    meaning_of,
)
from ringflow.plain_text import plain
from ringflow.sheet_file import Sheet, SheetRow
from ringflow.wording import did_you_mean, known_words, quoted

HEAD_ROWS = 60
"""A header stands among the first rows of a sheet; above it there may be a title block."""


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What an operator says of a sheet. `columns`: the names or numbers (`#3`) that a field has, or `ignore`.

    `values`: what every row has that no column tells. `dates`: `dmy` or `mdy`; `decimal`: `comma` or `point`.
    """

    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    dates: str = ""
    decimal: str = ""
    encoding: str = ""
    worksheet: str = ""

    def over(self, other: ColumnMap) -> ColumnMap:
        """This one, and what `other` says where this one says nothing."""
        return ColumnMap(
            columns={**other.columns, **self.columns},
            values={**other.values, **self.values},
            dates=self.dates or other.dates,
            decimal=self.decimal or other.decimal,
            encoding=self.encoding or other.encoding,
            worksheet=self.worksheet or other.worksheet,
        )


@dataclass(frozen=True, slots=True)
class Header:
    """Where the columns are named (`line` 0: nowhere), what each field's column is, and what was left out."""

    line: int
    names: tuple[str, ...]
    fields: Mapping[str, int]
    left_out: tuple[str, ...]
    mapped: frozenset[str]
    unnamed: tuple[int, ...]
    all_names: tuple[str, ...]

    def name(self, of: str) -> str:
        """How the sheet calls a field's column."""
        index = self.fields.get(of)
        return of if index is None else self.names[index] or f"#{index + 1}"

    def renamed(self, of: str, to: str) -> Header:
        """The same, with one field's column as another field."""
        return replace(self, fields={to if one == of else one: place for one, place in self.fields.items()})

    def without(self, of: str) -> Header:
        """The same without a field, whose column is left out."""
        left_out = (*self.left_out, self.name(of))
        fields = {one: place for one, place in self.fields.items() if one != of}
        return replace(self, fields=fields, left_out=left_out)


def parse_pairs(text: str, setting: str, fields: Iterable[str]) -> dict[str, list[str]]:
    """Read `prefix=Code,price="Rate USD"`, the text of a setting.

    Raises `Refused` for text that is none, or an unknown field.
    """
    found: dict[str, list[str]] = {}
    rest, fields = text.strip(), list(fields)
    pair = re.compile(r"\s*([A-Za-z_]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^,\"']*))\s*(?:,|$)")
    while rest:
        match = pair.match(rest)
        if match is None:
            raise Refused(
                "rate_sheet.malformed_setting",
                f'‹{setting}› {plain(rest)}: write pairs such as prefix=Code,price="Rate USD"',
                setting=setting,
            )
        name = match[1].lower()
        if name not in fields:
            mend = did_you_mean(name, fields, f"known: {known_words(fields)}")
            raise Refused(
                "rate_sheet.unknown_field",
                f"‹{setting}›: there is no field `{plain(name)}` ({mend})",
                setting=setting,
                field=name,
            )
        value = next(one for one in match.groups()[1:] if one is not None).strip()
        if not value:
            raise Refused(
                "rate_sheet.malformed_setting",
                f"‹{setting}›: `{name}=` has nothing behind it",
                setting=setting,
            )
        found.setdefault(name, []).append(value)
        rest = rest[match.end() :]
    return found


def column_map(
    columns: str, values: str, dates: str = "", decimal: str = "", encoding: str = "", worksheet: str = ""
) -> ColumnMap:
    """Return what is said of a sheet in text: `prefix=Code,price=Rate` and `increment=60/60`.

    Raises `Refused`, which names the settings ‹map› and ‹set›.
    """
    pairs = parse_pairs(values, "set", FIELDS)
    return ColumnMap(
        columns=parse_pairs(columns, "map", (*FIELDS, IGNORE)),
        values={of: last[-1] for of, last in pairs.items()},
        dates=dates,
        decimal=decimal,
        encoding=encoding,
        worksheet=worksheet,
    )


def find_header(head: Sequence[SheetRow], given: ColumnMap) -> int | None:
    """The index of the row among the first ones that names the columns; None where none does.

    It names a prefix and a price; where no row does, the one that names most.
    """
    best, most = None, 0
    for index, row in enumerate(head):
        meanings = _row_meanings(row.cells, given)
        codes = meanings & {"prefix", "country", "area"}
        prices = meanings & set(PRICES)
        if codes and prices:
            return index
        score = len(meanings - {IGNORE}) if codes or prices else 0
        if score > most and len([cell for cell in row.cells if cell]) > 1:
            best, most = index, score
    return best


def score_header(head: Sequence[SheetRow], index: int | None, given: ColumnMap) -> tuple[int, int]:
    """How much a sheet looks like rates where this row is its header."""
    if index is None:
        return (0, 0)
    meanings = _row_meanings(head[index].cells, given)
    whole = bool(meanings & {"prefix", "country", "area"}) and bool(meanings & set(PRICES))
    return (len(meanings) + (100 if whole else 0), len(head[index].cells))


def read_header(sheet: Sheet, row: SheetRow | None, given: ColumnMap, width: int, currency: str) -> Header:
    """What the columns are, `width` of which have anything below the header.

    Raises `DocumentError` with every question that is open.
    """
    names = row.cells if row is not None else ("",) * width
    line = row.line if row is not None else 0
    return _HeaderReading(sheet, line, names, given, width, currency).read()


def unknown_columns_text() -> str:
    """The fields as an error lists them."""
    return f"known: {known_words([*FIELDS, IGNORE])}"


class _HeaderReading:
    def __init__(
        self, sheet: Sheet, line: int, names: tuple[str, ...], given: ColumnMap, width: int, currency: str
    ) -> None:
        self._sheet, self._line, self._all_names = sheet, line, names
        self._names = names
        while self._names and not self._names[-1] and len(self._names) > width:
            self._names = self._names[:-1]
        self._given, self._currency = given, currency
        self._problems: list[Problem] = []

    def read(self) -> Header:
        fields, ignored = self._mapped()
        mapped = frozenset(fields)
        unnamed = []
        candidates: dict[str, list[int]] = {}
        for index, name in enumerate(self._names):
            meaning = meaning_of(name) if name else None
            if index in ignored:
                continue
            if meaning is not None and meaning.currency:
                self._check_currency(index, meaning.currency)
            owner = next((one for one, place in fields.items() if place == index), None)
            if owner is not None:
                self._check_unit(index, owner, meaning)
            elif not name:
                unnamed.append(index)
            elif meaning is None:
                self._ask(
                    index,
                    f"the column {quoted(name)} is not known",
                    f"say what it is, such as ‹map› price={argument(name)}, or leave it out: "
                    f"‹map› ignore={argument(name)}; {unknown_columns_text()}",
                )
            else:
                candidates.setdefault(meaning.field, []).append(index)
        left_out = [self._names[index] for index in sorted(ignored)]
        for of, places in candidates.items():
            left_out += self._take(of, places, fields, mapped)
        self._check_needed(fields, mapped)
        if self._problems:
            raise DocumentError(self._problems)
        return Header(
            self._line, self._names, fields, tuple(left_out), mapped, tuple(unnamed), self._all_names
        )

    def _mapped(self) -> tuple[dict[str, int], set[int]]:
        fields: dict[str, int] = {}
        ignored: set[int] = set()
        for of, columns in self._given.columns.items():
            for column in columns:
                places = [
                    index for index in range(len(self._names)) if _is_column(column, index, self._names)
                ]
                if len(places) != 1:
                    what = "is not in the sheet" if not places else "stands there more than once"
                    shown = ", ".join(quoted(name) for name in self._names if name)
                    mend = (
                        f"it has {shown}"
                        if not places
                        else f"name it by its number, such as #{places[0] + 1}"
                    )
                    self._problems.append(
                        Problem(
                            self._sheet.path,
                            self._line,
                            1,
                            f"the column {quoted(column)} of ‹map› {what}",
                            mend,
                        )
                    )
                elif of == IGNORE:
                    ignored.add(places[0])
                else:
                    fields[of] = places[0]
        return fields, ignored

    def _take(self, of: str, places: list[int], fields: dict[str, int], mapped: frozenset[str]) -> list[str]:
        """Have a field's column among those whose name fits; return the names of those that are not used."""
        names = [self._names[index] for index in places]
        if of == IGNORE or of in mapped:
            return names
        if of in PRICES and any(one in mapped for one in PRICES):
            return names
        if of in ("country", "area") and "prefix" in mapped:
            return names
        if of == "prefix" and "country" in mapped and "area" in mapped:
            return names
        if of == ENDS:
            if mapped & {"until", "last_day"}:
                return names
            fields[ENDS] = places[0]
            return []
        if len(places) > 1:
            listed = " or ".join(map(quoted, names))
            same = len({name.casefold() for name in names}) < len(names)
            answer = f"#{places[0] + 1}" if same else argument(names[0])
            self._ask(places[1], f"which column is the {of}: {listed}?", f"say it: ‹map› {of}={answer}")
            return []
        fields[of] = places[0]
        return []

    def _check_needed(self, fields: dict[str, int], mapped: frozenset[str]) -> None:
        prices = [one for one in PRICES if one in fields]
        if len(prices) > 1:
            listed = " or ".join(quoted(self._names[fields[one]]) for one in prices)
            answer = f"‹map› {prices[0]}={argument(self._names[fields[prices[0]]])}"
            self._ask(fields[prices[1]], f"which column is the price: {listed}?", f"say it: {answer}")
        if "prefix" in fields and mapped.isdisjoint({"prefix"}) and fields.keys() & {"country", "area"}:
            self._ask_for_whole(fields)
        if "area" in fields and not (
            (fields.keys() | self._given.values.keys()) & {"country", "country_name", "prefix"}
        ):
            name = self._names[fields["area"]]
            self._ask(
                fields["area"],
                f"does the column {quoted(name)} begin with a country's code?",
                f"if so, ‹map› prefix={argument(name)}; if not, ‹set› country=44 says what stands before it",
            )
        if not fields.keys() & {"prefix", "country", "area", "country_name"}:
            self._miss("prefix")
        if not prices:
            self._miss("price")
        if "increment" in self._given.values and "increment" in fields and "increment" not in mapped:
            self._ask(
                fields["increment"], "the sheet has a column for the increment", "leave ‹set› increment out"
            )

    def _ask_for_whole(self, fields: dict[str, int]) -> None:
        name = self._names[fields["prefix"]]
        other = next(one for one in ("country", "area") if one in fields)
        country = self._names[fields["country"]] if "country" in fields else "..."
        self._ask(
            fields["prefix"],
            f"is {quoted(name)} a whole prefix, with the country's code, or what goes with "
            f"{quoted(self._names[fields[other]])}?",
            f"say it: ‹map› prefix={argument(name)}, or ‹map› "
            f"country={argument(country)},area={argument(name)}",
        )

    def _miss(self, of: str) -> None:
        mend = f"say which column it is: ‹map› {of}=NAME, or {of}=#2 for the second; {unknown_columns_text()}"
        self._problems.append(
            Problem(
                self._sheet.path, self._line, 1 if self._line else 0, f"the column `{of}` is missing", mend
            )
        )

    def _check_currency(self, index: int, currency: str) -> None:
        if not currency_fits(currency, self._currency):
            self._ask(
                index,
                f"the column {quoted(self._names[index])} is in {currency}, and the card in {self._currency}",
                "import it into a card of that currency",
            )

    def _check_unit(self, index: int, owner: str, meaning: Meaning | None) -> None:
        if owner in PRICES and meaning is not None and meaning.field in PRICES and meaning.field != owner:
            name = self._names[index]
            self._ask(
                index,
                f"the column {quoted(name)} does not look like `{owner}` but like `{meaning.field}`",
                f"map it as that ({FIELDS[meaning.field]}), or rename it in the sheet",
            )

    def _ask(self, index: int, what: str, mend: str) -> None:
        column = self._sheet.column(self._line, index) if self._line else 0
        self._problems.append(Problem(self._sheet.path, self._line, column, what, mend))


def _row_meanings(cells: Sequence[str], given: ColumnMap) -> set[str]:
    found = {meaning.field for cell in cells if cell and (meaning := meaning_of(cell)) is not None}
    for of, columns in given.columns.items():
        if any(
            not one.startswith("#") and _is_column(one, index, cells)
            for one in columns
            for index in range(len(cells))
        ):
            found.add(of)
    if found & {"country_name"} and not found & {"prefix", "country", "area"}:
        found.add("country")  # whether it holds codes or names is seen below it
    return found


def _is_column(wanted: str, index: int, names: Sequence[str]) -> bool:
    if re.fullmatch(r"#[1-9][0-9]{0,3}", wanted):
        return int(wanted[1:]) == index + 1
    return " ".join(names[index].casefold().split()) == " ".join(wanted.casefold().split())


def argument(name: str) -> str:
    """Return a column's name as the setting `map` takes it."""
    return f'"{name}"' if re.search(r"[^A-Za-z0-9_#-]", name) else name
