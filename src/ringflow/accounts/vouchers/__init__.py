"""Vouchers: codes that add to a customer's credit once."""
