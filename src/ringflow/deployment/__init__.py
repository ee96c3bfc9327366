"""Ringflow on an operator's machine: its folder, its archive, and the service that starts it at boot."""
