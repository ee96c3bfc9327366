"""Flow files whose keys and values are wrong, and exactly what is said about each."""

from __future__ import annotations

import pytest

from ringflow.flows.registry import slot_types

from .mistakes import Mistakes

SLOT_TYPES = f"slot types: {', '.join(sorted(slot_types()))}"
NO_VALUE = "write one, or remove the key; # begins a comment unless in quotes"

MISTAKES = Mistakes()
mistake = MISTAKES.add

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
    "f.yaml:2:8: the `[` here is not closed (write ])",
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
    "f.yaml:2:1: unknown key `titel` (did you mean `title`? known here: app, "
    "defaults, language, languages, limits, on_error, on_hangup, slots, title, variables)",
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
    (
        "f.yaml:4:5: unknown key `fil` (did you mean `file`? known here: barge_in, file, id, on, order, "
        "repeat, result, slot, until)"
    ),
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
    "f.yaml:7:15: `attempts` must be a whole number, not `lots` (write digits only)",
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
    "a terminator that stands only in a count of the regex, or where the regex can do without it",
    """
    app: x
    slots:
      - {slot: ivr, file: IVR/ivr-please, result: n, regex: '[1-9]{10,}5{0,3}9?', terminators: "0359"}
    """,
)
mistake(
    "headers that cannot be added",
    """
    app: x
    slots:
      - slot: destination
        external: "4419"
        headers: {X-A: a, x-a: b, Content-Length: 0, X-Customer-ID: 7}
    """,
    "f.yaml:5:5: `Content-Length` is written by Asterisk (remove it)",
    "f.yaml:5:5: `X-Customer-ID` is written by Ringflow (remove it)",
    "f.yaml:5:5: `x-a` is given twice (keep one of them)",
)
mistake(
    "what no telephone can dial",
    """
    app: x
    slots:
      - slot: destination
        uri: sip:a@evil.example@good.example
        caller_id: withheld
        on: {refused: next}
      - slot: destination
        external: "٤٤١٩١٠"
        on: {refused: next}
      - slot: ivr
        file: IVR/ivr-please
        result: n
        transfer_on_failure: "٤٤١٩١٠"
        on: {transferred: next}
      - slot: ivr
        file: IVR/ivr-please
        result: n
        transfer_on_failure: "+441910000002"
    """,
    "f.yaml:4:10: `sip:a@evil.example@good.example` is not a SIP URI (write sip:user@host)",
    "f.yaml:5:16: `withheld` is not a number (write digits only, with or without a plus)",
    "f.yaml:8:15: `٤٤١٩١٠` is not a number (write 441910)",
    "f.yaml:13:26: `٤٤١٩١٠` is neither (write 441910)",
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
    "f.yaml:6:12: `regex`: not a regular expression of RE2: missing ) in `(` (close the ( by a ))",
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


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_its_mend(name: str) -> None:
    MISTAKES.assert_told(name)
