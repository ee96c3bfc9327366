"""Whether a flow's text for a number can become one, whatever its variables hold."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from ringflow.calls.dial_attempt import is_sip_uri, safe_caller_id
from ringflow.calls.dialled_number import could_be_dialled
from ringflow.flows.slot import FieldProblem
from ringflow.flows.template import Template, meant_reference
from ringflow.wording import digits_meant, quoted

_NUMBER_SIGNS = "0123456789+*() -"
_CALLER_ID_SIGNS = "0123456789+"
_PARTS_OF_URIS = ("1", "a@b", "sip:a@b", "b:1", "sip")


def number_problems(field: str, text: Template, mend: str) -> Iterator[FieldProblem]:
    """What cannot be dialled; `mend` says how a number is written."""
    if not text.is_literal:
        yield from _foreign_signs(field, text, _NUMBER_SIGNS)
    elif not could_be_dialled(text.text):
        meant = digits_meant(text.text)
        mend = f"write {meant}" if could_be_dialled(meant) else mend
        yield FieldProblem(field, f"{quoted(text.text)} is not a number", _mend(text, mend))


def caller_id_problems(field: str, text: Template) -> Iterator[FieldProblem]:
    """What cannot be shown to a callee."""
    if not text.is_literal:
        yield from _foreign_signs(field, text, _CALLER_ID_SIGNS)
    elif safe_caller_id(text.text) is None:
        mend = _mend(text, "write digits only, with or without a plus")
        yield FieldProblem(field, f"{quoted(text.text)} is not a number", mend)


def uri_problems(field: str, text: Template) -> Iterator[FieldProblem]:
    """What cannot be a SIP URI."""
    if not could_be_uri(text):
        yield FieldProblem(field, f"{quoted(text.text)} is not a SIP URI", _mend(text, "write sip:user@host"))


def could_be_uri(text: Template) -> bool:
    """Whether there are values of its variables with which the text is a SIP URI."""
    possible = [""]
    for part in text.parts:
        ends = (part,) if isinstance(part, str) else _PARTS_OF_URIS
        possible = [start + end for start in possible for end in ends]
        if len(possible) > len(_PARTS_OF_URIS) ** 3:
            return True
    return any(map(is_sip_uri, possible))


def _foreign_signs(field: str, text: Template, known: str) -> Iterator[FieldProblem]:
    found = next((sign for part in text.literals for sign in part if sign not in known), None)
    if found is not None:
        what = f"{quoted(text.text)} cannot become a number: it has {quoted(found)} in it"
        yield FieldProblem(field, what, _mend(text, _instead(found)))


def _instead(sign: str) -> str:
    if sign.isdecimal():
        return f"write {int(sign)}"
    return "write -" if unicodedata.category(sign) == "Pd" else "remove it"


def _mend(text: Template, otherwise: str) -> str:
    meant = meant_reference("".join(text.literals))
    return f"for the variable, write {meant}" if meant else otherwise
