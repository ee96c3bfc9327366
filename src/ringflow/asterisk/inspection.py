"""What endangers calls or money on an Asterisk: rules that turn facts about it into findings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ringflow.asterisk.facts import AgiLine, AsteriskFacts, Endpoint
from ringflow.asterisk.findings import Finding, Severity, most_serious_first
from ringflow.asterisk.modules import (
    CALL_MODULES,
    CHECK_MODULES,
    MANAGER_MODULES,
    NO_MANAGER_MODULES,
    REASON_MODULE,
    SLOT_MODULES,
)
from ringflow.engine.dialplan import DIALPLAN_VERSION, MEND

RTP_TIMEOUT_S = 60
RTP_TIMEOUT_HOLD_S = 300
QUALIFY_S = 60
KEYS_LOGGED_FROM = 3
"""From this verbosity on `Read` writes the keys (app_read.c)."""

CLOCK_WARNING_MS = 1_000
CLOCK_SERIOUS_MS = 5_000

WRITE_RIGHTS = frozenset({"reporting", "call", "originate"})
READ_RIGHTS = frozenset({"call", "dtmf"})

MANY_PROMPTS = 5
"""How many missing prompts are named before the rest is only counted."""

_VERBOSE = re.compile(r"verbose(?:\(([0-9]+)\))?")


def inspect(facts: AsteriskFacts, *, with_manager: bool, fastagi_port: int | None) -> list[Finding]:
    """Find everything that is wrong, the most serious first.

    `with_manager`: Ringflow is configured to use the manager interface. `fastagi_port`: where it listens;
    None: not known.
    """
    return most_serious_first(
        (
            *_endpoints(facts),
            *_dialplan(facts, fastagi_port),
            *_modules(facts, with_manager=with_manager),
            *_logged_keys(facts),
            *_manager(facts),
            *_clock(facts),
            *_prompts(facts),
            *_recordings(facts),
        )
    )


def _endpoints(facts: AsteriskFacts) -> Iterator[Finding]:
    for trunk, missing in facts.missing_endpoints.items():
        yield Finding(
            Severity.SERIOUS,
            f"pjsip.conf [{missing}]",
            f"there is no such endpoint, and trunk {trunk} dials it",
            f"add the endpoint, or correct the trunk: ringflow trunk set {trunk} --dial ...",
        )
    if facts.endpoints is None:
        yield Finding(
            Severity.NOTE,
            "pjsip.conf",
            "the endpoints could not be listed, so only those that trunks dial could be looked at",
            "load = res_manager_devicestate.so in modules.conf",
        )
    for endpoint in facts.endpoints or ():
        if endpoint.leads_here or endpoint.trunks:
            yield from _endpoint(endpoint)


def _endpoint(endpoint: Endpoint) -> Iterator[Finding]:
    where = f"pjsip.conf [{endpoint.name}]"
    if endpoint.is_on("allow_transfer"):
        yield Finding(
            Severity.SERIOUS,
            where,
            "a caller or callee can transfer the call (REFER) and so take it out of Ringflow's hands",
            "allow_transfer = no",
        )
    if not endpoint.seconds("rtp_timeout"):
        yield Finding(
            Severity.SERIOUS,
            where,
            "a call whose other side vanished without a BYE goes on, and is charged, for hours",
            f"rtp_timeout = {RTP_TIMEOUT_S}",
        )
    if not endpoint.seconds("rtp_timeout_hold"):
        yield Finding(
            Severity.WARNING,
            where,
            "a call that is on hold when its other side vanishes goes on for hours",
            f"rtp_timeout_hold = {RTP_TIMEOUT_HOLD_S}",
        )
    if endpoint.is_on("direct_media"):
        yield Finding(
            Severity.WARNING,
            where,
            "sound can bypass this Asterisk, which then sees neither keys nor a caller who vanished",
            "direct_media = no",
        )
    mode = endpoint.settings.get("dtmf_mode", "")
    if endpoint.leads_here and mode in ("inband", "none"):
        yield Finding(
            Severity.WARNING,
            where,
            f"keys are not sent as RTP events (dtmf_mode = {mode}), so some may be missed",
            "dtmf_mode = rfc4733",
        )
    if endpoint.trunks:
        for aor, seconds in endpoint.qualify_s.items():
            if not seconds:
                yield Finding(
                    Severity.WARNING,
                    f"pjsip.conf [{aor}] (type = aor)",
                    f"nobody asks whether the carrier of trunk {' and '.join(endpoint.trunks)} answers, so "
                    "each call finds out by waiting",
                    f"qualify_frequency = {QUALIFY_S}",
                )


def _dialplan(facts: AsteriskFacts, fastagi_port: int | None) -> Iterator[Finding]:
    where = "extensions.conf [ringflow-incoming]"
    if facts.agi_lines is None:
        return
    if not facts.agi_lines:
        yield Finding(
            Severity.SERIOUS,
            where,
            "no context sends calls to Ringflow",
            "run `ringflow asterisk config`, include its extensions_ringflow.conf, and `dialplan reload`",
        )
    if any((line.version or 1) < DIALPLAN_VERSION for line in facts.agi_lines):
        oldest = min(line.version or 1 for line in facts.agi_lines)
        yield Finding(
            Severity.SERIOUS,
            where,
            f"the dialplan has version {oldest} and {DIALPLAN_VERSION} is needed: all calls are rejected",
            MEND,
        )
    if facts.agi_lines and not facts.has_echo:
        yield Finding(
            Severity.NOTE,
            "extensions.conf [ringflow-echo]",
            "there is no such context, so the slot `echo` ends by `failed`",
            "run `ringflow asterisk config` again, and `dialplan reload`",
        )
    others = sorted({line.url for line in facts.agi_lines if not _comes_to(line, fastagi_port)})
    if others:
        yield Finding(
            Severity.WARNING,
            where,
            f"calls go to {', '.join(others)}, and this Ringflow listens on port {fastagi_port}",
            "run `ringflow asterisk config` again, or set fastagi.port",
        )


def _comes_to(line: AgiLine, port: int | None) -> bool:
    address = line.url.partition("://")[2].partition("/")[0]
    if line.url.startswith("hagi://"):
        return True
    return port is None or (address.rpartition(":")[2] if ":" in address else "4573") == str(port)


def _modules(facts: AsteriskFacts, *, with_manager: bool) -> Iterator[Finding]:
    extra = MANAGER_MODULES if with_manager else NO_MANAGER_MODULES
    for group, severity in (
        (CALL_MODULES, Severity.SERIOUS),
        (extra, Severity.WARNING),
        (CHECK_MODULES, Severity.NOTE),
        (SLOT_MODULES, Severity.NOTE),
    ):
        for module, purpose in group.items():
            if facts.modules.get(module) is False:
                yield Finding(
                    severity,
                    "modules.conf",
                    f"{module} is not loaded; by it {purpose}",
                    f"load = {module}.so",
                )
    if facts.modules.get(REASON_MODULE) is False:
        yield Finding(
            Severity.WARNING,
            "modules.conf",
            f"{REASON_MODULE} is not loaded, so the causes that carriers send in `Reason` headers are not on "
            "record",
            f"load = {REASON_MODULE}.so",
        )


def _logged_keys(facts: AsteriskFacts) -> Iterator[Finding]:
    for file, levels in facts.log_levels.items():
        words = [word.strip() for word in levels.split(",")]
        if "dtmf" in words or "*" in words:
            yield Finding(
                Severity.SERIOUS,
                f"logger.conf, {file}",
                "every key that a caller presses is written to this file, PINs too",
                f"{file} => {','.join(word for word in words if word not in ('dtmf', '*')) or 'error'}",
            )
        for match in filter(None, map(_VERBOSE.fullmatch, words)):
            level = int(match[1]) if match[1] else facts.verbosity
            if level is not None and level >= KEYS_LOGGED_FROM:
                yield Finding(
                    Severity.SERIOUS,
                    f"logger.conf, {file}",
                    f"at verbosity {level} the digits that callers key are written to this file, PINs too",
                    f"take `verbose` out of {file}, or set verbose = 2 in asterisk.conf",
                )


def _manager(facts: AsteriskFacts) -> Iterator[Finding]:
    where = "manager.conf"
    if facts.rights is not None:
        missing, extra = sorted(WRITE_RIGHTS - facts.rights), sorted(facts.rights - WRITE_RIGHTS)
        line = f"write = {','.join(sorted(WRITE_RIGHTS))}"
        if missing:
            yield Finding(
                Severity.SERIOUS,
                where,
                f"Ringflow's user lacks the right to write {', '.join(missing)}: talks are not prolonged, "
                "and what a dead server left is not settled",
                line,
            )
        if extra:
            yield Finding(
                Severity.WARNING,
                where,
                f"Ringflow's user may also write {', '.join(extra)}, which it does not need: whoever learns "
                "its secret could change this Asterisk",
                line,
            )
    if facts.heard is not None and not facts.heard >= READ_RIGHTS:
        yield Finding(
            Severity.WARNING,
            where,
            f"Ringflow's user may not read {', '.join(sorted(READ_RIGHTS - facts.heard))}: keys held down "
            "and the results of calls it makes are not heard",
            f"read = {','.join(sorted(READ_RIGHTS))}",
        )
    if facts.manager_address in ("0.0.0.0", "::", "[::]"):  # noqa: S104 - it is what to warn of
        yield Finding(
            Severity.WARNING,
            f"{where} [general]",
            "the manager interface listens on all addresses",
            "bindaddr = 127.0.0.1",
        )


def _clock(facts: AsteriskFacts) -> Iterator[Finding]:
    ahead_ms = facts.clock_ahead_ms
    if ahead_ms is None or abs(ahead_ms) < CLOCK_WARNING_MS:
        return
    direction = "ahead of" if ahead_ms > 0 else "behind"
    yield Finding(
        Severity.SERIOUS if abs(ahead_ms) >= CLOCK_SERIOUS_MS else Severity.WARNING,
        "the clock",
        f"Asterisk's clock is {abs(ahead_ms) / 1000:.1f} s {direction} this machine's; talk time, rates and "
        "daily limits go by them",
        "keep both machines' clocks by NTP",
    )


def _prompts(facts: AsteriskFacts) -> Iterator[Finding]:
    missing = facts.missing_prompts
    if missing:
        named = ", ".join(missing[:MANY_PROMPTS])
        more = f" and {len(missing) - MANY_PROMPTS} more" if len(missing) > MANY_PROMPTS else ""
        yield Finding(
            Severity.SERIOUS,
            "sounds",
            f"Asterisk cannot play {named}{more}: callers hear nothing there",
            "copy the folder sounds/ to where `sounds.asterisk_prefix` says, or let Asterisk's user read it",
        )


def _recordings(facts: AsteriskFacts) -> Iterator[Finding]:
    if facts.recordings_problem:
        yield Finding(
            Severity.WARNING,
            "recordings",
            f"{facts.recordings_problem}: the slot `record` ends by `failed`",
            "give both users the folder, or set `recordings.asterisk_folder`: see docs/recordings.md",
        )
