"""A real Asterisk and real SIP calls, on loopback and without root."""

from ringflow.lab.call_values import CalleeRecord, HangUp, LabCaller, LabCallResult, Moment, TimedKeys
from ringflow.lab.lab import Lab, LabStatus
from ringflow.lab.sipp_scenarios import Behaviour, LabCallee

__all__ = [
    "Behaviour",
    "CalleeRecord",
    "HangUp",
    "Lab",
    "LabCallResult",
    "LabCallee",
    "LabCaller",
    "LabStatus",
    "Moment",
    "TimedKeys",
]
