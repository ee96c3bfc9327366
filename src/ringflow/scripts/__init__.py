"""Operators' JavaScript: run in processes of its own, with limits, and without anything of the host."""
