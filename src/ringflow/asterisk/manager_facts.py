"""Facts about a running Asterisk, read over AMI with the rights that Ringflow's manager user has anyway.

`Getvar` without a channel evaluates dialplan functions: PJSIP_ENDPOINT and PJSIP_AOR have what Asterisk runs
with, AST_CONFIG what its files say now (after a change, before the reload, that is not the same).
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable, Sequence

from ringflow.accounts.trunks import Trunk
from ringflow.ami.actions import ApplicationTarget, DialplanStep
from ringflow.ami.link import AmiLink
from ringflow.asterisk.facts import PJSIP_DEFAULTS, AgiLine, AsteriskFacts, Endpoint
from ringflow.asterisk.modules import (
    CALL_MODULES,
    CHECK_MODULES,
    MANAGER_MODULES,
    NO_MANAGER_MODULES,
    REASON_MODULE,
    SLOT_MODULES,
)
from ringflow.errors import CommandRefused

INCOMING_CONTEXT = "ringflow-incoming"
ECHO_CONTEXT = "ringflow-echo"
MAX_CONTEXTS = 64
"""How many contexts are read to find out whether an endpoint's calls come here."""

LOG_FILES = ("messages", "full", "console", "debug", "verbose", "messages.log", "full.log", "syslog.local0")
"""The names that files of logger.conf usually have: AMI cannot list them."""

RIGHT_OF = {
    "coreshowchannels": "reporting",
    "setvar": "call",
    "originate": "originate",
    "command": "command",
    "dbput": "system",
    "getconfig": "config",
    "userevent": "user",
    "agi": "agi",
    "messagesend": "message",
}
"""An action by which each right to write shows: one that no other right of the manager user allows."""

PROMPTS_AT_ONCE = 50
CHECK_CHANNEL = "Local/sounds@ringflow-check/n"
CHECK_ANSWER = "RINGFLOW_CHECK"
"""The global variable in which the dialplan leaves what it found."""

CHECK_S = 5.0
_DIALLED_ENDPOINT = re.compile(r"PJSIP/(?:[^@/]*@)?([A-Za-z0-9_.-]+)(?:/.*)?")


async def read_facts(
    link: AmiLink, trunks: Sequence[Trunk], user: str, prompts: Iterable[str]
) -> AsteriskFacts:
    """Ask Asterisk for everything that the inspection looks at. Raises as `AmiLink` does.

    `user`: the manager user's name. `prompts`: names as Asterisk is told to play them, of which those that it
    lacks are reported.
    """
    dialled = endpoints_of(trunks)
    modules = await _modules(link)
    listed = await _listed_endpoints(link)
    readable = modules.get("func_pjsip_endpoint") is not False
    endpoints: list[Endpoint] = []
    missing: dict[str, str] = {}
    contexts = _Contexts(link)
    if readable:
        for name in dict.fromkeys([*dialled, *(listed or ())]):
            endpoint = await _endpoint(link, name, dialled.get(name, ()), contexts)
            if endpoint is not None:
                endpoints.append(endpoint)
            else:
                missing |= dict.fromkeys(dialled.get(name, ()), name)
    version = (await link.asterisk_state()).version
    verbosity = await link.evaluate("AST_CONFIG(asterisk.conf,options,verbose)")
    return AsteriskFacts(
        source=f"Asterisk {version}",
        endpoints=tuple(endpoints) if listed is not None else None,
        missing_endpoints=missing,
        agi_lines=agi_lines(await contexts.steps(INCOMING_CONTEXT)),
        modules=modules,
        verbosity=int(verbosity) if verbosity.isascii() and verbosity.isdigit() else 0,
        log_levels=await _log_levels(link),
        rights=_rights(await link.commands()),
        heard=_words(await link.evaluate(f"AST_CONFIG(manager.conf,{user},read)")),
        manager_address=await link.evaluate("AST_CONFIG(manager.conf,general,bindaddr)") or None,
        clock_ahead_ms=await _clock_ahead_ms(link),
        missing_prompts=await missing_sounds(link, list(prompts)),
        has_echo=bool(await contexts.steps(ECHO_CONTEXT)),
    )


def endpoints_of(trunks: Iterable[Trunk]) -> dict[str, tuple[str, ...]]:
    """The PJSIP endpoints that enabled trunks dial, each with its trunks' names."""
    found: dict[str, tuple[str, ...]] = {}
    for trunk in trunks:
        match = _DIALLED_ENDPOINT.fullmatch(trunk.dial)
        if match is not None and trunk.enabled:
            found[match[1]] = (*found.get(match[1], ()), trunk.name)
    return found


def agi_lines(steps: Iterable[DialplanStep]) -> tuple[AgiLine, ...]:
    """The steps of a context that send a call to Ringflow."""
    found = []
    for step in steps:
        url, *arguments = step.data.split(",")
        if (
            step.application.upper() == "AGI"
            and url.startswith(("agi://", "hagi://"))
            and url.endswith("/call")
        ):
            said = arguments[0].strip() if arguments else ""
            found.append(AgiLine(url, int(said) if said.isascii() and said.isdigit() else None))
    return tuple(found)


