"""Mistakes planted in flows, configurations and scenarios, and exactly what is said about each.

Each has the lines that the file's author gets, and no other: no follow-up, and no words of a parser.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import pytest

from ringflow.accounts.declarations import check_declarations
from ringflow.calls.outcome import LegStatus, ReleasedBy
from ringflow.config import Config, load_config
from ringflow.errors import DocumentError, Problem
from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings
from ringflow.simulator.scenario_files import read_scenarios
from ringflow.wording import known_words

TYPES = slot_types()
KNOWN_IVR_KEYS = f"known here: {known_words(TYPES['ivr'].model_fields)}"
KNOWN_SETTINGS = f"known here: {known_words(Config.model_fields)}"
KNOWN_STEP_KEYS = "known here: after, every, for, hangs_up, hears, keys, pause, speaks, tone, waits"
KNOWN_EXPECTED = (
    "known here: app, caller_id, charged, credit, customer, dialled, endless, headers, heard, kept, legs, "
    "outcome, prompts, recordings, reject, says, talked, transcript, variables"
)
SLOT_TYPES = f"slot types: {known_words(TYPES)}"
STRAIGHT = "is not a quote to YAML, but part of the text (write straight quotes: \" or ')"
NO_VALUE = "write one, or remove the key; # begins a comment unless in quotes"
TIMES = "write a number and a unit: 500ms, 4s, 1.5s, 2m, 1h"


def one_of(words: type[StrEnum]) -> str:
    """All of them, as a problem lists them."""
    *first, last = (f"'{word}'" for word in words)
    return f"{', '.join(first)} or {last}"


def slots(*lines: str) -> str:
    """A flow of these lines of slots."""
    return "app: x\nslots:\n" + "".join(f"{line}\n" for line in lines)


def ivr(*fields: str) -> str:
    """A flow that takes digits, with these fields from line 6 on."""
    first = ("  - slot: ivr", "    file: IVR/ask", "    result: num")
    return slots(*first, *(f"    {field}" for field in fields))


def dials(field: str) -> str:
    """A flow that takes digits and then dials, with this field on line 7."""
    return ivr() + f"  - slot: destination\n    {field}\n"


def calls(*fields: str) -> str:
    """A flow that dials a number, with these fields from line 5 on."""
    first = ("  - slot: destination", '    external: "441910000001"')
    return slots(*first, *(f"    {field}" for field in fields))


def declared(group: str, *lines: str) -> str:
    """A configuration that declares one customer, DID or trunk."""
    return f"{group}:\n  - {lines[0]}\n" + "".join(f"    {line}\n" for line in lines[1:])


def scenario(*lines: str) -> str:
    """A scenario with these lines after its name."""
    return "- name: a\n" + "".join(f"  {line}\n" for line in lines)


def check_flow(text: str, folder: Path) -> list[Problem]:
    draft = draft_from_bytes(text.encode(), TYPES, "x.yaml")
    return check_flows([draft], Surroundings(uri_hosts=frozenset({"pbx.example.com"})))


def check_config(text: str, folder: Path) -> list[Problem]:
    path = folder / "config.yaml"
    path.write_text(text, "utf-8")
    try:
        return asyncio.run(check_declarations(load_config(path, {})))
    except DocumentError as error:
        return list(error.problems)


def check_scenario(text: str, folder: Path) -> list[Problem]:
    path = folder / "x.test.yaml"
    path.write_text(text, "utf-8")
    try:
        read_scenarios(path)
    except DocumentError as error:
        return list(error.problems)
    return []


CHECKS: dict[str, Callable[[str, Path], list[Problem]]] = {
    "flow": check_flow,
    "config": check_config,
    "scenario": check_scenario,
}
MISTAKES: dict[str, tuple[str, str, tuple[str, ...]]] = {}


def mistake(kind: str, name: str, text: str, *problems: str) -> None:
    assert name not in MISTAKES
    MISTAKES[name] = (kind, text, problems)


mistake("flow", "curly quotes", dials("external: “44${num}”"), f"7:15: `“` {STRAIGHT}")
mistake("flow", "curly single quotes", dials("external: ‘44${num}’"), f"7:15: `‘` {STRAIGHT}")
mistake(
    "flow",
    "braces without a dollar sign",
    dials("external: 44{num}"),
    "7:15: `44{num}` is not a number (for the variable, write ${num})",
)
mistake(
    "flow",
    "a dollar sign without braces",
    dials("external: $num"),
    "7:15: `$num` is not a number (for the variable, write ${num})",
)
mistake(
    "flow",
    "double braces in quotes",
    dials('external: "{{num}}"'),
    "7:15: `{{num}}` is not a number (for the variable, write ${num})",
)
mistake(
    "flow",
    "double braces",
    dials("external: {{num}}"),
    "7:16: `{num}` is not text to YAML (for the variable, write ${num})",
)
mistake(
    "flow",
    "braces alone",
    dials("external: {num}"),
    "7:5: `external`: `{num}` is not a variable (write ${num})",
)
mistake(
    "flow",
    "a variable in capitals",
    dials("external: ${NUM}"),
    "7:15: `external`: `${NUM}` is not a variable (write ${num})",
)
mistake(
    "flow",
    "spaces within a reference",
    dials("external: ${ num }"),
    "7:15: `external`: `${ num }` is not a variable (write ${num})",
)
mistake(
    "flow",
    "a default as shells write it",
    dials("external: ${num:-0}"),
    "7:15: `external`: `${num:-0}` is not a variable (write ${num|0})",
)
mistake(
    "flow",
    "a reference that is not closed",
    dials("external: 44${num"),
    "7:15: `external`: `${` is not closed (write ${num})",
)
mistake(
    "flow",
    "a brace too many",
    dials("external: 44${num}}"),
    "7:15: `44${num}}` cannot become a number: it has `}` in it (remove it)",
)
mistake(
    "flow",
    "full-width digits before a variable",
    dials("external: ４４${num}"),
    "7:15: `４４${num}` cannot become a number: it has `４` in it (write 4)",
)
mistake(
    "flow",
    "a long dash before a variable",
    dials("external: –44${num}"),
    "7:15: `–44${num}` cannot become a number: it has `–` in it (write -)",
)
mistake(
    "flow",
    "a quote at the end only",
    dials('external: 44${num}"'),
    '7:15: `44${num}"` cannot become a number: it has `"` in it (remove it)',
)
mistake(
    "flow",
    "a quote at the beginning only",
    dials('external: "44${num}'),
    '7:15: the quote that begins here is not closed (write " at the end of the value)',
)
mistake(
    "flow",
    "a terminator dialled",
    dials("external: ${num}#"),
    "7:15: `${num}#` cannot become a number: it has `#` in it (remove it)",
)
mistake(
    "flow", "a bare star", dials("external: *44"), '7:15: text that begins with * needs quotes (write "*44")'
)
mistake(
    "flow",
    "a variable in brackets",
    dials("external: [${num}]"),
    '7:16: `${` needs quotes between brackets (write "${num}")',
)
mistake(
    "flow",
    "a percent sign on both sides",
    dials("external: %num%"),
    "7:15: text cannot begin with % (for the variable, write ${num})",
)
mistake(
    "flow",
    "the letter O in a number",
    dials("external: 44191000000O"),
    "7:15: `44191000000O` is not a number (write 441910000000)",
)
mistake(
    "flow",
    "a number out of a spreadsheet",
    dials("external: 4.4191E+11"),
    "7:15: `external`: the digits of 4.4191e+11 are lost (write all of them)",
)
mistake(
    "flow",
    "a variable misspelt",
    dials("external: ${nun}"),
    (
        "7:15: unknown variable `nun` "
        "(did you mean `num`? known: app, call.id, card.id, cli, customer.currency, "
        "customer.id, customer.name, did, error.slot, error.what, language, num)"
    ),
)
mistake(
    "flow",
    "a regex shorter than min",
    ivr('regex: "[01]"', "min: 3"),
    "6:12: what matches has 1 digit, and `min` is 3 (change `regex` or `min`)",
)
mistake(
    "flow",
    "a regex longer than max",
    ivr('regex: "[0-9]{11,14}"', "max: 10"),
    "6:12: what matches has 11 to 14 digits, and `max` is 10 (change `regex` or `max`)",
)
mistake(
    "flow",
    "a regex of letters",
    ivr('regex: "[E-Z]+"'),
    "6:12: nothing that can be keyed matches (keys are 0-9 * #)",
)
mistake(
    "flow",
    "a regex that needs a terminator",
    ivr('regex: "[0-9]+#"'),
    (
        "6:12: nothing that can be keyed matches: # ends the input "
        "(take the key out of `terminators` or of `regex`)"
    ),
)
mistake(
    "flow",
    "a regex that is not closed",
    ivr("regex: '[0-9'"),
    "6:12: `regex`: not a regular expression of RE2: missing ] in `[0-9` (close the [ by a ])",
)
mistake(
    "flow",
    "a regex that begins with a bracket",
    ivr("regex: [0-9]+"),
    "6:17: text stands after the `]` (text that begins with [ or { needs quotes)",
)
mistake(
    "flow",
    "a backslash in double quotes",
    ivr('regex: "\\d+"'),
    "6:13: `\\d` means nothing between double quotes (use single quotes)",
)
mistake(
    "flow",
    "a regex that looks ahead",
    ivr("regex: '(?!0)[0-9]+'"),
    (
        "6:12: `regex`: not a regular expression of RE2: invalid perl operator in `(?!` "
        "(leave it out: RE2 has no look-around)"
    ),
)
mistake("flow", "a star as regex", ivr("regex: *"), '6:12: text that begins with * needs quotes (write "*")')
mistake("flow", "min above max", ivr("min: 14", "max: 11"), "6:10: min 14 is more than max 11 (swap them)")
mistake(
    "flow",
    "a time with its unit",
    ivr("first_digit_timeout: 5s"),
    ("6:26: `first_digit_timeout` must be a number, not `5s` (write the number alone, without a unit)"),
)
mistake(
    "flow",
    "a decimal comma",
    ivr("first_digit_timeout: 2,5"),
    "6:26: `first_digit_timeout` must be a number, not `2,5` (write 2.5)",
)
mistake(
    "flow",
    "the letter O in a count",
    ivr("max: 1O"),
    "6:10: `max` must be a whole number, not `1O` (write 10)",
)
mistake(
    "flow",
    "full-width digits in a count",
    ivr("max: １１"),
    "6:10: `max` must be a whole number, not `１１` (write 11)",
)
mistake(
    "flow",
    "a word for a count",
    ivr("min: three"),
    "6:10: `min` must be a whole number, not `three` (write digits only)",
)
mistake(
    "flow",
    "no space after a colon",
    ivr("min:3", "max: 5"),
    "6:8: no space follows the colon of `min` (write `min: 3`)",
)
mistake("flow", "an equals sign for a colon", ivr("max=5"), "6:5: no colon follows `max` (write `max: 5`)")
mistake("flow", "a semicolon for a colon", ivr("max; 5"), "6:5: no colon follows `max` (write `max: 5`)")
mistake(
    "flow",
    "a no-break space after a colon",
    ivr("max:\xa05"),
    "6:9: this is not an ordinary space (write a space after the colon)",
)
mistake(
    "flow",
    "a star as terminator",
    ivr("terminators: *"),
    '6:18: text that begins with * needs quotes (write "*")',
)
mistake(
    "flow",
    "a hash sign as terminator",
    ivr("terminators: #"),
    (f"6:5: `terminators` has no value ({NO_VALUE})"),
)
mistake(
    "flow",
    "a word as terminator",
    ivr("terminators: pound"),
    "6:18: `terminators` cannot be `pound` (keys are 0-9 * #)",
)
mistake(
    "flow",
    "a comment within terminators",
    ivr("terminators: 0 #"),
    "6:20: this # begins a comment that says nothing (put quotes around text with # in it)",
)
mistake(
    "flow",
    "a list of exits without values",
    ivr("on: {no_input}"),
    (f"6:10: `no_input` has no value ({NO_VALUE})"),
)
mistake(
    "flow",
    "no space after the colon of an exit",
    ivr("on: {no_input:hangup}"),
    "6:18: no space follows the colon of `no_input` (write `no_input: hangup`)",
)
mistake(
    "flow",
    "an exit with a hyphen",
    ivr("on: {no-input: hangup}"),
    (
        "6:10: ivr has no exit `no-input` "
        "(did you mean `no_input`? exits of ivr: done, no_input, invalid, transferred)"
    ),
)
mistake(
    "flow",
    "an exit outside of on",
    ivr("no_input: hangup"),
    "6:5: `no_input` does not belong here (write it under `on:`, indented)",
)
mistake(
    "flow",
    "exits in line with on",
    ivr("on:", "no_input: hangup"),
    "7:5: `no_input` does not belong here (write it under `on:`, indented)",
)
mistake(
    "flow",
    "a target in capitals",
    ivr("on: {no_input: Hangup}"),
    "6:20: no slot here has the id `Hangup` (did you mean `hangup`?)",
)
mistake(
    "flow",
    "a choice in capitals",
    ivr("longer: Next"),
    "6:13: `longer` must be 'invalid' or 'next', not `Next` (did you mean `next`?)",
)
mistake(
    "flow",
    "a transfer that is a second key",
    ivr("transfer_on_failure: app: x"),
    (
        "6:26: the value of `transfer_on_failure` has a colon and a space in it "
        "(put quotes around the value, or begin it on the next line, indented)"
    ),
)
mistake(
    "flow",
    "a variable in a transfer",
    ivr("transfer_on_failure: 'tel:${did}'"),
    "6:26: `tel:${did}` cannot become a number: it has `t` in it (remove it)",
)
mistake("flow", "a key in curly quotes", ivr("‘max’: 5"), f"6:5: `‘` {STRAIGHT}")
mistake(
    "flow",
    "a key in capitals",
    ivr("Max: 5"),
    (f"6:5: unknown key `Max` (did you mean `max`? {KNOWN_IVR_KEYS})"),
)
mistake(
    "flow",
    "a length of talk in hours",
    calls("max_duration: 1h"),
    "5:19: `max_duration` must be a number, not `1h` (write the number alone, without a unit)",
)
mistake(
    "flow",
    "a header outside of its mapping",
    calls("headers: X-A: b"),
    (
        "5:14: the value of `headers` has a colon and a space in it "
        "(put quotes around the value, or begin it on the next line, indented)"
    ),
)
mistake(
    "flow", "a header without value", calls("headers: {X-A: }"), (f"5:15: `X-A` has no value ({NO_VALUE})")
)
mistake(
    "flow",
    "a variable among headers",
    calls("headers: {X-A: ${did}}"),
    '5:20: `${` needs quotes between brackets (write "${did}")',
)
mistake(
    "flow",
    "a comma that is missing",
    calls("headers: {X-A: a X-B: b}"),
    "5:22: no comma stands before `X-B` (write one)",
)
mistake(
    "flow",
    "a bracket that a comment hides",
    calls("headers: {X-A: 1 # first}"),
    "5:14: the `{` here is not closed (put quotes around the #, which begins a comment)",
)
mistake(
    "flow",
    "keys to hold without their mapping",
    calls('follow_on: "*"'),
    '5:16: `follow_on`: must be true, false or a mapping, not `*` (write {keys: "*"})',
)
mistake(
    "flow",
    "a caller ID with a space",
    calls("caller_id: '+${did} 1'"),
    "5:16: `+${did} 1` cannot become a number: it has ` ` in it (remove it)",
)
mistake(
    "flow",
    "an exit given twice",
    calls("on: {busy: next, busy: hangup}"),
    "5:22: the key `busy` stands here a second time (keep one of them)",
)
mistake(
    "flow",
    "a list of prompts for a slot that takes one",
    slots("  - slot: ivr", "    file: [IVR/ask, IVR/more]", "    result: num"),
    ("4:5: `file`: must be one prompt, not a list (play the others by `audio` before this slot)"),
)
mistake(
    "flow",
    "a required key misspelt",
    slots(
        "  - slot: ivr", "    file: IVR/ask", "    resutl: num", '  - {slot: destination, external: "${num}"}'
    ),
    (f"5:5: unknown key `resutl` (did you mean `result`? {KNOWN_IVR_KEYS})"),
)
mistake(
    "flow",
    "a required key that is not indented",
    slots("  - slot: ivr", "    file: IVR/ask", "result: num"),
    "5:1: `result` does not belong here (write it in a slot, indented)",
)
mistake(
    "flow",
    "a line indented too far",
    slots("  - slot: ivr", "    file: IVR/ask", "     result: num"),
    ("5:6: this line is indented more than line 4, which has its value already (begin it in column 5)"),
)
mistake(
    "flow",
    "a line indented too little",
    slots("  - slot: ivr", "    file: IVR/ask", "   result: num"),
    (
        "5:4: this line begins in column 4, where none begins that it could belong to "
        "(begin it in column 3 or 5)"
    ),
)
mistake(
    "flow",
    "a list entry indented too little",
    slots("  - slot: audio", "    file: IVR/ask", " - slot: hangup"),
    (
        "5:2: a list entry begins here, where the lines before it go on "
        "(begin it in column 3, as line 3 does, or remove the `- `)"
    ),
)
mistake(
    "flow",
    "a list entry indented too far",
    slots("  - slot: audio", "    file: IVR/ask", "    - slot: hangup"),
    (
        "5:5: a list entry begins here, where the lines before it go on "
        "(begin it in column 3, as line 3 does, or remove the `- `)"
    ),
)
mistake(
    "flow",
    "a dash that is missing",
    slots("  - slot: audio", "    file: IVR/ask", "  slot: hangup"),
    (
        "5:3: no `- ` stands before this line, which is in line with the `- ` of line 3 "
        "(write `- ` before it, or begin it in column 5)"
    ),
)
mistake(
    "flow",
    "a dash that is missing before an indented entry",
    slots("  - slot: audio", "    file: IVR/ask", "    slot: hangup"),
    ("5:5: the key `slot` stands here a second time (keep one of them, or begin a new entry by `- `)"),
)
mistake(
    "flow",
    "a first dash that is missing",
    slots("  slot: audio", "  file: IVR/ask", "  - slot: hangup"),
    "3:3: no `- ` stands before this line, though line 5 has one (write `- slot: audio`)",
)
mistake(
    "flow",
    "all dashes missing",
    slots("  slot: audio", "  file: IVR/ask"),
    "2:1: `slots` must be a list, not a mapping (write `- ` before each entry, or [one, two])",
)
mistake(
    "flow",
    "no space after a first dash",
    slots("  -slot: hangup"),
    "3:3: no space follows the dash (write `- slot:`)",
)
mistake(
    "flow",
    "no space after a dash",
    slots("  - slot: audio", "    file: IVR/ask", "  -slot: hangup"),
    "5:3: no space follows the dash (write `- slot: hangup`)",
)
mistake(
    "flow",
    "a long dash for a list entry",
    slots("  - slot: audio", "    file: IVR/ask", "  – slot: hangup"),
    "5:3: `–` is not a hyphen (write - and a space)",
)
mistake(
    "flow",
    "no space after the colon of a slot",
    slots("  - slot:hangup"),
    "3:5: no space follows the colon of `slot` (write `slot: hangup`)",
)
mistake(
    "flow",
    "a colon that is missing",
    slots("  - slot: audio", "    file IVR/ask"),
    "4:5: no colon follows `file` (write `file: IVR/ask`)",
)
mistake(
    "flow",
    "a quote that is not closed",
    slots(
        "  - slot: ivr",
        '    file: "IVR/ask',
        "    result: num",
        "  - slot: destination",
        '    external: "44${num}"',
    ),
    '4:11: the quote that begins here is not closed (write " at the end of the value)',
)
mistake(
    "flow",
    "a single quote that is not closed",
    slots("  - slot: ivr", "    file: 'IVR/ask", "    result: num"),
    "4:11: the quote that begins here is not closed (write ' at the end of the value)",
)
mistake(
    "flow",
    "a quote within quotes",
    slots("  - slot: destination", "    external: '44'${did}'"),
    '4:19: text stands after the closing quote (put all of it between " and ")',
)
mistake(
    "flow",
    "a tab before a slot",
    slots("\t- slot: hangup"),
    "3:1: a tab stands here (indent with spaces, not with tabs)",
)
mistake(
    "flow",
    "a tab before a field",
    slots("  - slot: audio", "\tfile: IVR/ask"),
    "4:1: a tab stands here (indent with spaces, not with tabs)",
)
mistake(
    "flow",
    "a no-break space before a slot",
    slots("\xa0 - slot: hangup"),
    ("3:1: a character that cannot be seen stands here: no-break space (remove it, or write a space)"),
)
mistake(
    "flow",
    "a no-break space after a dash",
    slots("  -\xa0slot: hangup"),
    ("3:4: a character that cannot be seen stands here: no-break space (remove it, or write a space)"),
)
mistake(
    "flow",
    "a space of no width behind a value",
    slots("  - slot: hangup\u200b"),
    ("3:17: a character that cannot be seen stands here: zero width space (remove it, or write a space)"),
)
mistake(
    "flow",
    "a brace that is not closed",
    slots("  - {slot: audio, file: IVR/ask", "  - {slot: hangup}"),
    "3:5: the `{` here is not closed (write })",
)
mistake(
    "flow",
    "a bracket closed by a brace",
    slots("  - {slot: audio, file: [IVR/ask}", "  - {slot: hangup}"),
    "3:25: the `[` here is not closed (write ])",
)
mistake(
    "flow",
    "a brace too many behind a slot",
    slots("  - {slot: audio, file: IVR/ask}}", "  - {slot: hangup}"),
    "3:33: this `}` closes nothing (remove it)",
)
mistake(
    "flow",
    "a comma missing between fields",
    slots("  - {slot: audio file: IVR/ask}"),
    "3:18: no comma stands before `file` (write one)",
)
mistake(
    "flow",
    "no spaces after colons between braces",
    slots("  - {slot:audio, file:IVR/ask}"),
    "3:10: no space follows the colon of `slot` (write `slot: audio`)",
    "3:22: no space follows the colon of `file` (write `file: IVR/ask`)",
)
mistake(
    "flow",
    "semicolons in a list",
    slots("  - slot: audio", "    file: [IVR/ask; IVR/more]"),
    (
        "4:12: `file` cannot be `IVR/ask; IVR/more` "
        "(a prompt is named as in IVR/ivr-please, without an extension)"
    ),
)
mistake(
    "flow",
    "a list behind its key",
    slots("  - slot: audio", "    file: - IVR/ask"),
    "4:11: a list does not begin behind its key (write each `- ` on a line of its own)",
)
mistake(
    "flow",
    "a type in capitals",
    slots("  - slot: Hangup"),
    (f"3:11: unknown slot type `Hangup` (did you mean `hangup`? {SLOT_TYPES})"),
)
mistake(
    "flow",
    "a type under another key",
    slots("  - type: hangup"),
    "3:5: unknown key `type` (write `slot: hangup`)",
)
mistake(
    "flow",
    "a type as key",
    slots("  - ivr:", "    file: IVR/ask", "    result: num"),
    "3:5: a slot's type is not a key (write `slot: ivr`, and its fields in line with `slot`)",
)
mistake(
    "flow",
    "an ID given to two slots",
    slots(
        "  - {slot: audio, file: IVR/ask, on: {done: b}}",
        "  - {slot: audio, id: b, file: IVR/ask, on: {done: hangup}}",
        "  - {slot: hangup, id: b}",
    ),
    "5:24: the id `b` is already the slot's on line 4 (ids are unique in a flow)",
)
mistake(
    "flow",
    "an exit misspelt that alone leads to a slot",
    slots(
        "  - {slot: ivr, file: IVR/ask, result: num, on: {no_imput: sorry}}",
        "  - {slot: hangup}",
        "  - {slot: hangup, id: sorry}",
    ),
    (
        "3:50: ivr has no exit `no_imput` "
        "(did you mean `no_input`? exits of ivr: done, no_input, invalid, transferred)"
    ),
)
mistake(
    "flow",
    "the key of an ID in capitals",
    slots("  - {slot: audio, file: IVR/ask, on: {done: bye}}", "  - {slot: hangup, Id: bye}"),
    "4:20: unknown key `Id` (did you mean `id`? known here: cause, code, file, id, on, reason, slot)",
)
mistake(
    "flow",
    "two targets, one of which leads back",
    slots("  - slot: destination", '    external: "44"', "    internal: x"),
    "5:15: external and internal are both given (give one of external, internal and uri)",
)
mistake(
    "flow",
    "a prefix where an app alone is meant",
    slots('  - {slot: destination, internal: "app:x"}'),
    "3:35: `internal`: `app:x` is written without `app:` here (write x)",
)
mistake(
    "flow",
    "a URI in brackets",
    slots('  - {slot: destination, uri: "<sip:desk@pbx.example.com>"}'),
    "3:30: `<sip:desk@pbx.example.com>` is not a SIP URI (write sip:user@host)",
)
mistake(
    "flow",
    "a host that may not be dialled",
    slots('  - {slot: destination, uri: "sip:desk@other.example"}'),
    "3:30: the host `other.example` may not be dialled (list it in config.yaml: uri_hosts)",
)
mistake(
    "flow",
    "a value and then a list",
    slots("  - slot: audio", "    file: IVR/ask", "      - IVR/more"),
    (
        "4:11: `file` cannot be `IVR/ask - IVR/more` "
        "(a prompt is named as in IVR/ivr-please, without an extension)"
    ),
)
mistake(
    "flow",
    "a comma for a line break",
    "app: x, title: y\nslots: [{slot: hangup}]\n",
    (
        "1:6: the value of `app` has a colon and a space in it "
        "(put quotes around the value, or begin it on the next line, indented)"
    ),
)
mistake(
    "flow",
    "a title with a colon",
    "app: x\ntitle: Card: ours\nslots: [{slot: hangup}]\n",
    (
        "2:8: the value of `title` has a colon and a space in it "
        "(put quotes around the value, or begin it on the next line, indented)"
    ),
)
mistake(
    "flow",
    "a title that begins with an at sign",
    "app: x\ntitle: @home\nslots: [{slot: hangup}]\n",
    "2:8: text cannot begin with @ (put quotes around it)",
)
mistake(
    "flow",
    "a title that begins with a greater-than sign",
    "app: x\ntitle: >Card\nslots: [{slot: hangup}]\n",
    "2:8: text that begins with > needs quotes (put quotes around it)",
)
mistake(
    "flow",
    "an apostrophe in single quotes",
    "app: x\ntitle: 'Ann's card'\nslots: [{slot: hangup}]\n",
    '2:13: text stands after the closing quote (put all of it between " and ")',
)
mistake(
    "flow",
    "a key without its colon",
    "app: x\nslots\n  - slot: hangup\n",
    "2:1: no colon follows `slots` (write `slots:`)",
)
mistake(
    "flow",
    "a first line that is indented",
    " app: x\nslots: [{slot: hangup}]\n",
    "1:2: this line is indented more than line 2 (begin it in column 1)",
)
mistake(
    "flow",
    "two flows in a file",
    "app: x\nslots: [{slot: hangup}]\n---\napp: y\nslots: [{slot: hangup}]\n",
    "3:1: a second document begins here (keep one in a file, and remove `---`)",
)
mistake(
    "flow",
    "a merge conflict",
    "<<<<<<< HEAD\napp: x\n=======\napp: y\n>>>>>>> b\nslots: [{slot: hangup}]\n",
    "1:1: a merge conflict is left here (keep one side, remove `<<<<<<<`)",
)
mistake(
    "flow",
    "a comment of another language",
    "// my flow\napp: x\nslots: [{slot: hangup}]\n",
    "1:1: a comment does not begin with // (write #)",
)
mistake(
    "flow",
    "the key of the slots in capitals",
    "app: x\nSlots: [{slot: hangup}]\n",
    "2:1: unknown key `Slots` (did you mean `slots`? known here: app, defaults, language, languages, limits, "
    "on_error, on_hangup, slots, title, variables)",
)
mistake(
    "flow",
    "a value before a list of slots",
    "app: x\nslots: all\n  - slot: hangup\n",
    "3:3: `slots` has its value already, so no list can follow (remove the value on line 2)",
)
mistake(
    "flow",
    "JSON that is cut off",
    '{"app": "x", "slots": [{"slot": "hangup"}\n',
    "1:23: the `[` here is not closed (write ])",
)
mistake(
    "config",
    "a setting that is not indented",
    "http:\nport: 8080\n",
    "2:1: `port` does not belong here (write it under `http:`, indented)",
)
mistake(
    "config",
    "a setting beside several groups that have it",
    "port: 4573\n",
    (
        "1:1: `port` does not belong here "
        "(write it under `fastagi:` or `ami:` or `http:` or `mail:`, indented)"
    ),
)
mistake(
    "config",
    "the port of a host",
    "fastagi: {host: '127.0.0.1:4573'}\n",
    "1:17: `host`: `127.0.0.1:4573` has a port in it (write 127.0.0.1, and 4573 under `port`)",
)
mistake(
    "config",
    "no space after the colon of a setting",
    "fastagi: {port:4573}\n",
    "1:15: no space follows the colon of `port` (write `port: 4573`)",
)
mistake(
    "config",
    "a port with the letter O",
    "http: {port: 808O}\n",
    "1:14: `port` must be a whole number, not `808O` (write 8080)",
)
mistake(
    "config",
    "a port beyond the last",
    "http: {port: 99999}\n",
    "1:14: `port` must be at most 65535, not `99999`",
)
mistake(
    "config",
    "a port in half a pair of quotes",
    "fastagi:\n  port: '4573\n  host: 127.0.0.1\n",
    "2:9: the quote that begins here is not closed (write ' at the end of the value)",
)
mistake(
    "config",
    "a port as the whole group",
    "http: 8080\n",
    "1:7: `http` must be a mapping, not `8080` (write `key: value` lines)",
)
mistake(
    "config",
    "a network with bits of a host",
    "fastagi: {allow: [10.0.0.1/8]}\n",
    "1:19: `allow`: `10.0.0.1/8` is not an address or a network (write 10.0.0.0/8)",
)
mistake(
    "config",
    "a name for a network",
    "fastagi: {allow: [pbx.example.com]}\n",
    (
        "1:19: `allow`: `pbx.example.com` is not an address or a network "
        "(write one such as 192.0.2.1 or 192.0.2.0/24)"
    ),
)
mistake(
    "config",
    "a network that is no list",
    "fastagi: {allow: 10.0.0.1}\n",
    ("1:18: `allow` must be a list, not `10.0.0.1` (write `- ` before each entry, or [one, two])"),
)
mistake(
    "config",
    "the country in small letters",
    "country: gb\n",
    "1:10: `country`: `gb` is not a country (write GB)",
)
mistake(
    "config", "a country's other code", "country: UK\n", "1:10: `country`: `UK` is not a country (write GB)"
)
mistake("config", "a country in curly quotes", "country: “GB”\n", f"1:10: `“` {STRAIGHT}")
mistake(
    "config",
    "a level of the log in capitals",
    "log: {level: DEBUG}\n",
    ("1:14: `level` must be 'debug', 'info', 'warning' or 'error', not `DEBUG` (did you mean `debug`?)"),
)
mistake(
    "config",
    "seconds with their unit",
    "charging: {slice_s: 60s}\n",
    ("1:21: `slice_s` must be a whole number, not `60s` (write the number alone, without a unit)"),
)
mistake(
    "config",
    "a group given twice",
    "http: {port: 1}\ncountry: US\nhttp: {port: 2}\n",
    "3:1: the key `http` stands here a second time (keep one of them)",
)
mistake(
    "config",
    "a secret in the file",
    "ami:\n  secret: hunter2\n",
    (
        "2:3: unknown key `secret` "
        "(did you mean `secret_env`? known here: host, port, secret_env, secret_file, user)"
    ),
)
mistake(
    "config",
    "a list for a path",
    "flows: [app_flows]\n",
    "1:1: `flows` must be a path, not a list (write one path, in quotes)",
)
mistake(
    "config",
    "a group under a value",
    "country: US\n  http: {port: 1}\n",
    ("2:3: this line is indented more than line 1, which has its value already (begin it in column 1)"),
)
mistake(
    "config",
    "a brace that is not closed in a group",
    "http: {port: 8080\nlog: {level: info}\n",
    "1:7: the `{` here is not closed (write })",
)
mistake(
    "config",
    "a configuration without a colon",
    "country US\nlog: {level: info}\n",
    "1:1: no colon follows `country` (write `country: US`)",
)
mistake(
    "config",
    "one customer without a list",
    "customers: {id: 1}\n",
    ("1:1: `customers` must be a list, not a mapping (write `- ` before each entry, or [one, two])"),
)
mistake(
    "config",
    "the name of a group in the singular",
    "did: []\n",
    (f"1:1: unknown key `did` (did you mean `dids`? {KNOWN_SETTINGS})"),
)
mistake(
    "config",
    "URI hosts that are no list",
    "uri_hosts: pbx.example.com\n",
    ("1:12: `uri_hosts` must be a list, not `pbx.example.com` (write `- ` before each entry, or [one, two])"),
)
mistake(
    "config",
    "a scheme in a host",
    "uri_hosts: ['sip:pbx.example.com']\n",
    (
        "1:13: `uri_hosts` cannot be `sip:pbx.example.com` "
        "(write a host's name or address, and :port if it needs one)"
    ),
)
mistake(
    "config",
    "a customer's field that is not indented",
    declared("customers", "id: 42") + "name: A\n",
    "3:1: `name` does not belong here (write it under `customers:`, indented)",
)
mistake(
    "config",
    "a currency in small letters",
    declared("customers", "id: 42", "currency: usd"),
    "3:15: `currency` cannot be `usd` (write three capitals, such as USD)",
)
mistake(
    "config",
    "a currency that is none",
    declared("customers", "id: 42", "currency: XQQ"),
    "3:15: customer 42: `XQQ` is not a currency: write a code of ISO 4217 such as USD",
)
mistake(
    "config",
    "a status in capitals",
    declared("customers", "id: 42", "status: Active"),
    (
        "3:13: `status` must be 'active', 'inactive', 'penalty' or 'pending', not `Active` "
        "(did you mean `active`?)"
    ),
)
mistake(
    "config",
    "a name that a comment swallows",
    declared("customers", "id: 42", "name: #1 Telecom"),
    (f"3:5: `name` has no value ({NO_VALUE})"),
)
mistake(
    "config",
    "a customer given twice",
    declared("customers", "id: 42\n  - id: 42"),
    "3:9: customer 42 is declared twice (keep one of them)",
)
mistake(
    "config",
    "the CLIs in the singular",
    declared("customers", "id: 42", 'cli: "441910000001"'),
    (
        "3:5: unknown key `cli` "
        "(did you mean `clis`? known here: caller_id, channels, clis, currency, id, language, name, status)"
    ),
)
mistake(
    "config",
    "CLIs that are no list",
    declared("customers", "id: 42", 'clis: "441910000001"'),
    ("3:11: `clis` must be a list, not `441910000001` (write `- ` before each entry, or [one, two])"),
)
mistake(
    "config",
    "a DID without its app",
    declared("dids", "number: 18005550100"),
    "2:5: `app` is missing (add `app:`)",
)
mistake(
    "config",
    "an app in curly quotes",
    declared("dids", 'number: "18005550100"', "app: “x”"),
    f"3:10: `“` {STRAIGHT}",
)
mistake(
    "config",
    "the key of an app in capitals",
    declared("dids", "number: 18005550100", "App: x"),
    (
        "3:5: unknown key `App` "
        "(did you mean `app`? known here: app, channels, customer, enabled, hangup_script, "
        "hangup_script_timeout_s, hangup_script_vars, identify, number, "
        "reject_code, script, script_fallback, script_timeout_s, script_vars, variable, withheld)"
    ),
)
mistake(
    "config",
    "YAML 1.1's no for none",
    declared("dids", "number: 18005550100", "app: x", "identify: false"),
    "4:15: `identify` must be 'cli' or 'none', not false (write one of them)",
)
mistake(
    "config",
    "a trunk with a variable of flows",
    declared("trunks", "name: a", "dial: PJSIP/${number}@a"),
    (
        "3:11: trunk a: dial `PJSIP/${number}@a`: write TECHNOLOGY/address of letters, digits "
        "and _ . + * # / @ : ; = [ ] -, as in PJSIP/{number}@carrier"
    ),
)
mistake(
    "config",
    "a trunk that begins with a brace",
    declared("trunks", "name: a", "dial: {number}@a"),
    "3:19: text stands after the `}` (text that begins with [ or { needs quotes)",
)
mistake(
    "config",
    "a failover that is no list",
    declared("trunks", "name: a", "dial: PJSIP/{number}@a", "failover: 5xx"),
    "4:15: `failover` must be a list, not `5xx` (write `- ` before each entry, or [one, two])",
)
mistake(
    "scenario",
    "what is expected under a misspelt key",
    scenario("expected: {outcome: completed}"),
    (
        "2:3: unknown key `expected` "
        "(did you mean `expect`? known here: call, callee, caller, calls, expect, flow, given, name, "
        "top_up)"
    ),
)
mistake(
    "scenario",
    "an outcome in capitals",
    scenario("expect: {outcome: Completed}"),
    "2:21: no call ends by `Completed` (did you mean `completed`?)",
)
mistake(
    "scenario",
    "an outcome outside of expect",
    scenario("outcome: completed"),
    "2:3: `outcome` does not belong here (write it under `expect:`, indented)",
)
mistake(
    "scenario",
    "a name that nothing expects",
    scenario("expect: {result: completed}"),
    (f"2:12: unknown key `result` ({KNOWN_EXPECTED})"),
)
mistake(
    "scenario",
    "an amount with its sign",
    scenario("expect: {charged: $0.50}"),
    "2:21: `charged` cannot be `$0.50` (write an amount such as 5.00)",
)
mistake(
    "scenario",
    "an amount with a comma",
    scenario("expect: {charged: '0,50'}"),
    "2:21: `charged` cannot be `0,50` (write an amount such as 5.00)",
)
mistake(
    "scenario",
    "a length of time without its unit",
    scenario("expect: {talked: 60}"),
    (f"2:20: `talked`: `60` is not a length of time ({TIMES})"),
)
mistake(
    "scenario",
    "the status of a leg in capitals",
    scenario("expect: {legs: [{status: BUSY}]}"),
    f"2:28: `status` must be {one_of(LegStatus)}, not `BUSY` (did you mean `busy`?)",
)
mistake(
    "scenario",
    "who released a leg, in capitals",
    scenario("expect: {legs: [{released_by: Caller}]}"),
    f"2:33: `released_by` must be {one_of(ReleasedBy)}, not `Caller` (did you mean `caller`?)",
)
mistake(
    "scenario",
    "the code of a leg with a digit too many",
    scenario("expect: {legs: [{sip: 4866}]}"),
    "2:25: `sip` must be at most 699, not `4866`",
)
mistake(
    "scenario",
    "a code alone for a refusal",
    scenario("expect: {reject: 403}"),
    "2:20: `reject` must be a mapping, not `403` (write `key: value` lines)",
)
mistake(
    "scenario",
    "prompts that are no list",
    scenario("expect: {prompts: IVR/x}"),
    ("2:21: `prompts` must be a list, not `IVR/x` (write `- ` before each entry, or [one, two])"),
)
mistake(
    "scenario",
    "a verb that is none",
    scenario("expect: {}", "caller: [{dials: 1}]"),
    (f"3:13: unknown key `dials` ({KNOWN_STEP_KEYS})"),
)
mistake(
    "scenario",
    "keys that a comment swallows",
    scenario("expect: {}", "caller:", "  - keys: #"),
    (f"4:7: `caller`: `keys` has no value ({NO_VALUE})"),
)
mistake(
    "scenario",
    "a hash sign behind a space",
    scenario("expect: {}", "caller:", "  - keys: 44191 #"),
    "4:19: this # begins a comment that says nothing (put quotes around text with # in it)",
)
mistake(
    "scenario",
    "a star as key",
    scenario("expect: {}", "caller:", "  - keys: *"),
    '4:13: text that begins with * needs quotes (write "*")',
)
mistake(
    "scenario",
    "two verbs in a step",
    scenario("expect: {}", "caller:", "  - hears: IVR/x", "    keys: 1"),
    (
        "4:7: `caller`: hears and keys stand in one step "
        "(write one of hears, keys, waits, speaks, hangs_up in each step)"
    ),
)
mistake(
    "scenario",
    "YAML 1.1's yes for true",
    scenario("expect: {}", "caller: [{hangs_up: yes}]"),
    "3:23: `hangs_up` must be true, not `yes` (write true)",
)
mistake(
    "scenario",
    "a verb outside of a list",
    scenario("expect: {}", "caller:", "  hears: IVR/x"),
    ("3:3: `caller` must be a list, not a mapping (write `- ` before each entry, or [one, two])"),
)
mistake(
    "scenario",
    "a callee's deed in capitals",
    scenario("expect: {}", "callee: {does: Busy}"),
    (
        "3:18: `does` must be 'answer', 'busy', 'no_answer', 'congestion', 'unavailable', "
        "'refuse', 'trying' or 'silent', not `Busy` "
        "(did you mean `busy`?)"
    ),
)
mistake(
    "scenario",
    "a callee as one word",
    scenario("expect: {}", "callee: busy"),
    "3:11: `callee` must be a list, not `busy` (write `- ` before each entry, or [one, two])",
)
mistake(
    "scenario",
    "a number in place of a customer",
    scenario("expect: {}", "given: {customer: 42}"),
    "3:21: `customer` must be a mapping, not `42` (write `key: value` lines)",
)
mistake(
    "scenario",
    "a moment that does not exist",
    scenario("expect: {}", "given: {now: 2026-02-30}"),
    "3:16: `now`: `2026-02-30` is not a moment (write 2026-01-31T22:30:00Z)",
)
mistake(
    "scenario",
    "a quote that is not closed in a scenario",
    scenario('expect: {outcome: "completed}'),
    '2:21: the quote that begins here is not closed (write " at the end of the value)',
)
mistake(
    "scenario",
    "a colon without a space in a scenario",
    scenario("expect:{}"),
    "2:9: no space follows the colon of `expect` (write `expect: {}`)",
)
mistake(
    "scenario",
    "a scenario that is no list entry",
    "name: a\nexpect: {}\n",
    ("1:1: this scenario is no list entry (write `- ` before its first line, and indent the rest)"),
)
mistake(
    "scenario",
    "the key of the scenarios in the singular",
    "scenario:\n  - name: a\n    expect: {}\n",
    ("1:1: unknown key `scenario` (did you mean `scenarios`? known here: flow, flows, scenarios)"),
)
mistake(
    "scenario",
    "a scenario's line indented too little",
    "- name: a\n  expect: {}\n name: b\n",
    (
        "3:2: this line begins in column 2, where none begins that it could belong to "
        "(begin it in column 1 or 3)"
    ),
)
mistake(
    "scenario",
    "two scenarios of one name",
    "- {name: a, expect: {}}\n- {name: a, expect: {}}\n",
    "2:10: a second scenario is called `a` (the first one stands on line 1)",
)
mistake(
    "flow",
    "a target whose ID cannot be one",
    slots(
        "  - {slot: audio, file: IVR/ask, on: {done: good_bye}}",
        "  - {slot: hangup, id: good bye}",
    ),
    "4:24: `id` cannot be `good bye` (use letters, digits, - and _, beginning with a letter or digit)",
)
mistake(
    "flow",
    "a comment that begins behind a brace",
    calls("on: {#busy: next}"),
    "5:9: the `{` here is not closed (put quotes around the #, which begins a comment)",
)
mistake(
    "flow",
    "quotes right behind a colon",
    calls('headers: {X-A:"b"}'),
    '5:18: no space follows the colon of `X-A` (write `X-A: "b"`)',
)
mistake(
    "scenario",
    "a comma missing between steps",
    scenario("expect: {}", "callee: [{does: congestion} {answers_after: 2s}]"),
    "3:31: no comma stands before this (write one)",
)
mistake(
    "scenario",
    "a second scenario without its dash",
    scenario("caller:", "  - {keys: 1}", "expect: {}") + "name: b\n  expect: {}\n",
    "5:1: no `- ` stands before this line, which is in line with the `- ` of line 1 "
    "(write `- ` before it, or begin it in column 3)",
)
mistake(
    "scenario",
    "an expectation indented too far",
    scenario("expect:", "    outcome: completed", "  talked: 1s"),
    "4:5: this line begins in column 5, where none begins that it could belong to "
    "(begin it in column 3 or 7)",
)
mistake(
    "flow",
    "a no-break space after the colon of a slot",
    slots("  - slot:\u00a0hangup"),
    "3:10: a character that cannot be seen stands here: no-break space (remove it, or write a space)",
)
mistake(
    "flow",
    "an ID given to two slots, of which one needs a variable",
    slots(
        "  - {slot: audio, file: IVR/ask, on: {done: a}}",
        "  - {slot: destination, id: a, external: '${num}'}",
        "  - {slot: ivr, id: a, file: IVR/ask, result: num, on: {done: hangup}}",
    ),
    "5:21: the id `a` is already the slot's on line 4 (ids are unique in a flow)",
)


def test_a_regex_that_fits_min_and_max_exactly_is_no_mistake(tmp_path: Path) -> None:
    assert check_flow(ivr('regex: "[0-9]{3}"', "min: 3", "max: 3"), tmp_path) == []


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_told_at_its_place_with_what_to_do_and_nothing_else(
    name: str, tmp_path: Path
) -> None:
    kind, text, problems = MISTAKES[name]
    found = CHECKS[kind](text, tmp_path)
    assert [str(one).removeprefix(f"{one.path}:") for one in found] == list(problems)
