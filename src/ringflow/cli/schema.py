"""`ringflow schema`: what flow and scenario files may contain, for editors and for people."""

from __future__ import annotations

from typing import Annotated

import typer

from ringflow.cli.out_file import Out, Overwrite
from ringflow.errors import Refused
from ringflow.flows.reference import reference_text
from ringflow.flows.registry import slot_types
from ringflow.flows.schema import schema_text
from ringflow.forms.reference import forms_text
from ringflow.output_file import new_file
from ringflow.scripts.type_declarations import declarations_text
from ringflow.simulator.scenario_schema import scenario_schema_text


def schema(
    out: Out = None,
    overwrite: Overwrite = False,
    reference: Annotated[
        bool, typer.Option("--reference", help="The slots' reference in Markdown instead of the schema.")
    ] = False,
    forms: Annotated[
        bool, typer.Option("--forms", help="The forms of `--json` and the API in Markdown instead.")
    ] = False,
    scenarios: Annotated[
        bool, typer.Option("--scenarios", help="The schema of scenario files instead of flow files.")
    ] = False,
    rights: Annotated[
        bool,
        typer.Option("--rights", help="Which role may call which operation of the API, in Markdown instead."),
    ] = False,
    api: Annotated[
        bool, typer.Option("--api", help="What a release keeps of the API's description instead.")
    ] = False,
    scripts: Annotated[
        bool, typer.Option("--scripts", help="The types of scripts for editors, TypeScript, instead.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, which the schema always is.")] = False,
) -> None:
    """Print the JSON Schema of flow files, or of scenario files."""
    pages = sum((reference, forms, rights))
    if (as_json and pages) or pages > 1:
        raise Refused(
            "option.malformed",
            "--reference, --forms and --rights are Markdown for people: give one of them, without --json",
            option="--reference",
        )
    if scenarios and pages:
        raise Refused(
            "option.malformed",
            "--scenarios is a schema, --reference, --forms and --rights are Markdown: give one of them",
            option="--scenarios",
        )
    if api and (pages or scenarios):
        raise Refused(
            "option.malformed",
            "--api is a schema of its own: give it without the other options",
            option="--api",
        )
    if scripts and (pages or scenarios or api or as_json):
        raise Refused(
            "option.malformed",
            "--scripts is TypeScript of its own: give it without the other options",
            option="--scripts",
        )
    if scripts:
        text = declarations_text()
    elif api:
        from ringflow.web.api.routes import released_text

        text = released_text()
    elif rights:
        # The server's libraries take a third of a second to import.
        from ringflow.web.api.rights_page import rights_text
        from ringflow.web.api.routes import PREFIX, RESOURCES

        text = rights_text(RESOURCES, PREFIX)
    elif forms:
        text = forms_text()
    elif reference:
        text = reference_text(slot_types())
    else:
        text = scenario_schema_text(slot_types()) if scenarios else schema_text(slot_types())
    with new_file(out, overwrite=overwrite) as stream:
        stream.write(text)
