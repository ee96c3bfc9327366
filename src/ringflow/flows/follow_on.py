"""How a flow says which keys end a leg while the caller stays."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ringflow.calls.held_keys import EndKeys
from ringflow.wording import quoted

HELD_KEYS_PATTERN = r"^(\*#?|#\*?)$"


class FollowOn(BaseModel):
    """Keys that end the ringing or the talk, and for how long they are held."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: Annotated[str, Field(pattern=HELD_KEYS_PATTERN)] = "*#"
    """`*`, `#`, or both: each of them ends it. Where it is not heard how long, only the first one does."""
    held: Annotated[float, Field(ge=0.3, le=10)] = 1.0
    """Seconds for which a key is held at least; a shorter one is for the callee."""

    @property
    def end_keys(self) -> EndKeys:
        """The keys as a call takes them."""
        return EndKeys(self.keys, round(self.held * 1000))


def _written_short(value: object) -> object:
    if value is True:
        return FollowOn()
    if isinstance(value, str):
        mend = (
            f'write {{keys: "{value}"}}' if re.fullmatch(HELD_KEYS_PATTERN, value) else "write true or false"
        )
        raise ValueError(f"must be true, false or a mapping, not {quoted(value)} || {mend}")  # noqa: TRY004 -- pydantic collects ValueError
    return None if value is False else value


FollowOnField = Annotated[
    FollowOn | None,
    BeforeValidator(_written_short, json_schema_input_type=bool | FollowOn),
]
"""`true`, `false`, or the keys themselves."""
