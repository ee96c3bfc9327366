"""How each thing is shown to programs: one form for the command line, exports and the API."""
