"""Ringflow, a Class 5 IVR call-flow application server for Asterisk."""

__version__ = "0.1.0"
