"""`ringflow init`: a folder of the operator's own, ready to serve."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from ringflow.actor import shell_operator
from ringflow.cli.operators import Operator
from ringflow.cli.output import Json, print_json
from ringflow.config import Config, load_config
from ringflow.deployment.folder import CONFIG, fill_folder
from ringflow.deployment.state import make_state
from ringflow.wording import counted


def init(
    operator: Operator,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The folder to fill.", show_default="this one")
    ] = Path(),
    demo: Annotated[
        bool, typer.Option("--demo", help="With the demo's customer, DIDs and trunk in config.yaml.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a folder of your own: configuration, flows, prompts, keys and database.

    What is there already stays as it is, so it can be done again, such as after an upgrade for new prompts.
    """
    filled = fill_folder(folder, demo=demo)
    path = folder / CONFIG
    config = load_config(path)
    if as_json:
        made = asyncio.run(make_state(config, shell_operator(operator)))
        written = {"written": filled.written, "kept": filled.kept}
        print_json({"folder": folder.resolve(), **written, "made": made})
        return
    kept = f"; {filled.kept} were there already and stay" if filled.kept else ""
    typer.echo(f"{folder.resolve()}: {counted(len(filled.written), 'file')} written{kept}")
    for line in asyncio.run(make_state(config, shell_operator(operator))):
        typer.echo(line)
    _say_next_steps(folder, config)


def _say_next_steps(folder: Path, config: Config) -> None:
    command = "ringflow" if shutil.which("ringflow") else sys.argv[0]
    lines = ["Next:"]
    if folder.resolve() != Path.cwd():
        lines.append(f"  cd {folder}")
    if config.dids:
        did = config.dids[0].number
        cli = next((cli for customer in config.customers for cli in customer.clis), None)
        caller = f" --from {cli}" if cli else ""
        lines.append(f"  {command} call {did}{caller} --keys 441234567890#   # a simulated call")
    else:
        lines += [
            f"  {command} customer add --id 42 'First customer'",
            f"  {command} cli add 441910000001 --customer 42   # whose calls are the customer's",
            f"  {command} did add 18005550100 calling_card",
            f"  {command} trunk add carrier 'PJSIP/{{number}}@carrier' --rated upstream",
            f"  {command} call 18005550100 --from 441910000001 --keys 441234567890#   # a simulated call",
        ]
    lines += [
        f"  {command} serve",
        f"  {command} asterisk config --out asterisk    # what your Asterisk includes",
        f"  {command} service install                   # start at boot, as root",
    ]
    typer.echo("\n".join(lines))
