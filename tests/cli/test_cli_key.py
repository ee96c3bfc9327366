"""`ringflow key` makes the secret, and makes and verifies keys with it."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]

WHOM = ("--customer", "42", "--server", "carrier.example.net")


def test_a_secret_is_made_once_for_its_owner_only(ringflow: Run, tmp_path: Path) -> None:
    path = tmp_path / ".ringflow" / "security.key"
    assert ringflow("key", "generate", "--json").json == {"file": str(path), "made": True}
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
