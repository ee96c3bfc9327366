"""`ringflow bench sip`: what Ringflow adds to a real call, against the same flow as native dialplan."""

from __future__ import annotations

from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ringflow.bench.forms import sip_form
from ringflow.bench.sip import P50, P95, SipFigures, SipReport, measure_sip
from ringflow.cli.output import PIPED_WIDTH, print_json
from ringflow.config import load_config
from ringflow.errors import Refused

TARGET_P50_MS, TARGET_P95_MS = 5.0, 10.0
TARGET_CPU_RATIO = 1.18


def bench_sip(
    calls: Annotated[int, typer.Option(help="Calls in a round.", min=1)] = 100,
    rate: Annotated[int, typer.Option(help="Calls begun in a second.", min=1)] = 10,
    rounds: Annotated[int, typer.Option(help="Rounds; Ringflow and native dialplan take turns.", min=1)] = 11,
    release: Annotated[str | None, typer.Option(help="Whose Asterisk: forky has 22, bullseye 16.")] = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Before all other work of the machine; for root.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Real calls, by Ringflow and by native dialplan, side by side.

    Through the lab's Asterisk: from key to INVITE, whole call, and processor time.
    """
    config = load_config()
    project, lab = config.path(config.flows).parent, config.path(config.state) / "lab"
    report = measure_sip(project, lab, release, calls, rate, rounds, realtime)
    if as_json:
        print_json(sip_form(report))
    else:
        print_report(report, TARGET_P50_MS, TARGET_P95_MS)
        typer.echo(f"The target for the processor time is at most {TARGET_CPU_RATIO} x native.")
    refuse_failures(report)


def refuse_failures(report: SipReport) -> None:
    """Raise `Refused` where calls failed: what they took means nothing."""
    if report.failed:
        failures = {side.name: dict(side.failures) for side in (report.ringflow, report.native)}
        raise Refused(
            "measurement.failed", f"{report.failed} calls failed, so the figures mean nothing: {failures}"
        )


def print_report(report: SipReport, target_p50_ms: float, target_p95_ms: float) -> None:
    """The two sides in tables. The targets are for the time from the last key, and for the whole call."""
    console = Console()
    console = console if console.is_terminal else Console(width=PIPED_WIDTH)
    times = Table("ms", "Ringflow", "native", "difference", "target", title=report.asterisk_version)
    for name, side, more in (
        ("last key to INVITE", SipFigures.key_to_invite_ms, report.key_to_invite_more_ms),
        ("whole call", SipFigures.call_ms, report.call_more_ms),
    ):
        for share, target in ((P50, target_p50_ms), (P95, target_p95_ms)):
            times.add_row(
                f"{name}, p{share * 100:.0f}",
                f"{side(report.ringflow, share):.1f}",
                f"{side(report.native, share):.1f}",
                f"{more(share):+.1f}",
                f"at most +{target:.0f}",
            )
    console.print(times)
    work = Table("processor ms a call", "Asterisk", "Ringflow", "sum", "complete", "refused")
    for found in (report.ringflow, report.native):
        work.add_row(
            found.name,
            f"{_mean(found.asterisk_cpu_ms):.2f}",
            f"{_mean(found.ringflow_cpu_ms):.2f}",
            f"{_mean(found.cpu_ms):.2f}",
            f"{len(found.complete)} of {len(found.calls)}",
            str(found.refused),
        )
    console.print(work)
    ratios = report.cpu_ratios
    console.print(
        f"Processor time: {report.cpu_ratio:.2f} x native; "
        f"by rounds {min(ratios):.2f} to {max(ratios):.2f}, median {median(ratios):.2f}."
    )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0
