"""Measurements of real calls as programs get them: lengths in seconds, and the names of all forms."""

from __future__ import annotations

from collections.abc import Callable

from ringflow.bench.capacity import CapacityReport, OverloadRound, RateSearch
from ringflow.bench.sip import P50, P95, SipFigures, SipReport


def sip_form(report: SipReport) -> dict[str, object]:
    """What `bench sip` measured."""
    return {
        "version": report.asterisk_version,
        "sides": [_side_values(side) for side in (report.ringflow, report.native)],
        "key_to_invite_more_s": _shares_s(report.key_to_invite_more_ms),
        "call_more_s": _shares_s(report.call_more_ms),
        "cpu_ratio": report.cpu_ratio,
        "cpu_ratios": report.cpu_ratios,
    }


def _side_values(side: SipFigures) -> dict[str, object]:
    return {
        "name": side.name,
        "complete": len(side.complete),
        "refused": side.refused,
        "failures": dict(side.failures),
        "key_to_invite_s": _shares_s(side.key_to_invite_ms),
        "call_s": _shares_s(side.call_ms),
        "asterisk_cpu_s": [one / 1000 for one in side.asterisk_cpu_ms],
        "ringflow_cpu_s": [one / 1000 for one in side.ringflow_cpu_ms],
    }


def _shares_s(measured_ms: Callable[[float], float]) -> dict[str, float]:
    return {"p50": measured_ms(P50) / 1000, "p95": measured_ms(P95) / 1000}


def capacity_form(report: CapacityReport) -> dict[str, object]:
    """What `bench capacity` found."""
    return {
        "version": report.asterisk_version,
        "finished": report.complete,
        "ratio": report.ratio,
        "ringflow": _search_values(report.ringflow),
        "native": _search_values(report.native),
        "overloads": [_overload_values(one) for one in report.overloads],
    }


def _overload_values(overload: OverloadRound) -> dict[str, object]:
    return {
        "calls_per_s": overload.calls_per_s,
        "max_calls_per_s": overload.max_calls_per_s,
        "call_count": len(overload.calls),
        "refused": overload.refused,
        "failures": dict(overload.failures),
        "key_to_invite_s": _shares_s(overload.key_to_invite_ms),
    }


def _search_values(search: RateSearch) -> dict[str, object]:
    return {
        "calls_per_s": search.carried,
        "rounds": [
            {"calls_per_s": one.calls_per_s, "latest_s": one.latest_ms / 1000, "failures": dict(one.failures)}
            for one in search.rounds
        ],
    }
