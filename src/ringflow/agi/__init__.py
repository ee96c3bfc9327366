"""The FastAGI wire: bytes to values without I/O, the session on top, and the server that Asterisk calls."""
