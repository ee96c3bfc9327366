"""Every command that prints JSON is run, and what it prints has the names and types of `forms/field.py`."""

from __future__ import annotations

import json
import re
import shlex
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import typer

from ringflow.cli import build
from ringflow.forms.field import FIELDS, Field, Kind
from ringflow.moments import system_now_ms

Run = Callable[..., Any]

NOT_RUN = {
    **dict.fromkeys(
        ("live watch", "live hangup", "live redirect", "live play", "live say"),
        "needs a call that is in progress",
    ),
    "live originate": "needs a real Asterisk",
    "calendar refresh": "fetches from the network; it prints what `calendar show` does",
    "script run": "needs the key that signs X-CX-Sec; test_cli_script runs it",
    "lab up": "starts a real Asterisk",
    "lab down": "stops it",
    "lab logs": "prints lines of Asterisk's own log",
    "lab call": "needs a real Asterisk; its form is tested beside its code",
    "bench sip": "measures for minutes",
    "bench capacity": "measures for minutes",
    "bench slots": "measures for minutes",
    "schema": "prints a JSON Schema, whose names are those of the slots",
    "flow draft edit": "needs an editor; it prints what `flow draft save` does",
    "sounds build": "speaks for seconds what `sounds say` does once",
}
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z")
DAY = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|{TIME.pattern}")
DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
FLOW = "app: menu\nslots:\n  - slot: hangup\n    file: MISC/hello\n"
OUT = "app: out\nslots:\n  - slot: destination\n    external: '441910000009'\n"
OFFICE = """\
app: office
slots:
  - {slot: schedule, hours: {mon-fri: "09:00-17:00"}, override: office, on: {closed: hangup}}
"""
SCENARIOS = """\
- name: it is heard
  given: {customer: {id: 1, clis: ["441910000001"]}}
  call: {did: "18005550100", from: "441910000001"}
  expect: {outcome: busy}
"""
ASTERISK = "exten => 1,1,Answer()\n"