class _Contexts:
    """Contexts of the dialplan, each read once."""

    def __init__(self, link: AmiLink) -> None:
        self._link = link
        self._steps: dict[str, tuple[DialplanStep, ...]] = {}

    async def steps(self, context: str) -> tuple[DialplanStep, ...]:
        """The lines of a context; none where it does not exist."""
        if context not in self._steps:
            try:
                self._steps[context] = await self._link.dialplan_steps(context)
            except CommandRefused:
                self._steps[context] = ()
        return self._steps[context]

    async def lead_here(self, context: str) -> bool:
        """Whether a context is Ringflow's, names it in a step, or includes one of which that is true."""
        waiting, seen = [context], set[str]()
        while waiting and len(seen) < MAX_CONTEXTS:
            name = waiting.pop()
            if name == INCOMING_CONTEXT:
                return True
            seen.add(name)
            for step in await self.steps(name):
                if INCOMING_CONTEXT in step.data:
                    return True
                if step.included and step.included not in seen:
                    waiting.append(step.included)
        return False


async def _endpoint(
    link: AmiLink, name: str, trunks: tuple[str, ...], contexts: _Contexts
) -> Endpoint | None:
    """An endpoint, with only its name where it has nothing to do with Ringflow; None: there is none."""
    context = await link.evaluate(f"PJSIP_ENDPOINT({name},context)")
    if not context:
        return None
    leads_here = await contexts.lead_here(context)
    if not leads_here and not trunks:
        return Endpoint(name, {}, leads_here=False)
    settings = {one: await link.evaluate(f"PJSIP_ENDPOINT({name},{one})") for one in PJSIP_DEFAULTS}
    qualify_s: dict[str, int] = {}
    if trunks:
        for aor in _words(await link.evaluate(f"PJSIP_ENDPOINT({name},aors)")) or ():
            said = await link.evaluate(f"PJSIP_AOR({aor},qualify_frequency)")
            if said.isascii() and said.isdigit():
                qualify_s[aor] = int(said)
    return Endpoint(name, settings, leads_here, trunks, qualify_s)


async def _listed_endpoints(link: AmiLink) -> tuple[str, ...] | None:
    try:
        devices = await link.devices()
    except CommandRefused:
        return None
    return tuple(one.removeprefix("PJSIP/") for one in devices if one.startswith("PJSIP/"))


async def _modules(link: AmiLink) -> dict[str, bool]:
    if await link.evaluate("IFMODULE(func_module.so)") != "1":
        # Without that function nothing is known of the others.
        return {"func_module": False}
    names = [
        *CALL_MODULES,
        *MANAGER_MODULES,
        *NO_MANAGER_MODULES,
        *CHECK_MODULES,
        *SLOT_MODULES,
        REASON_MODULE,
    ]
    return {name: await link.evaluate(f"IFMODULE({name}.so)") == "1" for name in names}


async def _log_levels(link: AmiLink) -> dict[str, str]:
    found = {name: await link.evaluate(f"AST_CONFIG(logger.conf,logfiles,{name})") for name in LOG_FILES}
    return {name: levels for name, levels in found.items() if levels}


def _rights(commands: frozenset[str]) -> frozenset[str]:
    return frozenset(right for command, right in RIGHT_OF.items() if command in commands)


def _words(text: str) -> frozenset[str] | None:
    return frozenset(word.strip() for word in text.split(",")) if text else None


async def _clock_ahead_ms(link: AmiLink) -> int | None:
    before_s = time.time()
    said = await link.evaluate("STRFTIME(,,%s%3q)")
    after_s = time.time()
    if not (said.isascii() and said.isdigit()):
        return None
    return int(said) - round((before_s + after_s) * 500)


async def missing_sounds(link: AmiLink, prompts: Sequence[str]) -> tuple[str, ...]:
    """Return those of some sounds that Asterisk does not find. Raises as `AmiLink` does.

    Asks the dialplan's context `ringflow-check`: functions that look at files are closed to AMI itself."""
    folder = await link.evaluate("ASTDATADIR")
    missing: list[str] = []
    for start in range(0, len(prompts), PROMPTS_AT_ONCE):
        some = prompts[start : start + PROMPTS_AT_ONCE]
        token = secrets.token_hex(8)
        variables = {"__RINGFLOW_TOKEN": token, "__RINGFLOW_COUNT": str(len(some))}
        for number, name in enumerate(some, start=1):
            variables[f"__RINGFLOW_FILE_{number}"] = (
                name if name.startswith("/") else f"{folder}/sounds/{name}"
            )
        await link.originate(CHECK_CHANNEL, ApplicationTarget("NoOp"), variables=variables, timeout_s=CHECK_S)
        said, _, found = (await link.evaluate(CHECK_ANSWER)).partition(":")
        # Another check may have asked in the same moment, and an older dialplan has no such context.
        if said == token and len(found) == len(some):
            missing += [name for name, there in zip(some, found, strict=True) if there != "1"]
    return tuple(missing)
