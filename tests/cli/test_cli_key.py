"""`ringflow key` makes the secret, and makes and verifies keys with it."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringflow.accounts.security_key import SecurityKeys, configured_keys
from ringflow.config import load_config
from ringflow.errors import Refused

Run = Callable[..., Any]

WHOM = ("--customer", "42", "--server", "carrier.example.net")


def test_a_secret_is_made_once_for_its_owner_only(ringflow: Run, tmp_path: Path) -> None:
    path = tmp_path / ".ringflow" / "security.key"
    assert ringflow("key", "generate", "--json").json == {"file": str(path), "created": True}
    first = path.read_text("ascii")
    assert len(first) == 65
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir() if "key" in entry.name] == ["security.key"]
    again = ringflow("key", "generate")
    assert again.code == 0
    assert again.out == f"{path} holds a secret already; it stays\n"
    assert path.read_text("ascii") == first
    ringflow("key", "generate", "--out", "other.key")
    assert (tmp_path / "other.key").read_text("ascii") != first


def test_a_key_that_was_made_is_genuine(ringflow: Run) -> None:
    ringflow("key", "generate")
    key = ringflow("key", "make", *WHOM).out.strip()
    assert ringflow("key", "verify", key, *WHOM).out == "genuine\n"
    forged = ringflow("key", "verify", key, "--customer", "43", "--server", "carrier.example.net")
    assert (forged.code, forged.out) == (1, "")
    assert "forged key" in forged.err
    answer = ringflow("key", "verify", "nonsense", *WHOM, "--json")
    assert answer.code == 1
    assert answer.json["genuine"] is False
    assert "malformed" in answer.json["reason"]


def test_the_documented_key_is_genuine_and_long_expired(ringflow: Run) -> None:
    secret = {"RINGFLOW_SECURITY_KEY": "an example of a secret, not for use"}
    key = "v1.1767225600.84aadcf532246ccf19ebb1f396e331b1e79691f57c52fa4416fd4da56828d782"
    assert ringflow("key", "make", *WHOM, "--at", "1767225600", **secret).out == key + "\n"
    expired = ringflow("key", "verify", key, *WHOM, "--max-age", "0", **secret)
    assert expired.code == 1
    assert "expired" in expired.err or "future" in expired.err
    ahead = ringflow("key", "make", *WHOM, "--at", "99999999999", **secret).out.strip()
    assert "from the future" in ringflow("key", "verify", ahead, *WHOM, **secret).err


def test_secrets_are_exchanged_with_an_overlap(ringflow: Run, tmp_path: Path) -> None:
    path = tmp_path / ".ringflow" / "security.key"
    ringflow("key", "generate")
    first = path.read_text("ascii").strip()
    old = ringflow("key", "make", *WHOM).out.strip()
    serving = configured_keys(load_config())
    now_s = int(time.time())

    assert ringflow("key", "new", "--json").json == {"version": "v2", "file": str(path)}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    by_first = SecurityKeys(first)
    by_first.verify(serving.make(42, "carrier", now_s), 42, "carrier", now_s)
    assert ringflow("key", "verify", old, *WHOM).code == 0

    assert ringflow("key", "use", "v2").code == 0
    assert ringflow("key", "list", "--json").json == [
        {"version": "v1", "signs": False},
        {"version": "v2", "signs": True},
    ]
    made = serving.make(42, "carrier", now_s)
    with pytest.raises(Refused, match="forged"):
        by_first.verify(made, 42, "carrier", now_s)
    SecurityKeys(path.read_text("ascii").split("v2:")[1].strip()).verify(made, 42, "carrier", now_s)
    serving.verify(by_first.make(42, "carrier", now_s), 42, "carrier", now_s)
    assert ringflow("key", "verify", old, *WHOM).code == 0

    refused = ringflow("key", "drop", "v2")
    assert (refused.code, "v2 signs" in refused.err) == (1, True)
    assert "no version v9" in ringflow("key", "drop", "v9").err
    assert ringflow("key", "drop", "v1").code == 0
    assert "forged" in ringflow("key", "verify", old, *WHOM).err
    with pytest.raises(Refused, match="forged"):
        serving.verify(by_first.make(42, "carrier", now_s), 42, "carrier", now_s)
    serving.verify(made, 42, "carrier", now_s)
    assert ringflow("key", "new", "--json").json["version"] == "v3"
    assert first not in path.read_text("ascii")
    assert "RINGFLOW_SECURITY_KEY" in ringflow("key", "new", RINGFLOW_SECURITY_KEY="x" * 20).err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# key ring, v2 signs\nv1:0123456789abcdef", "line 1 names version v2"),
        ("# key ring, v1 signs\nv1:short", "line 2 is not version:secret"),
        ("# key ring, v1 signs\nv1:0123456789abcdef\nv1:0123456789abcdee", "line 3 is not"),
    ],
)
def test_a_malformed_ring_is_named_by_its_line_and_never_quoted(ringflow: Run, text: str, said: str) -> None:
    ran = ringflow("key", "make", *WHOM, RINGFLOW_SECURITY_KEY=text)
    assert ran.code == 2
    assert said in ran.err
    assert "0123456789" not in ran.err
    assert "short" not in ran.err


def test_a_missing_or_short_secret_is_one_line_and_exit_2(ringflow: Run, tmp_path: Path) -> None:
    missing = ringflow("key", "make", *WHOM)
    assert missing.code == 2
    assert "set RINGFLOW_SECURITY_KEY or write it to" in missing.err
    short = ringflow("key", "make", *WHOM, RINGFLOW_SECURITY_KEY="hunter2")
    assert short.code == 2
    assert "hunter2" not in short.err
    (tmp_path / "file").write_text("", "utf-8")
    blocked = ringflow("key", "generate", "--out", "file/x.key")
    assert blocked.code == 2
    assert len(blocked.err.splitlines()) == 1
