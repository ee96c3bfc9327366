"""The making of vouchers as a job: all of them, with the file of their codes, in one transaction."""

from __future__ import annotations

from ringflow.accounts.peppers import configured_peppers
from ringflow.accounts.vouchers.generation import Plan, generate
from ringflow.rights import Right
from ringflow.web.jobs.kind import JobKind, JobWork
from ringflow.web.jobs.secrets_file import secrets_file

LINES_AT_ONCE = 5_000


async def _run(work: JobWork, plan: Plan) -> None:
    work.report(0, plan.count)
    async with work.acting() as actor:
        made = await generate(actor, plan, configured_peppers(work.services.config))
        lines = ["id,code\n", *(f"{number},{code}\n" for number, code in made)]
        for start in range(0, len(lines), LINES_AT_ONCE):
            await work.write(actor, "".join(lines[start : start + LINES_AT_ONCE]).encode(), secret=True)
        work.report(len(made))
        result = {"batch": plan.batch, "count": len(made)}
        await work.finish(actor, result, secrets_file(plan.batch, "codes"))


VOUCHER_GENERATION = JobKind("vouchers.generate", Right.CARDS_MAKE, Plan, _run)
