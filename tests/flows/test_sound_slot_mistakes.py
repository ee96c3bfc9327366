"""Mistakes in the slots that play and record: audio, record, echo, music."""

from __future__ import annotations

import pytest

from .mistakes import Mistakes

MISTAKES = Mistakes()
mistake = MISTAKES.add

mistake(
    "a key that would end the call",
    """
    app: x
    slots:
      - slot: audio
        file: MISC/error
        until: "#"
    """,
    "f.yaml:5:12: a key would end the call: the exit `key` leads nowhere "
    "(write where it leads: on: {key: next})",
)
mistake(
    "a variable for a key that nobody presses",
    """
    app: x
    slots:
      - slot: music
        result: pressed
    """,
    "f.yaml:4:13: no key gets into `result` without `until` (add `until`)",
)
mistake(
    "one prompt in a random order",
    """
    app: x
    slots:
      - slot: audio
        file: MISC/error
        order: one
    """,
    "f.yaml:5:12: `order: one` needs more than one prompt (write a list: file: [IVR/one, IVR/two])",
)
mistake(
    "a name with a variable that cannot be a prompt's",
    """
    app: x
    slots:
      - slot: audio
        file: [MISC/error, "../${did}"]
    """,
    "f.yaml:4:24: `file` cannot be `../${did}` "
    "(a prompt is named as in IVR/ivr-please, without an extension)",
)
mistake(
    "a name with an extension and a variable",
    """
    app: x
    slots:
      - slot: audio
        file: MISC/${did}.wav
    """,
    "f.yaml:4:11: `file` cannot be `MISC/${did}.wav` "
    "(a prompt is named as in IVR/ivr-please, without an extension)",
)
mistake(
    "a variable in a name that nothing sets",
    """
    app: x
    slots:
      - slot: audio
        file: MISC/${choice}
      - {slot: ivr, file: MISC/error, result: choice}
    """,
    "f.yaml:4:11: `${choice}` may be unset: nothing sets it before this slot "
    "(write ${choice|default}, or set it first)",
)
mistake(
    "a prompt that is not there beside one with a variable",
    """
    app: x
    slots:
      - slot: audio
        file: ["MISC/${did}", MISC/errors]
    """,
    "f.yaml:4:27: there is no prompt `MISC/errors` (did you mean `MISC/error`?)",
)
mistake(
    "a recording that is never long enough",
    """
    app: x
    slots:
      - slot: record
        beep: false
        longest: 2
        shortest: 5
        result: message
    """,
    "f.yaml:6:15: shortest 5 is more than longest 2 (swap them)",
)
mistake(
    "a recording that nothing ends",
    """
    app: x
    slots:
      - slot: record
        beep: false
        silence: 0
        terminators: ""
        result: message
    """,
    "f.yaml:6:18: nothing but its longest time ends it: no key and no silence does "
    '(write a key that ends it, such as "#")',
)
mistake(
    "keys for a question that is not asked",
    """
    app: x
    slots:
      - slot: record
        beep: false
        keys: {discard: "*"}
        result: message
    """,
    "f.yaml:5:5: nobody is asked for these keys without `review_file` "
    "(write `review_file`, or remove `keys`)",
)
mistake(
    "one key for two choices",
    """
    app: x
    slots:
      - slot: record
        beep: false
        review_file: MISC/error
        keys: {discard: "1"}
        result: message
    """,
    "f.yaml:6:21: 1 is the key of `listen` too (give each its own key)",
)
mistake(
    "an unknown choice",
    """
    app: x
    slots:
      - slot: record
        beep: false
        review_file: MISC/error
        keys: {delete: "1"}
        result: message
    """,
    "f.yaml:6:12: unknown key `delete` (known here: again, discard, keep, listen)",
)
mistake(
    "an exit that these fields do not have",
    """
    app: x
    slots:
      - slot: record
        beep: false
        result: message
        on: {discarded: hangup}
    """,
    "f.yaml:6:10: with these fields, record does not end by `discarded` (remove it)",
)
mistake(
    "a class of music that is none",
    """
    app: x
    slots:
      - slot: music
        music_class: my music
    """,
    "f.yaml:4:18: `music_class` cannot be `my music` "
    "(use letters, digits, - and _, beginning with a letter or digit)",
)
mistake(
    "more than one key that ends an echo",
    """
    app: x
    slots:
      - slot: echo
        until: "12"
    """,
    "f.yaml:4:12: `until` cannot be `12` (write one key: 0-9 * or #)",
)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_its_mend(name: str) -> None:
    MISTAKES.assert_told(name)
