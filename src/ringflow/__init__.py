"""Ringflow, a Class 5 IVR call-flow application server for Asterisk."""

from pathlib import Path

from ringflow.compiled import refuse_stale

__version__ = "0.1.0"

refuse_stale(Path(__file__).parent)
