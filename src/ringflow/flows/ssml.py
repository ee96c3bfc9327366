"""SSML in flows (W3C, Speech Synthesis Markup Language 1.1): checked at load, filled in without new tags.

What a variable holds is text in it: its `<`, `&` and quotes are escaped, so that a caller cannot add a tag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.parsers import expat
from xml.sax.saxutils import escape

from ringflow.calls.json_value import MAX_VALUE_BYTES, JsonValue, as_text
from ringflow.flows.template import Template

_ROOT = "<speak"
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_STAND_IN = "1 1"
"""In the place of a variable: text that can be in an attribute and in text, and is no name of a tag."""
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow, escaped or not."""
_QUOTES = {'"': "&quot;", "'": "&apos;"}
# espeak-ng reads tags by rules of its own (ProcessSsmlTag in ssml.c): their names in any capitals, each
# letter cut to eight bits, and also those in comments, instructions and CDATA. So nothing may stand here that
# it sees as another tag than XML does.
_TAG = re.compile(r"[a-z][a-z0-9:_-]*")
# It opens the file, and older releases hand its name to a shell (LoadSoundFile: `sox "%s"`).
_FORBIDDEN_TAGS = frozenset({"audio"})
_FORBIDDEN_ATTRIBUTES = frozenset({"xml:base"})


def ssml_problem(template: Template) -> tuple[str, str] | None:
    """What is wrong with the SSML of a flow, and what to do; None: nothing."""
    text = "".join(part if isinstance(part, str) else _STAND_IN for part in template.parts)
    parser = expat.ParserCreate()
    found: list[tuple[str, str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.lower() in _FORBIDDEN_TAGS:
            found.append((f"`<{name}>` is not spoken", "play a recording by the slot `audio`"))
        elif not _TAG.fullmatch(name):
            found.append((f"`<{name}>` is no tag of SSML", "its tags are in small letters from a to z"))
        found.extend(
            (f"`{one}` means nothing here", "remove it") for one in attributes if one in _FORBIDDEN_ATTRIBUTES
        )

    def unspoken(*_: str) -> None:
        what = "comments, instructions and CDATA are not spoken"
        found.append((what, "remove them; write &lt; and &amp; for < and &"))

    parser.StartElementHandler = start
    parser.CommentHandler = parser.ProcessingInstructionHandler = unspoken
    parser.StartCdataSectionHandler = unspoken
    try:
        parser.Parse(_rooted(text), True)
    except expat.ExpatError as error:
        if not found:
            what = f"is not well-formed SSML: {expat.ErrorString(error.code)}"
            mend = "close each tag, write &amp; and &lt; for & and <, and variables in text or in quotes only"
            return what, mend
    return found[0] if found else None


def filled_ssml(template: Template, variables: Mapping[str, JsonValue]) -> str:
    """The SSML with its variables filled in, as text. Raises `TextError` as `Template.render` does."""
    pieces = (
        part if isinstance(part, str) else _escaped(as_text(part.value(variables))) for part in template.parts
    )
    return _rooted(template.join(pieces, MAX_VALUE_BYTES))


def _rooted(text: str) -> str:
    """The text as one element. What stands before `<speak>` is within another, where no DOCTYPE can be."""
    text = _DECLARATION.sub("", text)
    return text if text.lstrip().startswith(_ROOT) else f"<speak>{text}</speak>"


def _escaped(text: str) -> str:
    return escape(_NOT_IN_XML.sub(" ", text), _QUOTES)
