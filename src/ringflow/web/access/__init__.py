"""Who sends an HTTP request, known by a token or a session, and how often each may ask."""
