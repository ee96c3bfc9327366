"""Slot types, one file each; the file is the registration."""