def json_commands(group: Any, *before: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from json_commands(command, *before, name)
        elif any("--json" in parameter.opts for parameter in command.params):
            yield " ".join((*before, name))


def wrong_fields(value: Any, place: str) -> Iterator[str]:
    """What in a command's JSON is not as `FIELDS` says."""
    if isinstance(value, list):
        for one in value:
            yield from wrong_fields(one, place)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name not in FIELDS:
                yield f"{place}: {name} is no known field"
            elif one is not None:
                yield from wrong_value(FIELDS[name], one, f"{place}: {name}")


def wrong_value(field: Field, value: Any, place: str) -> Iterator[str]:
    if not has_kind(field.kind, value):
        yield f"{place} is {value!r}, not {field.kind.value}"
    if field.kind in (Kind.OBJECT, Kind.OBJECTS):
        yield from wrong_fields(value, place)
    if field.kind is Kind.MAP:
        yield from (f"{place}.{name}" for name in value if name.endswith(("_ms", "_micros", "_millionths")))


def has_kind(kind: Kind, value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    number = whole or isinstance(value, float)
    match kind:
        case Kind.TEXT:
            return isinstance(value, str)
        case Kind.INTEGER:
            return whole
        case Kind.KEY:
            return whole or isinstance(value, str)
        case Kind.NUMBER:
            return number
        case Kind.SECONDS:
            return number and round(value, 3) == value
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.TIME:
            return isinstance(value, str) and TIME.fullmatch(value) is not None
        case Kind.DAY:
            return isinstance(value, str) and DAY.fullmatch(value) is not None
        case Kind.AMOUNT | Kind.DECIMAL:
            return isinstance(value, str) and DECIMAL.fullmatch(value) is not None
        case Kind.TEXTS:
            return isinstance(value, list) and all(isinstance(one, str) for one in value)
        case Kind.NUMBERS:
            return isinstance(value, list) and all(isinstance(one, int | float) for one in value)
        case Kind.OBJECTS:
            return isinstance(value, list) and all(isinstance(one, dict) for one in value)
        case Kind.OBJECT | Kind.MAP:
            return isinstance(value, dict)
        case Kind.ANY:
            return True


class Walk:
    """Runs commands with `--json` and notes what is wrong in what they print."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.ran: set[str] = set()
        self.wrong: list[str] = []

    def __call__(self, command: str, words: str = "", codes: tuple[int, ...] = (0,)) -> Any:
        ran = self.run(
            *command.split(),
            *shlex.split(words),
            "--json",
            RINGFLOW_TIMEZONE="Europe/London",
        )
        assert ran.code in codes, f"{command} {words}: {ran.err}"
        self.ran.add(command)
        found = json.loads(ran.out)
        self.wrong += wrong_fields(found, command)
        return found


@pytest.fixture
def folder(tmp_path: Path, ringflow: Run) -> Path:
    """The folder that commands run in, with a flow, scenarios, a prompt and Asterisk's files."""
    soundfile.write(str(tmp_path / "tone.wav"), 0.1 * np.sin(np.arange(16_000) / 5), 16_000)
    (tmp_path / "app_flows").mkdir()
    (tmp_path / "app_flows" / "menu.yaml").write_text(FLOW)
    (tmp_path / "app_flows" / "menu.test.yaml").write_text(SCENARIOS)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "extensions.conf").write_text(ASTERISK)
    (tmp_path / "customers.csv").write_text("id,name\n50,Fifty\n")
    (tmp_path / "clis.csv").write_text("number,customer\n441910000050,50\n")
    (tmp_path / "dids.csv").write_text("number,app\n18005550150,menu\n")
    (tmp_path / "speed_dials.csv").write_text("customer,place,number\n42,9,+441910000009\n")
    (tmp_path / "rates.csv").write_text("Code,Rate USD\n44,0.01\n")
    return tmp_path


def make_directory(walk: Walk) -> None:
    walk("sounds import", "tone.wav --as MISC/hello")
    walk("sounds say", "hello --as MISC/again")
    walk("sounds list")
    walk("sounds check", codes=(0, 1))
    walk("customer add", "Example --id 42 --channels 2 --caller-id 441910000001")
    walk("customer add", "Template --id 7")
    walk("customer import", "customers.csv")
    walk("customer set", "42 --name 'Example Ltd'")
    walk("cli add", "441910000001 --customer 42")
    walk("cli add", "^44193 --pattern --customer 42")
    walk("cli import", "clis.csv")
    walk("cli set", "441910000001 --notes office")
    walk("did add", "18005550100 menu --customer 42")
    walk("did import", "dids.csv")
    walk("did set", "18005550100 --channels 3")
    walk("did bulk", "disable 18005550100 --dry-run")
    walk("cli bulk", "change --where pattern=yes --set notes=x --dry-run")
    walk("customer bulk", "delete 50 --cascade --dry-run")
    walk("speed-dial add", "42 5 '+44 191 000 0005' --name Ann")
    walk("speed-dial import", "speed_dials.csv")
    walk("speed-dial set", "42 5 --name Bob")
    walk("speed-dial show", "42 5")
    walk("speed-dial list", "--customer 42")
    walk("trunk add", "carrier PJSIP/{number}@carrier")
    walk("trunk add", "spare PJSIP/{number}@spare --header X-A:1 --as-keyed 1XX")
    walk("trunk set", "spare --position 7")
    for command, words in (
        ("cli list", ""), ("cli show", "441910000001"), ("did list", ""), ("did show", "18005550100"),
        ("trunk list", ""), ("trunk show", "spare"), ("customer list", ""),
    ):  # fmt: skip
        walk(command, words)
    Path("app_flows/scripts").mkdir(parents=True)
    Path("app_flows/scripts/same.js").write_text("module.exports = (data) => data;\n")
    walk("script list")
    walk("script publish", "same --note first")
    walk("script history", "same")
    walk("script diff", "same")
    Path("app_flows/scripts/same.js").write_text("module.exports = () => {};\n")
    walk("script rollback", "same")


def keep_calendars(walk: Walk, folder: Path) -> None:
    (folder / "days.csv").write_text("12-25,Christmas Day\n")
    (folder / "app_flows" / "office.yaml").write_text(OFFICE)
    walk("calendar add", "england --notes gov.uk")
    walk("calendar set", "england --notes www.gov.uk")
    walk("calendar import", "england days.csv")
    made = walk("calendar add-days", "england 2099-12-24 --to 2099-12-26 --title Shut")
    walk("calendar entries", "england")
    walk("calendar delete-entry", f"england {made['id']}")
    walk("calendar list")
    walk("calendar show", "england")
    walk("calendar delete", "england")
    walk("override set", "office closed --notes storm")
    walk("override list")
    walk("override clear", "office")


def publish_flows(walk: Walk, folder: Path) -> None:
    (folder / "new.yaml").write_text(FLOW + "# changed\n")
    walk("flow draft save", "menu new.yaml")
    walk("flow draft list")
    walk("flow draft show", "menu")
    walk("flow draft check", "menu")
    walk("flow list")
    walk("flow diff", "menu file draft")
    walk("flow publish", "menu --note hello")
    walk("flow rollback", "menu")
    walk("flow show", "menu")
    walk("flow history", "menu")
    walk("flow list")
    walk("flow draft save", "menu new.yaml")
    walk("flow draft discard", "menu")
    walk("flow new", "questions --from survey")


def move_money(walk: Walk) -> None:
    walk("ledger pay-in", "42 50.00 --reason June --key june")
    walk("ledger pay-out", "42 1.00 --reason back")
    walk("ledger adjust", "42 -1.00 --reason wrong")
    walk("ledger transfer", "42 50 2.00 --reason split")
    walk("ledger limit", "42 --debit 5 --daily 20")
    walk("ledger show", "42 --movements 5")
    walk("ledger statement", "42 --since 24h")
    walk("ledger holds")
    walk("ledger movements", "--customer 42 --limit 2")
    walk("ledger check")


def make_cards(walk: Walk, folder: Path) -> None:
    walk("card pepper new")
    walk("card pepper list")
    shared = walk("cli add", "441910000019 --customer 42 --code")["id"]
    for command in ("cli code show", "cli code rotate"):
        walk(command, str(shared))
    walk("cli code list")
    walk("customer password", "42")
    walk("customer show", "42")
    walk("cli code delete", str(shared))
    made = walk("card generate", "--customer 7 --credit 5.00 --count 4 --batch spring --expires 2099-07-01")
    one, two, three, _ = (secret["id"] for secret in made["secrets"])
    walk("card generate", "--customer 7 --count 1 --batch other --out pins.csv")
    walk("card set", f"{one} --credit 6.00")
    walk("card disable", one)
    walk("card enable", one)
    walk("card redeem", one)
    walk("card redeem", two)
    walk("card delete", f"{two} {three}")
    for command, words in (
        ("card list", ""), ("card list", "--archived"), ("card show", one), ("card batches", ""),
        ("card export", ""), ("card export", "--out cards.csv"),
    ):  # fmt: skip
        walk(command, words)
    vouchers = walk(
        "voucher generate", "--currency USD --value 5 --count 2 --batch give --expires 2099-07-01"
    )
    walk("voucher generate", "--currency USD --multiplier 1.1 --minimum 1 --out codes.csv")
    first, second = vouchers["secrets"]
    walk("voucher disable", str(second["id"]))
    walk("voucher enable", str(second["id"]))
    walk("voucher bulk", "disable --where batch=give --expect 2 --dry-run")
    walk("voucher delete", str(second["id"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ringflow.cli.voucher._read_code", lambda: first["code"])
        walk("voucher redeem", "--customer 42")
    walk("voucher list")
    walk("voucher show", str(first["id"]))


def keep_a_recording(folder: Path) -> str:
    """The ID of a recording of one second."""
    recording_id, now_ms = "0" * 32, system_now_ms()
    kept = folder / ".ringflow" / "recordings"
    kept.mkdir()
    (kept / f"{recording_id}.ulaw").write_bytes(bytes(8000))
    row = {
        "id": recording_id, "call_id": "call1", "server": socket.gethostname(), "status": "kept",
        "started_ms": now_ms, "until_ms": now_ms, "length_ms": 1000, "bytes": 8000, "did": "1", "app": "a",
        "slot": "s", "levelled": 1, "least_ms": 0,
    }  # fmt: skip
    with closing(sqlite3.connect(folder / ".ringflow" / "ringflow.db")) as connection:
        connection.execute(
            f"INSERT INTO recordings ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", [*row.values()]
        )
        connection.commit()
    return recording_id


def set_rates(walk: Walk) -> None:
    walk("rate add", "retail --currency USD --default")
    walk("rate add", "carrier --currency USD")
    walk("rate set", "retail --below-cost allow")
    walk("rate import", "rates.csv --card retail --map prefix=Code --save-map acme")
    walk("rate import", "rates.csv --card carrier --dry-run")
    walk("rate set-rate", "retail 447 --price 0.02 --from 2026-07-01 --until 2099-01-01 --destination Mobile")
    walk("rate set-rate", "retail 448 --price 0.03")
    walk("rate delete-rate", "retail 448")
    walk("rate set-rate", "carrier 44 --price 0.05")
    walk("rate assign", "retail --customer 42")
    walk("rate assign", "carrier --trunk carrier")
    walk("rate assign", "carrier --trunk spare")
    walk("rate unassign", "--trunk spare")
    for command, words in (
        ("rate list", ""), ("rate show", "retail"),
        ("rate export", "retail"), ("rate export", "retail --out r.csv"),
        ("rate quote", "441910000009 --customer 42"), ("rate quote", "441910000009 --trunk carrier"),
        ("rate compare", "retail carrier"), ("rate diff", "retail carrier"),
        ("rate diff", "carrier retail --out d.csv"), ("rate map list", ""), ("rate map delete", "acme"),
    ):  # fmt: skip
        walk(command, words)
    walk("rate add", "gone --currency USD")
    walk("rate delete", "gone --yes")


def make_calls(walk: Walk, folder: Path) -> None:
    walk("call", "18005550100 --from 441910000001")
    (folder / "app_flows" / "out.yaml").write_text(OUT)
    walk("did add", "18005550199 out")
    made = walk("call", "18005550199 --from 441910000001 --talk 90s --live")
    assert made["legs"], made
    walk("call", "18005550100 --from 499999999 --live")
    walk("record list")
    walk("record show", made["call_id"])
    walk("record export", "--out -")
    walk("record export", "--out - --slots")
    walk("record export", "--out calls.csv")
    leg_id = made["legs"][0]["leg_id"]
    walk("ledger refund", f"{leg_id} 0.01 --reason sorry")
    for by in ("customer", "trunk", "day", "destination"):
        walk("report calls", f"--by {by}")


def make_operators(walk: Walk, folder: Path) -> None:
    (folder / "password.txt").write_text("correct horse battery staple\n")
    walk("role add", "clerk --right customers.read --notes 'at the desk'")
    walk("role list")
    walk("role show", "clerk")
    walk("role change", "clerk --right customers.read --right cards.read")
    walk("operator add", "ann --role admin --password-file password.txt")
    walk("operator add", "bot --role clerk --no-password --notes 'a program'")
    walk("operator list", "--limit 1")
    walk("operator show", "ann")
    walk("operator change", "bot --notes 'another'")
    walk("operator invite", "eve --role viewer --email eve@example.com")
    walk("operator reset", "eve")
    walk("operator sign-out", "eve")
    walk("operator disable", "bot")
    walk("operator enable", "bot")
    walk("operator password", "ann --password-file password.txt")
    walk("customer login add", "42 c@example.org --password-file password.txt")
    walk("customer login list", "--customer 42")
    walk("customer login password", "c@example.org --password-file password.txt")
    walk("customer login delete", "c@example.org")
    token = walk("customer token add", "42 shop --expires 2099-07-01")
    walk("customer token list", "42")
    walk("customer token revoke", f"42 {token['id']}")
    made = walk("token add", "bot export --expires 2099-07-01 --right customers.read")
    walk("token list")
    walk("token revoke", made["starts_with"])
    walk("role add", "gone --right customers.read")
    walk("role delete", "gone")


def keep_lists(walk: Walk, folder: Path) -> None:
    (folder / "entries.csv").write_text("entry,notes,expires\n441910000001,her,2099-07-01\n4420*,,\n")
    walk("value-list add", "barred --kind numbers --notes 'refused'")
    walk("value-list list")
    walk("value-list set", "barred --notes 'refused at once'")
    walk("value-list entry add", "barred 441910000002 --notes him --expires 2099-07-01")
    walk("value-list entry import", "barred entries.csv")
    walk("value-list entry list", "barred --limit 1")
    walk("value-list entry show", "barred 441910000001")
    walk("value-list entry export", "barred --out barred.csv")
    walk("value-list show", "barred")
    walk("value-list entry remove", "barred 441910000001")
    walk("value-list delete", "barred --entries")


def test_whatever_a_command_prints_for_programs_has_known_names_and_types(
    ringflow: Run, folder: Path
) -> None:
    walk = Walk(ringflow)
    make_directory(walk)
    publish_flows(walk, folder)
    move_money(walk)
    make_cards(walk, folder)
    walk("key generate")
    walk("key new")
    walk("key list")
    walk("key use", "v2")
    walk("key drop", "v1")
    key = walk("key make", "--customer 42 --server a1")["key"]
    walk("key verify", f"{key} --customer 42 --server a1")
    walk("key verify", f"{key} --customer 43 --server a1", codes=(1,))
    set_rates(walk)
    make_calls(walk, folder)
    make_operators(walk, folder)
    keep_calendars(walk, folder)
    keep_lists(walk, folder)
    walk("customer show", "42")
    walk("audit list")
    walk("check", codes=(0, 1))
    walk("test", codes=(0, 1))
    walk("asterisk config", "--out asterisk")
    walk("asterisk config", "--out asterisk --diff")
    walk("asterisk check", "--files etc", codes=(0, 1))
    walk("lab status", codes=(1,))
    walk("live list")
    recording = keep_a_recording(folder)
    walk("recording list")
    walk("recording show", recording)
    walk("recording export", f"{recording} --out message.wav")
    walk("recording delete", recording)
    walk("did delete", "18005550100")
    walk("speed-dial delete", "42 5")
    walk("cli delete", "441910000001")
    walk("trunk delete", "spare")
    walk("customer add", "Gone --id 99")
    walk("customer delete", "99")
    walk("backup", "archive.zip")
    walk("restore", "archive.zip --replace")
    walk("init", "new")
    assert walk.wrong == []
    commands = set(json_commands(typer.main.get_command(build())))
    assert commands - walk.ran == NOT_RUN.keys() | {"card discard"}
