"""`ringflow bench beside`: calls while the API is under load and rates are imported."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ringflow.bench.api_beside import measure_beside
from ringflow.bench.sip import P50, P95
from ringflow.config import load_config
from ringflow.errors import Refused

TARGET_MORE_MS = 3.0


def bench_beside(
    calls: Annotated[int, typer.Option(help="Calls in a round.", min=1)] = 300,
    rate: Annotated[float, typer.Option(help="Calls begun in a second.", min=0.1)] = 10,
    rounds: Annotated[int, typer.Option(help="Rounds; with and without the load.", min=1)] = 3,
    connections: Annotated[int, typer.Option(help="Connections that ask without a pause.", min=0)] = 50,
    rates: Annotated[int, typer.Option(help="Rates of a sheet.", min=1)] = 260_000,
    unlimited: Annotated[
        bool, typer.Option("--unlimited", help="Answer all requests, instead of `http.limits`.")
    ] = False,
) -> None:
    """Calls beside a load on the API and an import of rates.

    Virtual Asterisks call; what is compared is the time from the report of the keys to the order to dial.
    """
    config = load_config()
    project = config.path(config.flows).parent
    alone, beside = measure_beside(project, calls, rate, rounds, connections, rates, limited=not unlimited)
    table = Table("calls", "keys to dial p50, ms", "p95", "most", "calls", "failed")
    for one in (alone, beside):
        times = [f"{one.percentile_ms(share):.1f}" for share in (P50, P95, 1.0)]
        table.add_row(one.name, *times, str(len(one.key_to_dial_ms)), str(one.failed))
    console = Console()
    console.print(table)
    more_ms = beside.percentile_ms(P95) - alone.percentile_ms(P95)
    console.print(f"p95: {more_ms:+.1f} ms; the target is at most +{TARGET_MORE_MS:.0f}.")
    answers = ", ".join(f"{count} of {status}" for status, count in sorted(beside.answers.items()))
    imports = ", ".join(f"{one:.0f}" for one in beside.imports_s)
    console.print(f"Answers of the API: {answers or 'none'}. Imports of {rates} rates, s: {imports}.")
    if alone.failed + beside.failed:
        raise Refused("measurement.failed", "calls failed, so the figures mean nothing")
