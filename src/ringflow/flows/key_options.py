"""How a flow says where keys lead: `{1: sales, "*1": app:balance, "5#": speed_dial}`.

Each option is a key or a sequence of keys (`0`-`9`, `*`, `#`) with its target: a slot's id, `app:NAME`,
`return:EXIT`, `next` or `hangup`. Each is an exit of the slot that has it, named by its keys. Which of two
options is meant where one begins with the other, `calls/key_options.py` says.

A slot type with such a field has `own_exits = key_exits(FIELD)`, adds the options to `exits` and `targets`,
says by `written_at` that they stand in the field, and takes them by `call.media.collect(options=...)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from ringflow.flows.slot import FieldProblem, OwnExits, Target
from ringflow.wording import digits_meant, quoted

MAX_OPTION_KEYS = 8
MAX_OPTIONS = 100
OPTION_PATTERN = r"^[0-9*#]{1,8}$"
KEYS = "0123456789*#"


def _keys(value: object) -> object:
    """The keys of an option, or what is wrong with them."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or re.fullmatch(OPTION_PATTERN, value):
        return value
    meant = digits_meant(value)
    if not value:
        raise ValueError("an option has no keys || write them before the colon: 1: sales")
    if len(value) > MAX_OPTION_KEYS and all(key in KEYS for key in value):
        raise ValueError(f"{quoted(value)} has {len(value)} keys || {MAX_OPTION_KEYS} are the most")
    mend = f"write {meant}" if re.fullmatch(OPTION_PATTERN, meant) else "keys are 0-9 * #, without spaces"
    raise ValueError(f"{quoted(value)} cannot be keyed || {mend}")


OptionKeys = Annotated[str, Field(pattern=OPTION_PATTERN), BeforeValidator(_keys)]
"""A key or a sequence of keys."""
Options = Annotated[dict[OptionKeys, Target], Field(max_length=MAX_OPTIONS)]
"""Where keys lead: each key or sequence of keys with its target."""


def key_exits(field: str) -> OwnExits:
    """The exits of a slot type whose `field` holds `Options`."""
    return OwnExits(OPTION_PATTERN, f"each key of `{field}`", field)


def clash_problems(field: str, keys: str, options: Mapping[str, str]) -> Iterator[FieldProblem]:
    """The keys of another field of the slot that are an option as well."""
    if keys in options:
        what = f"the keys {quoted(keys)} are an option too"
        yield FieldProblem(field, what, f"choose other keys, or take {keys} out of the options")
