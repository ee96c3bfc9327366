"""What a customer's own program is told of its money: each amount where it belongs."""

from __future__ import annotations

from ringflow.accounts.customers import Customer
from ringflow.forms.json_value import json_value
from ringflow.forms.own import own_account_form
from ringflow.ledger.account import Account


def test_a_customer_sees_each_amount_of_its_account_under_its_name() -> None:
    customer = Customer(7, "Acme", currency="USD", channels=2, language="es")
    account = Account(
        customer_id=7,
        currency="USD",
        balance_micros=9_000_000,
        held_micros=2_500_000,
        debit_limit_micros=1_000_000,
        daily_limit_micros=4_000_000,
        spent_today_micros=500_000,
        available_micros=3_500_000,
    )
    assert json_value(own_account_form(customer, account)) == {
        "customer": 7, "name": "Acme", "currency": "USD", "channels": 2, "language": "es",
        "balance": "9.00", "held": "2.50", "available": "3.50", "debit_limit": "1.00",
        "daily_limit": "4.00", "spent_today": "0.50",
    }  # fmt: skip
