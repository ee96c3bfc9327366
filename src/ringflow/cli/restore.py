"""`ringflow restore`: a database, or a whole folder, of what `ringflow backup` wrote."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from ringflow.cli.ledger_rows import verdict
from ringflow.cli.output import Json, print_json
from ringflow.config import Config, load_config
from ringflow.deployment.archive import Archive, Books, prove, restore_into
from ringflow.deployment.folder import CONFIG
from ringflow.moments import Moment, iso_in, system_now_ms


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The archive of `ringflow backup`.")],
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="NEW", help="First unpack configuration, flows and prompts there."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where the database has rows; the old one is kept aside.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a database, or a whole folder, of an archive.

    The database is the one that the configuration names, of either kind, whichever kind the archive is of.
    Stop the server before. Then the books are checked; exit 1: they are wrong.
    """
    with Archive(file) as archive:
        config = _configuration(archive, folder)
        url = config.database_url
        kept = asyncio.run(restore_into(archive, config, replace=replace))
        books = asyncio.run(prove(url, system_now_ms()))
        manifest = archive.manifest
        _name_other_configuration(archive, config)
    rows = sum(manifest.rows.values())
    if as_json:
        said = {
            "rows": rows,
            "made_at": Moment(manifest.made_ms),
            "kept_file": kept or None,
            "books_right": not books.findings,
            "books_until_at": None if books.until_ms is None else Moment(books.until_ms),
        }
        print_json(said)
    else:
        typer.echo(f"{rows:,} rows as of {iso_in(manifest.made_ms, config.zone)} are restored")
        if kept:
            typer.echo(f"what was there before is kept: {kept}")
        _print_books(books, config)
        _name_missing_secrets(config)
    if books.findings:
        raise typer.Exit(1)


def _configuration(archive: Archive, folder: Path | None) -> Config:
    if folder is None:
        return load_config()
    written = archive.unpack(folder)
    typer.echo(f"{folder}: {len(written)} files", err=True)
    found = folder / CONFIG
    configs = [path for path in written if path.parent == folder and path.suffix in (".yaml", ".yml")]
    return load_config(found if found.exists() or not configs else configs[0])


def _name_other_configuration(archive: Archive, config: Config) -> None:
    found = archive.configuration()
    if found is not None and config.file.read_bytes() != found[1]:
        typer.echo(
            f"{config.file} differs from the archive's {found[0]}: the next start deletes restored DIDs, "
            "trunks and CLIs that only the archive's declares, and deletes its customers or sets them "
            f"inactive; restore with --folder, or copy the archive's files/{found[0]} here before the start",
            err=True,
        )


def _print_books(books: Books, config: Config) -> None:
    for finding in books.findings:
        typer.echo(str(finding))
    typer.echo(verdict(len(books.findings), books.until_ms, config.zone))


def _name_missing_secrets(config: Config) -> None:
    named = (config.impersonation.key_file, config.cards.pepper_file)
    missing = [
        str(config.path(path)) for path in named if path is not None and not config.path(path).exists()
    ]
    if missing:
        typer.echo(f"Put your copies of the secrets to {' and '.join(missing)}, mode 0600", err=True)
