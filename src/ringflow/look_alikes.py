"""Scalars that YAML reads otherwise than they look: quotes of word processors, spaces that are none.

Only scalars without quotes are looked at: who puts straight quotes around them means what they say.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import yaml

from ringflow.wording import Words
from ringflow.yaml_nodes import KNOWN_TAGS, PLAIN, scalar_value
from ringflow.yaml_syntax import DASHES

_QUOTES = "“”„‟‘’‚‛″′＂＇`´"
_QUOTED = re.compile(rf"""[{_QUOTES}]([^{_QUOTES}"']*)[{_QUOTES}"']""")
_JOINED = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*):([^\s/].*)")
_IN_QUOTES = re.compile(r"""(["'])([^"'\\]*)\1""")
_TEXT = f"{KNOWN_TAGS}str"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")
_SPACES = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad")
"""Characters without width, besides all that are spaces to Unicode and not to YAML."""


@dataclass(frozen=True, slots=True)
class LookAlike:
    """What is wrong with a scalar, `offset` characters from its beginning, and the text that was `meant`.

    `hides_structure`: there is no telling what the lines around it were to say.
    """

    offset: int
    what: str
    mend: str
    meant: str
    hides_structure: bool = False


def look_alike(node: yaml.ScalarNode) -> LookAlike | None:
    """What an unquoted scalar looks like and is not; None where nothing is wrong with it."""
    text: str = node.value
    if node.tag != PLAIN or text.isascii():
        return None
    if (quoted := _QUOTED.fullmatch(text)) is not None:
        what = f"`{text[0]}` is not a quote to YAML, but part of the text"
        return LookAlike(0, what, "write straight quotes: \" or '", quoted[1])
    offset = next((at for at in _edges(text) if _is_false_space(text[at])), None)
    if offset is None:
        return None
    name = unicodedata.name(text[offset], "control character").lower()
    meant = "".join(" " if one.isspace() else one for one in text if one not in _SPACES).strip()
    what = f"a character that cannot be seen stands here: {name}"
    hides = text[:offset].strip() in ("", "-") or text[offset - 1] == ":"
    is_on_one_line = node.start_mark.line == node.end_mark.line
    where = offset if is_on_one_line else 0
    return LookAlike(
        where, what, "remove it, or write a space", meant, hides and not _ends_there(text, offset)
    )


def _edges(text: str) -> list[int]:
    """The places of a scalar's first and last characters, and of those after a dash or colon."""
    after = [at + 1 for at, sign in enumerate(text[:-1]) if sign == ":" or (sign == "-" and at == 0)]
    return sorted({0, *after, len(text) - 1})


def _is_false_space(sign: str) -> bool:
    return sign in _SPACES or (sign.isspace() and sign != " ")


def _ends_there(text: str, offset: int) -> bool:
    return not text[offset + 1 :].strip()


def joined_pair(key: yaml.Node, value: yaml.Node) -> tuple[str, yaml.ScalarNode] | None:
    """Key and value of `{port:4573}`, which YAML takes for a key without value; None for anything else."""
    if not isinstance(key, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode):
        return None
    if key.tag != PLAIN or value.tag != PLAIN or value.value or not (pair := _JOINED.fullmatch(key.value)):
        return None
    quoted = _IN_QUOTES.fullmatch(pair[2])
    tag, text = (_TEXT, quoted[2]) if quoted else (PLAIN, pair[2])
    return pair[1], yaml.ScalarNode(tag, text, key.start_mark, key.end_mark)


def joined_dash(key: yaml.ScalarNode) -> Words | None:
    """What to say of a key that begins as a list entry does: `-slot`, or with a dash that is no hyphen."""
    text: str = key.value
    if key.tag != PLAIN or len(text) < 2:
        return None
    if text[0] in DASHES:
        return f"`{text[0]}` is not a hyphen", "write - and a space"
    is_joined = text[0] == "-" and not text[1].isspace()
    return ("no space follows the dash", f"write `- {text[1:]}:`") if is_joined else None


def joined_text(text: str) -> Words | None:
    """What to say of text such as `slot:hangup` that should be a key with its value; None of other text."""
    pair = _JOINED.fullmatch(text)
    return no_space_after_colon(pair[1], pair[2]) if pair else None


def no_space_after_colon(key: str, value: str) -> Words:
    """What to say of `key:value`."""
    return f"no space follows the colon of `{key}`", f"write `{key}: {value}`"


def name_in_braces(node: yaml.Node) -> str | None:
    """The name in `{name}`, which is a mapping to YAML; None for any other node."""
    if not isinstance(node, yaml.MappingNode) or len(node.value) != 1:
        return None
    key, value = node.value[0]
    if not isinstance(key, yaml.ScalarNode) or not isinstance(value, yaml.ScalarNode):
        return None
    return str(key.value) if _NAME.fullmatch(key.value) and scalar_value(value) is None else None
