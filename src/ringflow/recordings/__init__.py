"""Recordings of callers: their files, their rows, how long they are kept, and who may hear them."""
