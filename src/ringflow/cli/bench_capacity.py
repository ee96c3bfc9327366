"""`ringflow bench capacity`: calls a second that one core carries, by Ringflow and by native dialplan."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ringflow.bench.capacity import (
    KEY_TO_INVITE_MS,
    CapacityReport,
    OverloadRound,
    measure_capacity,
)
from ringflow.bench.forms import capacity_form
from ringflow.bench.sip import P50, P95
from ringflow.cli.output import PIPED_WIDTH, print_json
from ringflow.config import load_config
from ringflow.errors import Refused

TARGET_RATIO = 0.85
SECONDS, QUICK_SECONDS = 10.0, 4.0
LIMIT_S, QUICK_LIMIT_S = 1200.0, 240.0


def bench_capacity(
    start: Annotated[int, typer.Option(help="Calls a second to begin with.", min=1)] = 30,
    highest: Annotated[int, typer.Option(help="Calls a second to end with.", min=1)] = 250,
    quick: Annotated[bool, typer.Option("--quick", help="Short rounds: at most four minutes.")] = False,
    release: Annotated[str | None, typer.Option(help="Whose Asterisk: forky has 22, bullseye 16.")] = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Before all other work of the machine; for root.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Calls a second that one core carries, against native dialplan.

    The highest rate at which every call is complete and none takes longer than 50 ms from its last key to its
    INVITE, by turns; then half as many again, which Ringflow refuses in part. At most twenty minutes.
    """
    config = load_config()
    report = measure_capacity(
        config.path(config.flows).parent,
        config.path(config.state) / "lab",
        release,
        start=start,
        highest=highest,
        seconds=QUICK_SECONDS if quick else SECONDS,
        limit_s=QUICK_LIMIT_S if quick else LIMIT_S,
        realtime=realtime,
    )
    if as_json:
        print_json(capacity_form(report))
    else:
        _print_report(report)
    failures = [dict(one.failures) for one in report.overloads if one.failures]
    if failures:
        raise Refused(
            "measurement.failed",
            f"calls that were admitted failed: {failures}; their Asterisk's limits may be too low",
        )


def _print_report(report: CapacityReport) -> None:
    console = Console()
    console = console if console.is_terminal else Console(width=PIPED_WIDTH)
    table = Table(
        "way", "calls a second", "latest key to INVITE, ms", "not complete", title=report.asterisk_version
    )
    for name, search in (("ringflow", report.ringflow), ("native", report.native)):
        for one in search.rounds:
            table.add_row(name, str(one.calls_per_s), f"{one.latest_ms:.1f}", str(one.failures.total()))
    console.print(table)
    ends = "" if report.complete else " The time was over before the search was."
    console.print(
        f"Every call within {KEY_TO_INVITE_MS:.0f} ms: Ringflow {report.ringflow.carried} calls a second, "
        f"native dialplan {report.native.carried}: {report.ratio:.2f} x "
        f"(target at least {TARGET_RATIO} x).{ends}"
    )
    for overload in report.overloads:
        console.print(_overload_sentence(overload))


def _overload_sentence(overload: OverloadRound) -> str:
    limit = (
        "the default limits" if overload.max_calls_per_s is None else f"at most {overload.max_calls_per_s}"
    )
    return (
        f"{overload.calls_per_s} calls a second offered, {limit}: {overload.refused} refused with 503, "
        f"{overload.admitted} admitted, {overload.failures.total()} of these failed; last key to INVITE "
        f"p50 {overload.key_to_invite_ms(P50):.1f} ms, p95 {overload.key_to_invite_ms(P95):.1f} ms."
    )
