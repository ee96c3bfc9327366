"""Charged calls that are transferred by REFER: each leg is charged to the end of its callee.

`RINGFLOW_TRANSFERS=20` makes each transfer twenty times; `ringflow bench transfers` prints the figures.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.lab.conftest import FOLDER

from ringflow.bench.charged_stage import charged_stage
from ringflow.bench.transfers import Server, Transfer, transfer_round
from ringflow.errors import StartError
from ringflow.lab import Lab

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]
RELEASES = ["forky", "bullseye"]
REPETITIONS = int(os.environ.get("RINGFLOW_TRANSFERS", "1"))
ACCEPTED, DECLINED = 200, 603
BUSY_MACHINE_MS = 500
"""How far a talk may be off the wire here: tests run on any machine; `bench transfers` holds it to 100 ms."""

# Asterisk's own words on what these tests do.
EXPECTED = ("res_agi.c", "res_pjsip_refer.c", "RINGFLOW_ENDED_MS", "transfer attempt blocked")


def lab_where_transfers_are(allow_transfer: str, release: str, place: Path) -> Lab:
    lab = Lab(FOLDER, release, place / "asterisk", {"allow_transfer": allow_transfer})
    try:
        assert lab.packages
    except StartError as error:
        pytest.skip(f"the lab is missing: {error}")
    return lab


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("with_ami", [True, False], ids=["with AMI", "without AMI"])
async def test_a_transferred_leg_is_charged_to_its_callees_bye(
    release: str, with_ami: bool, tmp_path: Path
) -> None:
    lab = lab_where_transfers_are("yes", release, tmp_path)
    kinds = list(Transfer) if with_ami else [Transfer.ATTENDED_BY_CALLER, Transfer.BLIND_BY_CALLEE]
    async with charged_stage(tmp_path, ROOT, lab, with_ami=with_ami) as stage:
        await stage.server.start()
        for kind in [one for one in kinds for _ in range(REPETITIONS)]:
            found = await transfer_round(stage, kind, tolerance_ms=BUSY_MACHINE_MS)
            assert (found.answer, found.wrong) == (ACCEPTED, ()), kind
            # Nobody talks on: the transfer is over at once, and so is the trunk.
            assert found.over_ms < 2 * BUSY_MACHINE_MS, kind
    complaints = lab.asterisk().complaints()
    assert [line for line in complaints if not any(word in line for word in EXPECTED)] == []


@pytest.mark.parametrize("release", RELEASES)
async def test_a_transfer_while_ringflow_is_dead_is_charged_to_the_callees_bye(
    release: str, tmp_path: Path
) -> None:
    lab = lab_where_transfers_are("yes", release, tmp_path)
    kinds = (Transfer.ATTENDED_BY_CALLER, Transfer.CONSULTED_BY_CALLEE, Transfer.BLIND_BY_CALLEE)
    async with charged_stage(tmp_path, ROOT, lab) as stage:
        for kind in [one for one in kinds for _ in range(REPETITIONS)]:
            await stage.server.start()
            found = await transfer_round(stage, kind, Server.KILLED, BUSY_MACHINE_MS)
            assert (found.answer, found.wrong) == (ACCEPTED, ()), kind
            assert found.over_ms < 2 * BUSY_MACHINE_MS, kind
            await stage.server.kill()


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("with_ami", [True, False], ids=["with AMI", "without AMI"])
async def test_a_caller_whose_place_is_taken_by_an_invite_with_replaces_ends_the_talk_also_as_shipped(
    release: str, with_ami: bool, tmp_path: Path
) -> None:
    lab = lab_where_transfers_are("no", release, tmp_path)
    async with charged_stage(tmp_path, ROOT, lab, with_ami=with_ami) as stage:
        await stage.server.start()
        for _ in range(REPETITIONS):
            found = await transfer_round(stage, Transfer.REPLACED_CALLER, tolerance_ms=BUSY_MACHINE_MS)
            assert (found.answer, found.wrong) == (ACCEPTED, ())
            assert found.over_ms < 2 * BUSY_MACHINE_MS


@pytest.mark.parametrize("release", RELEASES)
async def test_as_shipped_a_transfer_is_declined_and_the_talk_goes_on(release: str, tmp_path: Path) -> None:
    lab = lab_where_transfers_are("no", release, tmp_path)
    kinds = (Transfer.ATTENDED_BY_CALLER, Transfer.BLIND_BY_CALLEE)
    async with charged_stage(tmp_path, ROOT, lab) as stage:
        await stage.server.start()
        for kind in [one for one in kinds for _ in range(REPETITIONS)]:
            found = await transfer_round(stage, kind, tolerance_ms=BUSY_MACHINE_MS)
            assert (found.answer, found.wrong) == (DECLINED, ()), kind
            assert found.over_ms > 2 * BUSY_MACHINE_MS, kind
