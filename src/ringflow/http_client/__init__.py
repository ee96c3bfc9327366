"""HTTP to hosts that the configuration names, at public addresses, with bounds of size and time."""
