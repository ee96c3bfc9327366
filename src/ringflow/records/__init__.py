"""Call records: written beside the calls, read by operators, kept for as long as they ask."""
