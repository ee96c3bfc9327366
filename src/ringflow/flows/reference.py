"""`docs/slots.md`: each slot type's own page, with its fields and exits as the class declares them."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ringflow.accounts.dids import APP_PATTERN
from ringflow.errors import Refused
from ringflow.flows.key_options import OPTION_PATTERN
from ringflow.flows.schema import Schema, slot_schema
from ringflow.flows.slot import PROMPT_PATTERN, TARGET_PATTERN, VARIABLE_PATTERN, Slot

HEAD = """\
# Slots

A flow is a list of slots. Each one ends by an exit; `on:` says where an exit leads: to a slot's `id`, to
`app:NAME`, to `next`, or to `hangup`. The first exit leads on to the next slot by itself; any other one that
is not in `on:` ends the call, and the log says why.

An app that another one called by [the slot `app`](#app) returns to that slot instead of ending the call:
by `done` after its last slot, by an exit that is not in `on:`, and by `EXIT` where `on:` says `return:EXIT`.
To end the call, use `hangup`.

This page is made by `ringflow schema --reference --out docs/slots.md --overwrite` from the slots themselves.
"""

WORDS_PAGE = Path(__file__).with_name("spoken_prompt.md")
"""Where words in place of a prompt are described, as each slot type is beside its class."""

_PATTERN_WORDS = {
    PROMPT_PATTERN: "prompt",
    VARIABLE_PATTERN: "variable name",
    APP_PATTERN: "name",
    OPTION_PATTERN: "keys",
    TARGET_PATTERN: "target",
}
_EXAMPLE = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def reference_text(types: Mapping[str, type[Slot]]) -> str:
    """The whole page. Raises `Refused` for a slot type without a page beside it."""
    words = WORDS_PAGE.read_text(encoding="utf-8")
    return "\n".join([HEAD, words, *(_section(name, types[name]) for name in sorted(types))])


def page_path(kind: type[Slot]) -> Path:
    """Where a slot type's page is: beside its class, by the same name."""
    return Path(inspect.getfile(kind)).with_suffix(".md")


def page_text(kind: type[Slot]) -> str:
    """A slot type's page, without a heading. Raises `Refused` if there is none."""
    path = page_path(kind)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(
            "slot.no_page", f"the slot type has no page: {path}: {error.strerror}", path=str(path)
        ) from error
    return re.sub(r"\A# .*\n+", "", text).strip() + "\n"


def examples(page: str) -> list[str]:
    """The YAML examples of a page: whole flows, or lists of slots."""
    return _EXAMPLE.findall(page)


def _section(name: str, kind: type[Slot]) -> str:
    schema = slot_schema(name, kind)
    rows = [_row(field, value, field in schema["required"]) for field, value in schema["properties"].items()]
    exits = "Ends the call." if kind.ends_call else f"Exits: {', '.join(_exits(kind))}."
    table = ["| field | value | default | meaning |", "|---|---|---|---|", *rows[1:]]
    return "\n".join([f"## {name}", "", page_text(kind), *table, "", exits, ""])


def _exits(kind: type[Slot]) -> Iterator[str]:
    if kind.own_exits is not None:
        yield kind.own_exits.meaning
    yield from (f"`{one}`" for one in kind.fixed_exits)


def _row(field: str, schema: Schema, required: bool) -> str:
    default = "required" if required else _default(schema)
    cells = (f"`{field}`", value_in_words(schema), default, schema.get("description", ""))
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _default(schema: Schema) -> str:
    if "default" not in schema:
        return ""
    value = schema["default"]
    return f"`{value if isinstance(value, str) else json.dumps(value)}`" if value != "" else ""


def value_in_words(schema: Schema) -> str:
    """What a field takes: `whole number, 1 to 600`, `prompt or list of prompt`, ..."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(value_in_words(option) for option in schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    match schema.get("type"):
        case "integer":
            return ", ".join(["whole number", *_limits(schema)])
        case "number":
            return ", ".join(["number", *_limits(schema)])
        case "boolean":
            return "`true` or `false`"
        case "array":
            return f"list of {value_in_words(schema.get('items', {}))}"
        case "object" if "say" in schema.get("properties", ()):
            return "[words](#words-in-place-of-a-prompt)"
        case "object" if "properties" in schema:
            more = " and others" if "patternProperties" in schema else ""
            return f"mapping of {', '.join(f'`{name}`' for name in schema['properties'])}{more}"
        case "object":
            values = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties", {})]
            named = "keys" if OPTION_PATTERN in schema.get("patternProperties", ()) else "names"
            return f"{named}, each with {value_in_words(values[0])}"
        case "string":
            return _PATTERN_WORDS.get(schema.get("pattern", ""), "text")
    if "string" not in schema.get("type", ()):
        return "any value"
    return _PATTERN_WORDS.get(schema["pattern"], "text") if "pattern" in schema else "text with `${...}`"


def _limits(schema: Schema) -> Iterator[str]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        yield f"{low} to {high}"
        return
    if "exclusiveMinimum" in schema:
        yield f"more than {schema['exclusiveMinimum']}"
    if low is not None:
        yield f"at least {low}"
    if high is not None:
        yield f"at most {high}"
