"""A virtual Asterisk on the FastAGI wire: callers, callees, a clock, and the scenarios that use them."""
