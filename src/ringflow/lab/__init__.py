"""A real Asterisk and real SIP calls, on loopback and without root."""
