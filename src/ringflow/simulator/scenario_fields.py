"""The kinds of values that scenarios have (numbers, amounts, keys, cards), each with its mend in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ringflow import config
from ringflow.accounts.check_digit import with_check_digit
from ringflow.calendars.day_set import read_dates
from ringflow.simulator.presented_number import ONE_LINE, is_presented
from ringflow.validation import Text
from ringflow.wording import quoted

AMOUNT_PATTERN = r"^-?[0-9]{1,9}(\.[0-9]{1,6})?$"
PAID_IN_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,6})?$"
KEYS_PATTERN = r"^[0-9*#A-D ]{1,500}$"
CARD_ID_PATTERN = r"^[0-9]{12}$"
PIN_PATTERN = r"^[0-9]{4,12}$"
CODE_PATTERN = r"^[0-9]{16}$"
CLI_CODE_PATTERN = r"^[0-9]{4,8}$"
PREFIX_PATTERN = r"^(\+?[0-9]{1,20}|~[0-9*]{1,15})$"
HEADER_NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9-]{0,63}$"
HEADER_VALUE_PATTERN = r"^[ -~]*$"
QUEUE_NAME_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
DEVICE_PATTERN = r"^[A-Za-z]+/[^,&\s]{1,200}$"
PATTERN_MENDS = {
    **config.PATTERN_MENDS,
    AMOUNT_PATTERN: "write an amount such as 5.00",
    PAID_IN_PATTERN: "write an amount such as 5.00",
    KEYS_PATTERN: "keys are 0-9 * # A-D; a space is a pause",
    CARD_ID_PATTERN: "a card's number has 12 digits, the last of which checks",
    PIN_PATTERN: "a PIN has 4 to 12 digits",
    CLI_CODE_PATTERN: "a code of a shared number has 4 to 8 digits",
    CODE_PATTERN: "a voucher's code has 16 digits, the last of which checks",
    HEADER_NAME_PATTERN: "a header's name has letters, digits and -",
    HEADER_VALUE_PATTERN: "a header's value is one line of ASCII characters",
    QUEUE_NAME_PATTERN: "a queue's name has letters, digits, - and _",
    DEVICE_PATTERN: "write a device of Asterisk's such as PJSIP/anna",
    PREFIX_PATTERN: "write the first digits of a number, such as 44, or ~112 for one dialled as keyed",
}
"""What the regular expressions of scenarios ask for, in words."""


class Frozen(BaseModel):
    """A part of a scenario: unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def listed(value: object) -> object:
    """One mapping in place of a list of one."""
    return [value] if isinstance(value, dict) else value


def _moment(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"`{value}` is not a moment || write 2026-01-31T22:30:00Z") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _calendar_days(text: str) -> str:
    read_dates(text.partition(",")[0])
    return text


def _checked(digits: str) -> str:
    right = with_check_digit(digits[:-1])
    if digits != right:
        raise ValueError(f"the last digit of {quoted(digits)} does not check || write {right}")
    return digits


def _presented(text: str) -> str:
    if not is_presented(text):
        raise ValueError(f"{quoted(text)} is not a number || {ONE_LINE}")
    return text


def _not_empty(text: str) -> str:
    if not text:
        raise ValueError("the number that is called is empty || give a DID")
    return text


Number = Annotated[Text, AfterValidator(_presented)]
CalledNumber = Annotated[Number, AfterValidator(_not_empty)]
HeaderName = Annotated[str, Field(pattern=HEADER_NAME_PATTERN)]
HeaderValue = Annotated[Text, Field(max_length=200, pattern=HEADER_VALUE_PATTERN)]
Amount = Annotated[Text, Field(pattern=AMOUNT_PATTERN)]
PaidIn = Annotated[Text, Field(pattern=PAID_IN_PATTERN)]
KeyText = Annotated[Text, Field(pattern=KEYS_PATTERN)]
CardId = Annotated[Text, Field(pattern=CARD_ID_PATTERN), AfterValidator(_checked)]
Pin = Annotated[Text, Field(pattern=PIN_PATTERN)]
VoucherCode = Annotated[Text, Field(pattern=CODE_PATTERN), AfterValidator(_checked)]
CliCode = Annotated[Text, Field(pattern=CLI_CODE_PATTERN)]
Prefix = Annotated[Text, Field(pattern=PREFIX_PATTERN)]
QueueName = Annotated[Text, Field(pattern=QUEUE_NAME_PATTERN)]
Device = Annotated[Text, Field(pattern=DEVICE_PATTERN)]
CalendarDays = Annotated[Text, AfterValidator(_calendar_days)]
"""Days of a calendar, with a title after a comma: `2026-12-25, Christmas Day`."""
Moment = Annotated[datetime, BeforeValidator(_moment)]
