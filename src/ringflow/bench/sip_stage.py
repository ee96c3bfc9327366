"""What `ringflow bench sip` calls: an Asterisk with the flow twice, through Ringflow and as dialplan."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from ringflow.bench.seed_call import DID
from ringflow.bench.servers import MeasuredServer, on_server_core, ringflow_server
from ringflow.bench.sip_round import Way
from ringflow.lab import Lab
from ringflow.lab.asterisk import AsteriskInstance
from ringflow.lab.packages import PackageFolder
from ringflow.lab.ports import free_tcp_port

NATIVE_DID = "18005550199"
RINGFLOW_TRUNK, NATIVE_TRUNK = "callee01", "callee02"

RTP_PORTS = 2_900
"""Two for each stream of sound. A call of this load has one stream for four seconds and a second one for a
second of them, so this is enough for 290 calls a second. An Asterisk that has none left rejects callers with
488 and does not dial: with the 600 ports of the tests some of 50 calls a second failed, either way.
"""


class _DialplanTemplate(Template):
    # As in the written configuration: dialplan is full of $ and %.
    delimiter = "%%"


@dataclass(frozen=True, slots=True)
class SipFlow:
    """A flow, and the same as dialplan: files of this package. `flow` None: the seed call's, as shipped."""

    flow: str | None
    dialplan: str


SEED = SipFlow(None, "native_dialplan.conf")
TWENTY_SLOTS = SipFlow("twenty_slots.yaml", "twenty_slots.conf")


@dataclass(frozen=True, slots=True)
class SipStage:
    """The running programs, and the two ways through them."""

    packages: PackageFolder
    ringflow: MeasuredServer
    asterisk: MeasuredServer
    asterisk_version: str
    ways: dict[str, Way]


@contextlib.contextmanager
def sip_stage(
    folder: Path,
    project: Path,
    lab_folder: Path,
    release: str | None,
    limits: Mapping[str, object] | None = None,
    flow: SipFlow = SEED,
) -> Iterator[SipStage]:
    """Ringflow and an Asterisk of its own on one core, everything below `folder`. Raises `StartError`.

    `limits` are further settings of Ringflow's `fastagi`.
    """
    lab = Lab(lab_folder, release, folder / "asterisk", rtp_ports=RTP_PORTS)
    packages = lab.packages
    dial = f"PJSIP/{{number}}@{RINGFLOW_TRUNK}"
    port = free_tcp_port()
    try:
        with on_server_core():
            state = lab.up(port)
        _add_native(lab.asterisk(), folder, project, flow.dialplan)
        # With the manager interface, as installed: without it a channel more watches every leg.
        ami = {"port": state.ami_port, "secret_file": str(lab.asterisk().config / "ami.secret")}
        with ringflow_server(
            folder,
            project,
            trunk_dial=dial,
            limits=limits,
            fastagi_port=port,
            ami=ami,
            flow=_flow_file(folder, flow.flow) if flow.flow is not None else None,
        ) as server:
            yield SipStage(
                packages=packages,
                ringflow=server,
                asterisk=MeasuredServer("asterisk", state.pid, state.sip_port),
                asterisk_version=lab.status().version,
                ways={
                    "ringflow": Way(DID, state.sip_port, state.trunks[RINGFLOW_TRUNK]),
                    "native": Way(NATIVE_DID, state.sip_port, state.trunks[NATIVE_TRUNK]),
                },
            )
    finally:
        lab.down()


def _flow_file(folder: Path, name: str) -> Path:
    """The flow in a folder of its own."""
    path = folder / "app_flows" / name
    path.parent.mkdir()
    path.write_bytes(files("ringflow.bench").joinpath(name).read_bytes())
    return path


def _add_native(asterisk: AsteriskInstance, folder: Path, project: Path, dialplan: str) -> None:
    """Put the native flow beside Ringflow's, and log as an operator's Asterisk does: not every step."""
    text = files("ringflow.bench").joinpath(dialplan).read_text("utf-8")
    values = {"did": NATIVE_DID, "sounds": str(project / "sounds"), "trunk": NATIVE_TRUNK}
    native = folder / "native_dialplan.conf"
    native.write_text(_DialplanTemplate(text).substitute(values), "utf-8")
    etc = asterisk.folder / "etc"
    with (etc / "extensions.conf").open("a", encoding="utf-8") as extensions:
        extensions.write(f"#include {native}\n")
    logger = etc / "logger.conf"
    logger.write_text(logger.read_text("utf-8").replace(",verbose", ""), "utf-8")
    asterisk.ask("dialplan reload")
    asterisk.ask("logger reload")
