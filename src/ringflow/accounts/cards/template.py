"""The customer that a card makes of its template: same currency, rates, channels, caller ID, language."""

from __future__ import annotations

from ringflow.accounts import customers
from ringflow.accounts.customers import Customer
from ringflow.actor import Actor
from ringflow.ledger.channel_limits import customer_subject
from ringflow.store.statement import Statement

_COPY_RATES = Statement(
    "INSERT INTO rate_assignments (subject, card_id) "
    "SELECT :made, card_id FROM rate_assignments WHERE subject = :template",
    made="text",
    template="text",
)


async def make_customer(actor: Actor, template_id: int, card_id: str) -> Customer:
    """Add the customer, active whatever its template is. Raises `Refused` when there is no template."""
    template = await customers.show(actor.connection, template_id)
    customer = await customers.add(
        actor,
        Customer(
            await customers.next_id(actor),
            name=f"card {card_id}",
            currency=template.currency,
            channels=template.channels,
            caller_id=template.caller_id,
            language=template.language,
        ),
        # Servers keep patterns and trunks in memory, and nothing of those names a new customer: a redeemed
        # card must not have all of them load everything again.
        servers_reload=False,
    )
    subjects = {"made": customer_subject(customer.id), "template": customer_subject(template_id)}
    await _COPY_RATES.run(actor.connection, None, **subjects)
    return customer
