"""Ids of customers and vouchers as commands take them: those that the database can hold."""

from __future__ import annotations

from typing import Any

import typer

from ringflow.accounts.directory_changes import MAX_INTEGER


def id_argument(metavar: str, meaning: str) -> Any:
    """An argument that is such an id."""
    return typer.Argument(metavar=metavar, min=1, max=MAX_INTEGER, help=meaning)


def id_option(name: str, meaning: str, show_default: bool | str = True) -> Any:
    """An option that is such an id."""
    return typer.Option(name, metavar="ID", min=1, max=MAX_INTEGER, help=meaning, show_default=show_default)
