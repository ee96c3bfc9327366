"""The manager connection: what Asterisk is doing, and the few things we ask of it outside a call."""
