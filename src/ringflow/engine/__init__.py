"""Runs one call through one app."""
