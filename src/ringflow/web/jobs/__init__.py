"""Jobs of the API: what kinds there are, and the server's part that does them."""
