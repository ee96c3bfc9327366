"""The kinds of jobs that there are."""

from __future__ import annotations

from typing import Any

from ringflow.web.jobs.books_check import BOOKS_CHECK
from ringflow.web.jobs.card_generation import CARD_GENERATION
from ringflow.web.jobs.kind import JobKind
from ringflow.web.jobs.rate_jobs import RATE_COMPARISON, RATE_DIFFERENCE, RATE_IMPORT
from ringflow.web.jobs.scenario_run import SCENARIO_RUN
from ringflow.web.jobs.table_import import (
    CLI_IMPORT,
    CUSTOMER_IMPORT,
    DID_IMPORT,
    ENTRY_IMPORT,
    SPEED_DIAL_IMPORT,
)
from ringflow.web.jobs.voucher_generation import VOUCHER_GENERATION

KINDS: tuple[JobKind[Any], ...] = (
    CARD_GENERATION,
    VOUCHER_GENERATION,
    RATE_IMPORT,
    RATE_COMPARISON,
    RATE_DIFFERENCE,
    CUSTOMER_IMPORT,
    CLI_IMPORT,
    DID_IMPORT,
    SPEED_DIAL_IMPORT,
    ENTRY_IMPORT,
    BOOKS_CHECK,
    SCENARIO_RUN,
)
