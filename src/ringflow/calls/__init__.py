"""All that a slot can see and do in a call."""
