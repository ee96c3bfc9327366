"""Each fault of an Asterisk is found, with the line to change; a sound one has no findings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringflow.asterisk.facts import AgiLine, AsteriskFacts, Endpoint
from ringflow.asterisk.findings import Finding, Severity, most_serious_first
from ringflow.asterisk.inspection import inspect
from ringflow.asterisk.modules import (
    CALL_MODULES,
    CHECK_MODULES,
    MANAGER_MODULES,
    REASON_MODULE,
    SLOT_MODULES,
)
from ringflow.engine.dialplan import DIALPLAN_VERSION

SOUND_SETTINGS = {
    "context": "ringflow-incoming",
    "allow_transfer": "false",
    "rtp_timeout": "60",
    "rtp_timeout_hold": "300",
    "direct_media": "false",
    "dtmf_mode": "rfc4733",
}
CARRIER = Endpoint("carrier", SOUND_SETTINGS, leads_here=True, trunks=("carrier",), qualify_s={"carrier": 60})
SOUND = AsteriskFacts(
    source="Asterisk 22",
    endpoints=(CARRIER,),
    agi_lines=(AgiLine("agi://127.0.0.1:4573/call", DIALPLAN_VERSION),),
    modules=dict.fromkeys(
        [*CALL_MODULES, *MANAGER_MODULES, *CHECK_MODULES, *SLOT_MODULES, REASON_MODULE], True
    ),
    verbosity=2,
    log_levels={"messages": "notice,warning,error,verbose"},
    rights=frozenset({"reporting", "call", "originate"}),
    heard=frozenset({"call", "dtmf"}),
    manager_address="127.0.0.1",
    clock_ahead_ms=3,
)


def found(facts: AsteriskFacts) -> list[tuple[str, str, str]]:
    findings = inspect(facts, with_manager=True, fastagi_port=4573)
    return [(str(one.severity), one.where, one.change) for one in findings]


def with_setting(name: str, value: str) -> AsteriskFacts:
    return replace(SOUND, endpoints=(replace(CARRIER, settings={**SOUND_SETTINGS, name: value}),))


def test_a_sound_asterisk_has_no_findings() -> None:
    assert found(SOUND) == []


@pytest.mark.parametrize(
    ("setting", "value", "severity", "change"),
    [
        ("allow_transfer", "true", "serious", "allow_transfer = no"),
        ("allow_transfer", "yes", "serious", "allow_transfer = no"),
        ("rtp_timeout", "0", "serious", "rtp_timeout = 60"),
        ("rtp_timeout_hold", "0", "warning", "rtp_timeout_hold = 300"),
        ("direct_media", "true", "warning", "direct_media = no"),
        ("dtmf_mode", "inband", "warning", "dtmf_mode = rfc4733"),
    ],
)
def test_a_setting_of_an_endpoint_that_costs_calls_or_money_is_found(
    setting: str, value: str, severity: str, change: str
) -> None:
    assert found(with_setting(setting, value)) == [(severity, "pjsip.conf [carrier]", change)]


def test_endpoints_that_have_nothing_to_do_with_ringflow_are_left_alone() -> None:
    desk = Endpoint("desk", {"allow_transfer": "true", "rtp_timeout": "0"}, leads_here=False)
    assert found(replace(SOUND, endpoints=(CARRIER, desk))) == []


def test_a_carrier_that_nobody_asks_whether_it_is_there_is_found_and_a_callers_endpoint_is_not() -> None:
    silent = replace(CARRIER, qualify_s={"carrier": 0})
    caller = replace(CARRIER, name="caller", trunks=(), qualify_s={"caller": 0})
    assert found(replace(SOUND, endpoints=(silent, caller))) == [
        ("warning", "pjsip.conf [carrier] (type = aor)", "qualify_frequency = 60")
    ]


def test_an_endpoint_that_a_trunk_dials_and_asterisk_does_not_have_is_found() -> None:
    (one,) = inspect(
        replace(SOUND, missing_endpoints={"second": "typo"}), with_manager=True, fastagi_port=None
    )
    assert one.severity is Severity.SERIOUS
    assert one.where == "pjsip.conf [typo]"
    assert "trunk second" in one.what


@pytest.mark.parametrize("version", [None, DIALPLAN_VERSION - 1])
def test_an_outdated_dialplan_is_found_and_a_newer_one_is_in_order(version: int | None) -> None:
    old = replace(SOUND, agi_lines=(AgiLine("agi://127.0.0.1:4573/call", version),))
    (one,) = inspect(old, with_manager=True, fastagi_port=4573)
    assert one.severity is Severity.SERIOUS
    assert "all calls are rejected" in one.what
    newer = replace(SOUND, agi_lines=(AgiLine("agi://127.0.0.1:4573/call", DIALPLAN_VERSION + 1),))
    assert found(newer) == []


def test_a_dialplan_that_sends_no_call_here_or_calls_to_another_port_is_found() -> None:
    assert [severity for severity, _, _ in found(replace(SOUND, agi_lines=()))] == ["serious"]
    elsewhere = replace(SOUND, agi_lines=(AgiLine("agi://10.0.0.5:9999/call", DIALPLAN_VERSION),))
    assert [severity for severity, _, _ in found(elsewhere)] == ["warning"]
    by_default = replace(SOUND, agi_lines=(AgiLine("agi://10.0.0.5/call", DIALPLAN_VERSION),))
    assert found(by_default) == []


def test_missing_modules_are_found_by_what_they_are_for() -> None:
    lacking = {**SOUND.modules, "app_read": False, "app_chanspy": False, REASON_MODULE: False}
    assert found(replace(SOUND, modules=lacking)) == [
        ("serious", "modules.conf", "load = app_read.so"),
        ("warning", "modules.conf", "load = app_chanspy.so"),
        ("warning", "modules.conf", f"load = {REASON_MODULE}.so"),
    ]
    # What was not looked at is not taken for missing.
    assert found(replace(SOUND, modules={})) == []


@pytest.mark.parametrize(
    ("verbosity", "levels", "seen"),
    [
        (3, "notice,verbose", True),
        (2, "notice,verbose", False),
        (0, "notice,verbose(3)", True),
        (5, "notice,verbose(2)", False),
        (5, "notice,warning", False),
        (0, "notice,dtmf", True),
        (0, "*", True),
    ],
)
def test_a_log_that_keys_are_written_to_is_found(verbosity: int, levels: str, seen: bool) -> None:
    facts = replace(SOUND, verbosity=verbosity, log_levels={"full": levels})
    assert [(severity, where) for severity, where, _ in found(facts)] == [
        ("serious", "logger.conf, full")
    ] * seen


def test_rights_that_are_missing_or_too_many_are_found() -> None:
    lacking = replace(SOUND, rights=frozenset({"reporting", "call"}))
    assert found(lacking) == [("serious", "manager.conf", "write = call,originate,reporting")]
    mighty = replace(SOUND, rights=frozenset({"reporting", "call", "originate", "system", "command"}))
    (one,) = inspect(mighty, with_manager=True, fastagi_port=4573)
    assert one.severity is Severity.WARNING
    assert "command, system" in one.what
    deaf = replace(SOUND, heard=frozenset({"call"}))
    assert found(deaf) == [("warning", "manager.conf", "read = call,dtmf")]
    assert found(replace(SOUND, manager_address="0.0.0.0")) == [
        ("warning", "manager.conf [general]", "bindaddr = 127.0.0.1")
    ]


@pytest.mark.parametrize(
    ("ahead_ms", "severity"), [(999, None), (1000, "warning"), (-4999, "warning"), (-5000, "serious")]
)
def test_a_clock_that_differs_is_found(ahead_ms: int, severity: str | None) -> None:
    severities = [one for one, _, _ in found(replace(SOUND, clock_ahead_ms=ahead_ms))]
    assert severities == ([severity] if severity else [])


def test_prompts_that_asterisk_lacks_are_named_up_to_a_number() -> None:
    missing = tuple(f"IVR/prompt{number}" for number in range(8))
    (one,) = inspect(replace(SOUND, missing_prompts=missing), with_manager=True, fastagi_port=4573)
    assert "IVR/prompt4 and 3 more" in one.what


def test_the_same_fault_in_many_places_is_one_finding_and_serious_ones_come_first() -> None:
    many = [Finding(Severity.WARNING, f"place {number}", "is wrong", "mend it") for number in range(6)]
    serious = Finding(Severity.SERIOUS, "elsewhere", "is worse", "mend it")
    assert most_serious_first([*many, serious]) == [
        serious,
        Finding(Severity.WARNING, "place 0, place 1, place 2, place 3 and 2 more", "is wrong", "mend it"),
    ]


def test_what_a_slot_of_some_flows_needs_is_a_note() -> None:
    modules = {**SOUND.modules, "app_echo": False, "res_musiconhold": False}
    assert found(replace(SOUND, modules=modules)) == [
        ("note", "modules.conf", "load = app_echo.so"),
        ("note", "modules.conf", "load = res_musiconhold.so"),
    ]
    assert found(replace(SOUND, has_echo=False)) == [
        (
            "note",
            "extensions.conf [ringflow-echo]",
            "run `ringflow asterisk config` again, and `dialplan reload`",
        )
    ]


def test_a_folder_of_recordings_that_one_of_the_two_does_not_see_is_found() -> None:
    finding = inspect(
        replace(SOUND, recordings_problem="/a cannot be made: Permission denied"),
        with_manager=True,
        fastagi_port=4573,
    )
    assert [(str(one.severity), one.what) for one in finding] == [
        ("warning", "/a cannot be made: Permission denied: the slot `record` ends by `failed`")
    ]
