"""`ringflow test --random`: random flows and scenarios on the simulator, some of them in the lab too."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from ringflow.cli.output import print_json
from ringflow.config import Config
from ringflow.errors import Conflict, StartError
from ringflow.output_file import file_taken, new_file
from ringflow.wording import counted

NO_HYPOTHESIS = "random scenarios need Hypothesis, which is not installed: pip install 'ringflow[random]'"


def play_random(
    config: Config, count: int, seed: int, lab_count: int, out: Path, *, overwrite: bool, as_json: bool
) -> bool:
    """Play them, print what came of them, and write a failing one to `out`; whether all passed.

    Raises `StartError` without Hypothesis, `Refused` where a file is there or the lab is not.
    """
    if out.exists() and not overwrite:
        raise file_taken(out, can_overwrite=True)
    try:
        from ringflow.simulator import random_search
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise StartError(NO_HYPOTHESIS) from None
    console = Console(highlight=False, quiet=as_json)
    total, began_s = random_search.Found(), time.perf_counter()
    for found in random_search.search(config, count, seed):
        total.add(found)
        console.print("[red]F[/]" if found.text else "[green].[/]", end="")
    took_s = time.perf_counter() - began_s
    console.print(
        f"\n{counted(total.played, 'random scenario')}, {counted(total.legs, 'leg')} in {took_s:.1f}s"
    )
    console.print(f"  outcomes: {_tally(total.outcomes)}\n  exits: {_tally(total.exits)}", soft_wrap=True)
    shown: dict[str, object] = {
        "seed": seed, "played": total.played, "legs": total.legs,
        "outcomes": total.outcomes, "exits": total.exits, "failure": total.failure or None,
    }  # fmt: skip
    if total.text:
        _write(out, total.text, overwrite)
        console.print(f"[red]scenario {total.number} of seed {seed} fails[/]; its smallest form:")
        console.print(f"{escape(total.text)}\n{escape(total.failure)}", soft_wrap=True)
        console.print(f"play it again: ringflow test {escape(str(out))}", soft_wrap=True)
        shown["file"] = str(out)
    agree = not total.text and (
        not lab_count or _play_in_lab(config, lab_count, seed, out, overwrite, console, shown)
    )
    if as_json:
        print_json(shown)
    return agree


def _play_in_lab(
    config: Config,
    count: int,
    seed: int,
    out: Path,
    overwrite: bool,
    console: Console,
    shown: dict[str, object],
) -> bool:
    from ringflow.cli.lab_options import open_lab
    from ringflow.lab.random_agreement import TOLERANCE_MS, compare_random

    lab = open_lab(None)
    if not lab.asterisk().is_running():
        raise Conflict(
            "lab.down",
            f"the lab of {lab.release} is not running: `ringflow lab up` starts it",
            release=str(lab.release),
        )
    with tempfile.TemporaryDirectory(prefix="ringflow-random-") as folder:
        told = asyncio.run(compare_random(config, lab, count, seed, Path(folder)))
        failing = [one for one in told.comparisons if one.failure is not None]
        if failing:
            _write(out, failing[0].case.path.read_text("utf-8"), overwrite)
    console.print(
        f"{counted(len(told.comparisons), 'call')} in the lab, {len(failing)} of them different; "
        f"{told.gaps_within} of {len(told.gaps_ms)} times from event to event within {TOLERANCE_MS} ms "
        f"({told.share_within:.1%}; {told.first_share:.1%} before calls were made again)",
        soft_wrap=True,
    )
    for one in failing:
        console.print(escape(one.failure or ""), soft_wrap=True)
    if failing:
        console.print(f"the first one of them: {escape(str(out))}", soft_wrap=True)
    shown["lab"] = {
        "compared": len(told.comparisons), "different": len(failing), "gaps": len(told.gaps_ms),
        "gaps_within_50_ms": told.gaps_within, "share_at_first": told.first_share,
    }  # fmt: skip
    return not failing and told.is_close


def _write(out: Path, text: str, overwrite: bool) -> None:
    with new_file(out, overwrite=overwrite) as file:
        file.write(text)


def _tally(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counts.items())) or "none"
