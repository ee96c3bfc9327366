"""`ringflow backup`: an archive of database, configuration, flows and prompts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ringflow.cli.ledger_rows import verdict
from ringflow.cli.output import Json, print_json
from ringflow.config import load_config
from ringflow.deployment.archive import make_archive, verify
from ringflow.moments import Moment

SECRETS_LEFT_OUT = (
    "Not in it: the security key and the pepper, without which no card opens. Keep copies of them, "
    "or make the archive with --secrets"
)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The archive to write: a new ZIP file.")],
    with_secrets: Annotated[
        bool, typer.Option("--secrets", help="Put the security key, pepper and AMI secret into it, too.")
    ] = False,
    with_recordings: Annotated[
        bool, typer.Option("--recordings", help="Put the recordings of callers into it, too.")
    ] = False,
    verified: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Restore it to a temporary file and check the books.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Write an archive of everything, while the server goes on.

    The database as one moment has it, config.yaml, flows and prompts; readable by its owner only.
    """
    config = load_config()
    manifest = asyncio.run(
        make_archive(config, file, with_secrets=with_secrets, with_recordings=with_recordings)
    )
    books = asyncio.run(verify(file)) if verified else None
    wrong = len(books.findings) if books is not None else 0
    until = None if books is None or books.until_ms is None else Moment(books.until_ms)
    if as_json:
        said = {
            "file": file,
            "schema": manifest.schema,
            "rows": sum(manifest.rows.values()),
            "made_at": Moment(manifest.made_ms),
            "with_secrets": with_secrets,
            "verified": verified,
            "books_right": None if books is None else not wrong,
            "books_until_at": until,
        }
        print_json(said)
    else:
        rows = sum(manifest.rows.values())
        typer.echo(f"{file}: {rows:,} rows of {len(manifest.rows)} tables, schema {manifest.schema}")
        if books is not None:
            for finding in books.findings:
                typer.echo(str(finding))
            typer.echo(f"restored to try: {verdict(wrong, books.until_ms, config.zone)}")
        if not with_secrets:
            typer.echo(SECRETS_LEFT_OUT, err=True)
    if wrong:
        raise typer.Exit(1)
