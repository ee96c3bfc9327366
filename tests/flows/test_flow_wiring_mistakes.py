"""Flows whose ids, exits, targets or variables do not fit, and exactly what is said about each."""

from __future__ import annotations

import pytest

from .mistakes import Mistakes

WITHOUT_LANGUAGE = (
    "app, call.id, card.id, cli, customer.currency, customer.id, customer.name, did, error.slot, error.what"
)
GIVEN = f"{WITHOUT_LANGUAGE}, language"
IVR_EXITS = "exits of ivr: done, no_input, invalid, transferred"

MISTAKES = Mistakes()
mistake = MISTAKES.add

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
    "f.yaml:6:20: `no_input` cannot be `go there` (name a slot's id, app:NAME, return:EXIT, next or hangup)",
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
    f"(did you mean `ivr_destination`? known: {GIVEN.removesuffix(', language')}, ivr_destination, language)",
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
    "f.yaml:4:15: `external`: `${` is not closed (write ${n})",
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
    "f.yaml:2:1: `title` must be text, not a list (text that begins with [ or { needs quotes)",
    "f.yaml:5:11: there is no prompt `IVR/nothing` (ringflow sounds import FILE --as IVR/nothing)",
    "f.yaml:7:19: no slot here has the id `nowhere` (give a slot an `id:`)",
    "f.yaml:8:5: `file` is missing (add `file:`)",
    "f.yaml:8:5: `result` is missing (add `result:`)",
    "f.yaml:9:10: `min` must be a whole number, not `x` (write digits only)",
)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_its_mend(name: str) -> None:
    MISTAKES.assert_told(name)
