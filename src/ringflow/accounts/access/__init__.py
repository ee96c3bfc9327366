"""How operators sign in: sessions, the second factor, known devices, and links that set a password."""
