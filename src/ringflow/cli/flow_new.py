"""`ringflow flow new`: a flow of one's own, from one that comes with Ringflow."""

from __future__ import annotations

from typing import Annotated

import typer

from ringflow.cli.output import Json, print_json
from ringflow.config import load_config
from ringflow.deployment.flow_copy import copy_flow
from ringflow.flows.folder import shown_path
from ringflow.sounds.library import PromptLibrary
from ringflow.speaking import LIBRARY_PREFIX
from ringflow.wording import counted


def new_command(
    name: Annotated[str, typer.Argument(metavar="APP", help="The name of the new flow.")],
    source: Annotated[
        str, typer.Option("--from", metavar="NAME", help="A shipped flow: docs/recipes.md explains each.")
    ],
    as_json: Json = False,
) -> None:
    """Copy a shipped flow and its scenarios under a name of your own.

    Nothing that is in the folder is replaced.
    """
    config = load_config()
    made = copy_flow(name, source, config.path(config.flows))
    library = PromptLibrary(config.path(config.sounds.folder))
    missing = sorted(
        one for one in made.prompts if not (one.startswith(LIBRARY_PREFIX) or library.exists(one))
    )
    files = [shown_path(path) for path in made.files]
    if as_json:
        print_json({"app": made.app, "files": files, "prompts_missing": missing})
        return
    for file in files:
        typer.echo(file)
    if missing:
        are = "is" if len(missing) == 1 else "are"
        what = f"{counted(len(missing), 'prompt')} of it {are} not in {shown_path(library.folder)}"
        typer.echo(f"{what}: `ringflow init` adds those that are shipped")
    typer.echo(f"Next: ringflow test {files[1] if len(files) > 1 else ''}".rstrip())
    typer.echo(f"      ringflow did add NUMBER {made.app}")
