"""`ringflow schema`: what flow files may contain, for editors and for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ringflow.errors import Refused
from ringflow.flows.reference import reference_text
from ringflow.flows.registry import slot_types
from ringflow.flows.schema import schema_text


def schema(
    out: Annotated[Path | None, typer.Option("--out", help="Write to this file instead of printing.")] = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="The slots' reference in Markdown instead of the schema.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, which the schema always is; not with --reference.")
    ] = False,
) -> None:
    """Print the JSON Schema of flow files."""
    if as_json and reference:
        raise Refused("--reference is Markdown for people; leave out --json, or --reference for the schema")
    text = reference_text(slot_types()) if reference else schema_text(slot_types())
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{out} cannot be written: {error.strerror}") from error
