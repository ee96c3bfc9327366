"""What the command line adds to an error: which command or option to use. Services know nothing of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ringflow.errors import Field, RingflowError

HINTS: Mapping[str, str] = {
    "asterisk.files_differ": (
        "--diff shows what would change, and --replace writes them anew and keeps the old ones as .bak"
    ),
    "bulk.count_unconfirmed": "--dry-run says how many, and --expect N that you mean them",
    "bulk.none_selected": "write their IDs, or --where NAME=VALUE",
    "bulk.nothing_to_change": "--set NAME=VALUE does",
    "calendar.unknown": "`ringflow calendar list` shows those that do",
    "calendar.unknown_entry": "`ringflow calendar entries {calendar}` shows those there are",
    "call.not_live": "`ringflow live list` shows those there are",
    "call.unknown": "`ringflow record list` shows those that are",
    "card.none_selected": "write the IDs, or --batch NAME",
    "card.nothing_to_change": "--credit, --customer and --expires are those that there are",
    "card.unknown": "`ringflow card list` shows those that do",
    "card_batch.being_made": "`ringflow card discard` does that",
    "card_batch.finished": "`ringflow card delete --batch` does that",
    "card_batch.unknown": "`ringflow card batches` shows those that do",
    "cli.shared": "`ringflow cli add --code` does the first, `ringflow cli code delete` the second",
    "cli_code.taken": "`ringflow cli code rotate` does that",
    "cli_code.unknown": "`ringflow cli code list` shows those that there are",
    "cli.unknown": "`ringflow cli list` shows those that do",
    "customer.has_numbers": "--cascade deletes them too",
    "customer.unknown": "`ringflow customer list` shows those that do",
    "database.not_empty": "with --replace it is kept aside and the archive's takes its place",
    "did.taken": "change it with `ringflow did set`",
    "did.unknown": "`ringflow did list` shows those that do",
    "flow.unknown_revision": "`ringflow flow history {flow}` lists those that are kept",
    "ledger.books_wrong": "`ringflow ledger check` does that",
    "movement.outcome_unknown": "do it again with --key {key}, which makes it once",
    "operator.nameless": "--operator NAME, or RINGFLOW_OPERATOR",
    "operator.unknown": "`ringflow operator list` shows those that do",
    "override.none": "`ringflow override list` shows those there are",
    "prompt.unknown": "`ringflow sounds list` shows those there are",
    "rate.overlaps": "--until ends one",
    "rate.needs_price": "give it with --price",
    "rate.several": "--from says which",
    "rate_card.assigned": "`ringflow rate unassign` does that",
    "rate_card.none_for_trunk": "`ringflow rate assign CARD --trunk {trunk}` gives it one",
    "rate_card.unknown": "`ringflow rate list` shows those there are",
    "rate_map.unknown": "`--save-map NAME` keeps one",
    "recording.unknown": "`ringflow recording list` shows those that do",
    "security_key.signs": "`ringflow key use VERSION` does that",
    "security_key.unknown_version": "`ringflow key list` shows those that are there",
    "token.unknown": "`ringflow token list` shows those that there are",
    "trunk.taken": "change it with `ringflow trunk set`",
    "trunk.unknown": "`ringflow trunk list` shows those that do",
    "value_list.has_entries": "--entries deletes them too",
    "value_list.unknown": "`ringflow value-list list` shows those that do",
    "voucher.unknown": "`ringflow voucher list` shows those that do",
}
"""By the error's code; `{name}` is one of its fields."""


_SETTING = re.compile("‹([a-z_-]+)›")


def with_options(text: str) -> str:
    """Return a text of a service with the settings that it names as options: ‹map› is `--map`."""
    return _SETTING.sub(lambda match: f"--{match[1].replace('_', '-')}", text)


def hint(error: RingflowError) -> str:
    """Return what to do about an error at the command line; empty where its text says that already."""
    return worded(error.code, error.fields)


def worded(code: str, fields: Mapping[str, Field]) -> str:
    """Return the hint of a code with the fields' values in it."""
    return HINTS.get(code, "").format_map(dict(fields))
