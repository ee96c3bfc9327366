"""What the network says of a calling number, read of headers that come from outside."""

from __future__ import annotations

import pytest

from ringflow.calls.attestation import attestation_in

PASSED, FAILED, NONE = "TN-Validation-Passed", "TN-Validation-Failed", "No-TN-Validation"


@pytest.mark.parametrize(
    ("headers", "verstat", "level"),
    [
        (f"<sip:+1202@x;verstat={PASSED}>||", PASSED, None),
        (f"<sip:+1202@x;verstat={PASSED}-A>||", PASSED, "A"),
        (f"<sip:1@x>;verstat={FAILED}-C||", FAILED, "C"),
        (f"|<sip:+1202@x; verstat={NONE}>|", NONE, None),
        (f'|<tel:+1202;VERSTAT="{PASSED.lower()}-b">|', PASSED, "B"),
        (f"<sip:+1202@x;verstat={PASSED}>||a", PASSED, "A"),
        (f"<sip:+1202@x;verstat={PASSED}-B>||A", PASSED, "B"),
        ("||C", None, "C"),
        ("||", None, None),
        ("", None, None),
        ("<sip:1@x>|<sip:1@x>|D", None, None),
        ("<sip:1@x;verstat=Fine>|<sip:A@x>|", None, None),
        ("<sip:1@x>|A", None, "A"),
        (f"<sip:xverstat={PASSED}@x>||", None, None),
    ],
)
def test_verstat_and_level_are_read(headers: str, verstat: str | None, level: str | None) -> None:
    expected = None if verstat is None and level is None else {"verstat": verstat, "level": level}
    assert attestation_in(headers) == expected
