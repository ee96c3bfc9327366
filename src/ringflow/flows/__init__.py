"""Call flows: loading, checking, and where each exit leads."""
