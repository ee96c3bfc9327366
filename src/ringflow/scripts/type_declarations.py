"""The types of scripts for editors, `ringflow.d.ts`: fields as `script check` knows them, and the library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ringflow.scripts.data_fields import FIELDS, DataField

NULLABLE = frozenset({"customer"})


def declarations_text() -> str:
    """Return the declarations, as an editor reads them."""
    lines = [
        "// Written by `ringflow schema --scripts`.",
        "",
        "/** What `main` is given. */",
        "interface Data {",
    ]
    lines += [*_fields(FIELDS, 1), "  /** The vars by their own names. */", "  [name: string]: any;", "}", ""]
    return "\n".join(lines) + "\n" + Path(__file__).with_name("library.d.ts").read_text("utf-8")


def _fields(fields: Mapping[str, DataField], depth: int) -> list[str]:
    space = "  " * depth
    lines = []
    for name, one in fields.items():
        optional = "" if one.is_everywhere else "?"
        lines.append(f"{space}/** {one.what} */")
        if one.fields:
            end = " | null;" if name in NULLABLE else ";"
            lines += [f"{space}{name}{optional}: {{", *_fields(one.fields, depth + 1), f"{space}}}{end}"]
        else:
            lines.append(f"{space}{name}{optional}: {one.type};")
    return lines
