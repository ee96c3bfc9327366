"""Calling cards: made in batches, redeemed once, opened by ID and PIN or by PIN alone."""
