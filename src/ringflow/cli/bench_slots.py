"""`ringflow bench slots`: what twenty slots add to a real call, against the same steps as native dialplan."""

from __future__ import annotations

from typing import Annotated

import typer

from ringflow.bench.forms import sip_form
from ringflow.bench.sip import measure_sip
from ringflow.bench.sip_stage import TWENTY_SLOTS
from ringflow.cli.bench_sip import print_report, refuse_failures
from ringflow.cli.output import print_json
from ringflow.config import load_config

TARGET_P50_MS, TARGET_P95_MS = 10.0, 20.0


def bench_slots(
    calls: Annotated[int, typer.Option(help="Calls in a round.", min=1)] = 50,
    rate: Annotated[int, typer.Option(help="Calls begun in a second.", min=1)] = 5,
    rounds: Annotated[int, typer.Option(help="Rounds; Ringflow and native dialplan take turns.", min=1)] = 7,
    release: Annotated[str | None, typer.Option(help="Whose Asterisk: forky has 22, bullseye 16.")] = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Before all other work of the machine; for root.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Real calls through twenty slots and the same steps of dialplan.

    Through the lab's Asterisk, by Ringflow and native dialplan in turn: from the last key of the number,
    which is keyed at the second slot, to the INVITE of the twentieth.
    """
    config = load_config()
    project, lab = config.path(config.flows).parent, config.path(config.state) / "lab"
    report = measure_sip(project, lab, release, calls, rate, rounds, realtime, TWENTY_SLOTS)
    if as_json:
        print_json(sip_form(report))
    else:
        print_report(report, TARGET_P50_MS, TARGET_P95_MS)
    refuse_failures(report)
