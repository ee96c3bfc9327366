"""The kinds of jobs that there are."""

from __future__ import annotations

from typing import Any

from ringflow.web.jobs.card_generation import CARD_GENERATION
from ringflow.web.jobs.kind import JobKind
from ringflow.web.jobs.voucher_generation import VOUCHER_GENERATION

KINDS: tuple[JobKind[Any], ...] = (CARD_GENERATION, VOUCHER_GENERATION)
