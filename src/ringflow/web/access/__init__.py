"""Who asks over HTTP: recognised by tokens and sessions, and how often."""
