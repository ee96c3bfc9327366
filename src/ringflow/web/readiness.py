"""What `/readyz` asks of a server's parts, by their names."""

from __future__ import annotations

from collections.abc import Callable

from ringflow.agi.server import FastAgiServer
from ringflow.ami.link import AmiLink, LinkState
from ringflow.engine.dialplan import DialplanCheck
from ringflow.errors import RingflowError
from ringflow.store import Store
from ringflow.web.health import PartState, Probe


def readiness(
    store: Store,
    fastagi: FastAgiServer,
    ami: AmiLink | None,
    dialplan: DialplanCheck,
    is_draining: Callable[[], bool],
) -> dict[str, Probe]:
    """The probes of a server."""

    async def database() -> PartState:
        try:
            await store.ping()
        except RingflowError as error:
            return PartState(False, str(error))
        return PartState(True, store.shown)

    async def fastagi_port() -> PartState:
        calls = f"{fastagi.live_calls} calls"
        return PartState(False, f"draining, {calls}") if is_draining() else PartState(True, calls)

    async def ami_link() -> PartState:
        if ami is None:
            return PartState(False, "not configured", required=False)
        return PartState(ami.state is LinkState.UP, f"{ami.state}: {ami.reason}".rstrip(": "))

    async def last_dialplan() -> PartState:
        # Not required: where several Asterisks share this server, the others' calls are in order.
        return PartState(dialplan.is_current, dialplan.detail, required=False)

    return {"database": database, "fastagi": fastagi_port, "ami": ami_link, "dialplan": last_dialplan}
