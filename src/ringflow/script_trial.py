"""What a script would make of a call, for `ringflow script run` and the API. Nothing of it is kept."""

from __future__ import annotations

from dataclasses import replace

from ringflow.accounts import dids
from ringflow.accounts.admission import Admission, Rejection
from ringflow.config import Config
from ringflow.core import open_core
from ringflow.engine.did_script import DidScripts, Scripted
from ringflow.errors import Unknown

TRIAL = "dry-run"
"""What stands for the call's ID."""


async def try_script(config: Config, name: str, did: str, caller: str | None) -> Scripted:
    """Run a script as that of a DID, for a call from this number. Raises `Refused`, `StartError`."""
    core = await open_core(config, dry_run=True)
    try:
        async with core.store.reading() as connection:
            found = await dids.reached(connection, did, core.config.country)
        answer = await core.directory.arrive(did, caller, False)
        if isinstance(answer, Rejection) and found.script is None:
            customer = found.customer_id
            paying = await core.directory.customer(customer) if customer is not None else None
            answer = Admission(found, paying, caller, caller or "")
        if isinstance(answer, Rejection):
            raise Unknown("did.unknown", f"DID {did} takes no calls: {answer.reason}", did=did)
        admission = replace(answer, did=replace(answer.did, script=name))
        scripts = DidScripts(core.directory, core.world, core.book.current)
        return await scripts.run(TRIAL, "", "", admission)
    finally:
        await core.close()
