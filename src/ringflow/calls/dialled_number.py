"""The number of one leg: what was asked for, what it is in E.164, and what its trunk is given."""

from __future__ import annotations

from dataclasses import dataclass

from ringflow.accounts.number_forms import can_be_keyed, in_form, is_among
from ringflow.accounts.trunks import Trunk
from ringflow.ledger.rates.prefix import of_record
from ringflow.numbers import dialled_number, is_written_number, normalise_number


@dataclass(frozen=True, slots=True)
class DialledNumber:
    """`keyed` is what the caller keyed or the flow says, `dialled` what is recorded, `sent` the trunk's form.

    `dialled` is E.164 digits, or the same as `keyed` where the number is dialled `as_keyed`.
    """

    keyed: str
    dialled: str
    sent: str
    as_keyed: bool = False

    @property
    def rated(self) -> str:
        """The number as rates are asked for it."""
        return of_record(self.dialled, as_keyed=self.as_keyed)


def could_be_dialled(text: str) -> bool:
    """Whether there may be a country or a trunk that makes something of the text."""
    return can_be_keyed(text) or is_written_number(text)


class NumberPlan:
    """Reads the numbers of a call. `country` is where national numbers belong (ISO 3166-1)."""

    def __init__(self, country: str) -> None:
        self.country = country

    def recorded(self, text: str, *, as_keyed: bool) -> str | None:
        """The number that the text names, whatever the trunk; None where that depends on the trunk."""
        if as_keyed and can_be_keyed(text):
            return text
        return dialled_number(text, self.country)

    def routes(
        self, text: str, trunks: tuple[Trunk, ...], *, as_keyed: bool
    ) -> list[tuple[Trunk, DialledNumber]]:
        """The trunks that can dial the text, in their order, with the number as each of them gets it.

        A trunk dials as keyed what is among its patterns, and everything if `as_keyed`; anything else must be
        a telephone number.
        """
        number = dialled_number(text, self.country)
        keyable = can_be_keyed(text)
        found: list[tuple[Trunk, DialledNumber]] = []
        for trunk in trunks:
            if keyable and (as_keyed or is_among(text, trunk.as_keyed)):
                found.append((trunk, DialledNumber(text, text, text, as_keyed=True)))
            elif number is not None:
                sent = trunk.number_prefix + in_form(number, trunk.number_form, self.country)
                found.append((trunk, DialledNumber(text, number, sent)))
        return found

    def e164(self, caller_id: str) -> str | None:
        """A caller's number in E.164, or None for a short one."""
        return normalise_number(caller_id, self.country)

    def caller_id(self, configured: str | None, own: str | None, trunk: Trunk) -> str | None:
        """What a trunk is given as the caller's number; None: nothing, and the caller's own stays as it is.

        `configured` is digits, with or without a plus; `own` the caller's number in E.164, which is only
        given where the trunk wants it in a form.
        """
        wants_form = trunk.caller_id_form is not None or trunk.caller_id_prefix
        shown = configured or (own if wants_form else None)
        if shown is None:
            return None
        number = self.e164(shown)
        if trunk.caller_id_form is not None and number is not None:
            shown = in_form(number, trunk.caller_id_form, self.country)
        return trunk.caller_id_prefix + shown
