"""Broken flow files, and exactly what is said about each."""

from __future__ import annotations

from textwrap import dedent

import pytest

from ringflow.flows.check import check_flows
from ringflow.flows.load import draft_from_bytes
from ringflow.flows.registry import slot_types
from ringflow.flows.surroundings import Surroundings

SLOT_TYPES = "slot types: audio, authenticate, balance, destination, hangup, ivr, redeem"
GIVEN = "app, call.id, card.id, cli, customer.currency, customer.id, customer.name, did"
NO_VALUE = "write one, or remove the key; # begins a comment unless in quotes"
IVR_EXITS = "exits of ivr: done, no_input, invalid, transferred"


class Library:
    """Two prompts."""

    names = ("IVR/ivr-please", "MISC/error")

    def exists(self, name: str) -> bool:
        return name in self.names

    def suggest(self, name: str) -> tuple[str, ...]:
        return tuple(one for one in self.names if one.lower()[:5] == name.lower()[:5])


MISTAKES: dict[str, tuple[str, list[str]]] = {}


def mistake(name: str, text: str, *problems: str) -> None:
    MISTAKES[name] = (dedent(text).lstrip("\n"), list(problems))


mistake(
    "an empty file",
    "",
    "f.yaml:1:1: is empty (write `key: value` lines)",
)
mistake(
    "a file that is not a mapping",
    "- slot: audio\n",
    "f.yaml:1:1: must be a mapping, not a list (write `key: value` lines)",
)
mistake(
    "a file that is not YAML",
    """
    app: x
    slots: [
    """,
    "f.yaml:3:1: not YAML: did not find expected node content",
)
mistake(
    "a key given twice",
    """
    app: x
    app: y
    slots:
      - slot: hangup
    """,
    "f.yaml:2:1: the key `app` stands here a second time (keep one of them)",
)
mistake(
    "no app",
    """
    slots:
      - slot: hangup
    """,
    "f.yaml:1:1: `app` is missing (add `app:`)",
)
mistake(
    "an app name with spaces",
    """
    app: my app
    slots:
      - slot: hangup
    """,
    "f.yaml:1:6: `app` cannot be `my app` (use letters, digits, - and _, beginning with a letter or digit)",
)
mistake(
    "a number as app name",
    """
    app: 100
    slots:
      - slot: hangup
    """,
    "f.yaml:1:6: `app` must be text, not `100` (put quotes around it)",
)
mistake(
    "no slots",
    "app: x\n",
    "f.yaml:1:1: `slots` is missing (add `slots:`)",
)
mistake(
    "an empty list of slots",
    """
    app: x
    slots: []
    """,
    "f.yaml:2:1: `slots` must have at least 1 entry",
)
mistake(
    "slots that are not a list",
    """
    app: x
    slots:
      slot: hangup
    """,
    "f.yaml:2:1: `slots` must be a list, not a mapping (write `- ` before each entry, or [one, two])",
)
mistake(
    "an unknown key of the flow",
    """
    app: x
    titel: X
    slots:
      - slot: hangup
    """,
    "f.yaml:2:1: unknown key `titel` (did you mean `title`? known here: app, slots, title)",
)
mistake(
    "a slot that is not a mapping",
    """
    app: x
    slots:
      - hangup
    """,
    f"f.yaml:3:5: a slot must be a mapping, not `hangup` ({SLOT_TYPES})",
)
mistake(
    "a slot without a type",
    """
    app: x
    slots:
      - file: MISC/error
    """,
    f"f.yaml:3:5: `slot` is missing (add `slot:`; {SLOT_TYPES})",
)
mistake(
    "an unknown slot type",
    """
    app: x
    slots:
      - slot: audoi
        file: MISC/error
    """,
    f"f.yaml:3:11: unknown slot type `audoi` (did you mean `audio`? {SLOT_TYPES})",
)
mistake(
    "a slot type that is near to nothing",
    """
    app: x
    slots:
      - slot: 5
    """,
    f"f.yaml:3:11: unknown slot type `5` ({SLOT_TYPES})",
)
mistake(
    "an unknown key of a slot",
    """
    app: x
    slots:
      - slot: audio
        fil: MISC/error
    """,
    "f.yaml:3:5: `file` is missing (add `file:`)",
    "f.yaml:4:5: unknown key `fil` (did you mean `file`? known here: file, id, on, slot)",
)
mistake(
    "a number out of range",
    """
    app: x
    slots:
      - slot: ivr
        file: IVR/ivr-please
        result: n
        min: -1
        attempts: lots
    """,
    "f.yaml:6:10: `min` must be at least 0, not `-1`",
    "f.yaml:7:15: `attempts` must be a whole number, not `lots`",
)
mistake(
    "min above max",
    """
    app: x
    slots:
      - slot: ivr
        file: IVR/ivr-please
        result: n
        min: 14
        max: 11
    """,
    "f.yaml:6:10: min 14 is more than max 11 (swap them)",
)
mistake(
    "a terminator that the regex needs",
    """
    app: x
    slots:
      - slot: ivr
        file: IVR/ivr-please
        result: n
        regex: '[0-9]+#'
    """,
    "f.yaml:6:12: nothing that can be keyed matches: # ends the input "
    "(take the key out of `terminators` or of `regex`)",
)
mistake(
    "a regex that is none",
    """
    app: x
    slots:
      - slot: ivr
        file: IVR/ivr-please
        result: n
        regex: '('
    """,
    "f.yaml:6:12: `regex`: not a regular expression that RE2 takes: missing ): (",
)
mistake(
    "a # without quotes",
    """
    app: x
    slots:
      - slot: ivr
        file: IVR/ivr-please
        result: n
        terminators: #
    """,
    f"f.yaml:6:5: `terminators` has no value ({NO_VALUE})",
)
mistake(
    "a comment where a value that may be left out was meant",
    """
    app: x
    slots:
      - slot: ivr
        file: IVR/ivr-please
        result: n
        regex: #[0-9]+
    """,
    f"f.yaml:6:5: `regex` has no value ({NO_VALUE})",
)
mistake(
    "a prompt that is missing",
    """
    app: x
    slots:
      - slot: audio
        file:
          - MISC/error
          - misc/errors
          - other
    """,
    "f.yaml:6:9: there is no prompt `misc/errors` (did you mean `MISC/error`?)",
    "f.yaml:7:9: there is no prompt `other` (ringflow sounds import FILE --as other)",
)
mistake(
    "a prompt that cannot be a name",
    """
    app: x
    slots:
      - slot: audio
        file: MISC/error.wav
    """,
    "f.yaml:4:11: `file` cannot be `MISC/error.wav` "
    "(a prompt is named as in IVR/ivr-please, without an extension)",
)
mistake(
    "a result that cannot be a variable",
    """
    app: x
    slots:
      - slot: ivr
        file: IVR/ivr-please
        result: Number
    """,
    "f.yaml:5:13: `result` cannot be `Number` (use small letters, digits and _, beginning with a letter)",
)
mistake(
    "a result that every call has already",
    """
    app: x
    slots:
      - slot: ivr
        file: IVR/ivr-please
        result: did
    """,
    "f.yaml:5:13: `did` cannot be set: it is given to every call (choose another name)",
)
mistake(
    "an id given twice",
    """
    app: x
    slots:
      - {slot: audio, id: a, file: MISC/error}
      - {slot: audio, id: a, file: MISC/error}
    """,
    "f.yaml:4:23: the id `a` is already the slot's on line 3 (ids are unique in a flow)",
)
mistake(
    "an id that means something else",
    """
    app: x
    slots:
      - {slot: audio, id: next, file: MISC/error}
    """,
    "f.yaml:3:23: `next` cannot be an id: in `on:` it means something else (choose another one)",
)
mistake(
    "an exit that the slot does not have",
    """
    app: x
    slots:
      - slot: ivr
        file: IVR/ivr-please
        result: n
        on:
          no_imput: hangup
    """,
    f"f.yaml:7:7: ivr has no exit `no_imput` (did you mean `no_input`? {IVR_EXITS})",
)
mistake(
    "a target that does not exist",
    """
    app: x
    slots:
      - slot: ivr
        file: IVR/ivr-please
        result: n
        on:
          no_input: sory
          invalid: nowhere
      - {slot: hangup, id: sorry}
    """,
    "f.yaml:7:17: no slot here has the id `sory` (did you mean `sorry`?)",
    "f.yaml:8:16: no slot here has the id `nowhere` (ids here: sorry)",
)
mistake(
    "an app as target without its prefix",
    """
    app: x
    slots:
      - slot: ivr
        file: IVR/ivr-please
        result: n
        on: {no_input: x}
    """,
    "f.yaml:6:20: no slot here has the id `x` (for the app, write app:x)",
)
mistake(
    "an app that does not exist",
    """
    app: x
    slots:
      - slot: ivr
        file: IVR/ivr-please
        result: n
        on: {no_input: 'app:y', invalid: 'app:operator'}
      - {slot: destination, internal: menu}
    """,
    "f.yaml:6:20: there is no app `y` (apps: x)",
    "f.yaml:6:38: there is no app `operator` (apps: x)",
    "f.yaml:7:35: there is no app `menu` (apps: x)",
)
mistake(
    "a target that cannot be one",
    """
    app: x
    slots:
      - slot: ivr
        file: IVR/ivr-please
        result: n
        on: {no_input: go there}
    """,
    "f.yaml:6:20: `no_input` cannot be `go there` (name a slot's id, app:NAME, next or hangup)",
)
mistake(
    "something after a hang-up",
    """
    app: x
    slots:
      - {slot: hangup, on: {done: next}}
      - {slot: audio, file: MISC/error}
    """,
    "f.yaml:3:25: nothing follows hangup: it ends the call (remove `on`)",
    "f.yaml:4:5: audio[2] cannot be reached (lead an exit to it, or remove it)",
)
mistake(
    "slots that cannot be reached",
    """
    app: x
    slots:
      - {slot: hangup}
      - {slot: audio, id: lost, file: MISC/error}
    """,
    "f.yaml:4:5: lost cannot be reached (lead an exit to it, or remove it)",
)
mistake(
    "a loop that cannot end",
    """
    app: x
    slots:
      - {slot: audio, id: a, file: MISC/error}
      - {slot: audio, file: MISC/error, on: {done: a}}
    """,
    "f.yaml:3:5: this loop can never end: a -> audio[2] -> a (lead one of its exits out of it)",
)
mistake(
    "a variable that is unknown",
    """
    app: x
    slots:
      - {slot: ivr, file: IVR/ivr-please, result: n}
      - {slot: destination, external: '${m}${destinaton}'}
    """,
    f"f.yaml:4:35: unknown variable `destinaton` (known: {GIVEN}, n)",
    f"f.yaml:4:35: unknown variable `m` (known: {GIVEN}, n)",
)
mistake(
    "a variable with a near name",
    """
    app: x
    slots:
      - {slot: ivr, file: IVR/ivr-please, result: ivr_destination}
      - {slot: destination, external: '${ivr_destinaton}'}
    """,
    f"f.yaml:4:35: unknown variable `ivr_destinaton` "
    f"(did you mean `ivr_destination`? known: {GIVEN}, ivr_destination)",
)
mistake(
    "a variable that one exit does not set",
    """
    app: x
    slots:
      - {slot: ivr, file: IVR/ivr-please, result: n, on: {no_input: next}}
      - slot: destination
        external: ${n}
    """,
    "f.yaml:5:15: `${n}` may be unset: ivr[1] ends by `no_input`, and only `done` sets it "
    "(write ${n|default}, or set it first)",
)
mistake(
    "a variable set too late",
    """
    app: x
    slots:
      - {slot: destination, external: '${n}', on: {busy: next}}
      - {slot: ivr, file: IVR/ivr-please, result: n}
    """,
    "f.yaml:3:35: `${n}` may be unset: nothing sets it before this slot "
    "(write ${n|default}, or set it first)",
)
mistake(
    "a variable that not every call has",
    """
    app: x
    slots:
      - slot: destination
        external: '100'
        headers:
          X-A: a
          X-From: ${cli}
          X-To: ${cli|none} ${did}
    """,
    "f.yaml:7:15: `${cli}` may be unset: not every call has it (write ${cli|default})",
)
mistake(
    "a ${ that is not closed",
    """
    app: x
    slots:
      - slot: destination
        external: ${n
    """,
    "f.yaml:4:15: `external`: `${` is not closed (write ${name} or ${name|default})",
)
mistake(
    "a name that is no variable",
    """
    app: x
    slots:
      - slot: destination
        external: ${1}
    """,
    "f.yaml:4:15: `external`: `${1}` is not a variable (write ${name} or ${name|default})",
)
mistake(
    "no target",
    """
    app: x
    slots:
      - slot: destination
    """,
    "f.yaml:3:11: no target is given (give one of external, internal and uri)",
)
mistake(
    "two targets",
    """
    app: x
    slots:
      - slot: destination
        external: '100'
        uri: sip:a@b
    """,
    "f.yaml:5:10: external and uri are both given (give one of external, internal and uri)",
)
mistake(
    "a tag",
    """
    app: !x x
    slots:
      - slot: hangup
    """,
    "f.yaml:1:6: the tag `!x` is not known (remove it)",
)
mistake(
    "several at once",
    """
    app: x
    title: [a]
    slots:
      - slot: ivr
        file: IVR/nothing
        result: n
        on: {invalid: nowhere}
      - slot: ivr
        min: x
      - slot: destination
        external: ${m}
    """,
    "f.yaml:2:1: `title` must be text, not a list",
    "f.yaml:5:11: there is no prompt `IVR/nothing` (ringflow sounds import FILE --as IVR/nothing)",
    "f.yaml:7:19: no slot here has the id `nowhere` (give a slot an `id:`)",
    "f.yaml:8:5: `file` is missing (add `file:`)",
    "f.yaml:8:5: `result` is missing (add `result:`)",
    "f.yaml:9:10: `min` must be a whole number, not `x`",
)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_its_mend(name: str) -> None:
    text, expected = MISTAKES[name]
    draft = draft_from_bytes(text.encode(), slot_types(), "f.yaml")
    found = [str(problem) for problem in check_flows([draft], Surroundings(prompts=Library()))]
    assert found == expected
