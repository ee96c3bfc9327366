"""What a new folder keeps besides files that an operator edits: the database and the secrets."""

from __future__ import annotations

import os

from ringflow.accounts.pepper_file import new_pepper
from ringflow.actor import Principal, acting
from ringflow.config import Config
from ringflow.secret import make_secret
from ringflow.store import Store


async def make_state(config: Config, principal: Principal) -> list[str]:
    """Make the database, and the secrets that neither the environment nor a file has.

    Returns a line on each. Raises `StartError`.
    """
    made = []
    store = await Store.open(config.database_url)
    try:
        await store.migrate()
        made.append(f"database: {store.shown}")
        key = config.impersonation
        if key.key_file is not None and not os.environ.get(key.key_env):
            file = config.path(key.key_file)
            made.append(f"security key: {file}" + ("" if make_secret(file) else " (was there)"))
        cards = config.cards
        if cards.pepper_file is not None and not os.environ.get(cards.pepper_env):
            file = config.path(cards.pepper_file)
            if file.exists():
                made.append(f"pepper of PINs: {file} (was there)")
            else:
                async with acting(store, principal, config.country) as actor:
                    await new_pepper(actor, file)
                made.append(f"pepper of PINs: {file}; keep a copy in a safe place: without it no card opens")
    finally:
        await store.close()
    return made
