"""Facts about an Asterisk from the files in its configuration folder, without asking it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ringflow.accounts.trunks import Trunk
from ringflow.ami.actions import DialplanStep
from ringflow.asterisk.conf_file import Section, read_conf
from ringflow.asterisk.config_files import DIALPLAN_FILE
from ringflow.asterisk.facts import PJSIP_DEFAULTS, AsteriskFacts, Endpoint
from ringflow.asterisk.inspection import WRITE_RIGHTS
from ringflow.asterisk.manager_facts import INCOMING_CONTEXT, agi_lines, endpoints_of
from ringflow.asterisk.modules import (
    CALL_MODULES,
    MANAGER_MODULES,
    NO_MANAGER_MODULES,
    REASON_MODULE,
    SLOT_MODULES,
)
from ringflow.errors import StartError

_TRUE = ("yes", "true", "1", "on", "y", "t")


def read_files(folder: Path, trunks: Sequence[Trunk], user: str) -> AsteriskFacts:
    """Read asterisk.conf, logger.conf, manager.conf, modules.conf, extensions.conf and pjsip.conf.

    What they include is read too. `user`: the manager user's name. Raises `StartError` where there is no
    `extensions.conf`, or a file cannot be read. Endpoints of a database or of pjsip_wizard.conf are not seen.
    """
    if not (folder / "extensions.conf").is_file():
        raise StartError(f"{folder} has no extensions.conf: {_meant(folder)}")
    contexts = read_conf(folder / "extensions.conf")
    steps = [step for section in contexts for step in _steps(section) if section.name == INCOMING_CONTEXT]
    endpoints = _endpoints(read_conf(folder / "pjsip.conf"), trunks, _leading_here(contexts))
    known = {one.name for one in endpoints}
    missing = {
        trunk: endpoint
        for endpoint, names in endpoints_of(trunks).items()
        if endpoint not in known
        for trunk in names
    }
    manager = {one.name: one for one in read_conf(folder / "manager.conf")}
    general, own = manager.get("general"), manager.get(user)
    return AsteriskFacts(
        source=f"the files in {folder}",
        endpoints=tuple(endpoints),
        missing_endpoints=missing,
        agi_lines=agi_lines(steps),
        modules=_modules(read_conf(folder / "modules.conf")),
        verbosity=_verbosity(read_conf(folder / "asterisk.conf")),
        log_levels={
            key: value
            for section in read_conf(folder / "logger.conf")
            if section.name == "logfiles"
            for key, value in section.lines
        },
        rights=_rights(own.text("write")) if own else None,
        heard=_words(own.text("read")) if own else None,
        manager_address=_manager_address(general) if general is not None else None,
    )


def _meant(folder: Path) -> str:
    """What to name instead of a folder that is not Asterisk's own."""
    own = "name the folder of Asterisk's own configuration, such as /etc/asterisk"
    if not (folder / DIALPLAN_FILE).is_file():
        return own
    lab = folder.parent / "etc"
    if (lab / "extensions.conf").is_file():
        return f"`ringflow asterisk config` wrote these files, and Asterisk includes them; name {lab}"
    return f"`ringflow asterisk config` wrote these files, and Asterisk includes them; {own}"


def _endpoints(
    sections: Iterable[Section], trunks: Sequence[Trunk], leading_here: frozenset[str]
) -> list[Endpoint]:
    everything = [one for one in sections if not one.is_template]
    aors = {one.name: one for one in everything if one.text("type") == "aor"}
    dialled = endpoints_of(trunks)
    found = []
    for one in everything:
        if one.text("type") != "endpoint":
            continue
        settings = {key: one.text(key) or default for key, default in PJSIP_DEFAULTS.items()}
        names = [name.strip() for name in one.text("aors").split(",") if name.strip() in aors]
        qualify_s = {name: _whole(aors[name].text("qualify_frequency")) for name in names}
        found.append(
            Endpoint(
                one.name,
                settings,
                leads_here=settings["context"] in leading_here,
                trunks=dialled.get(one.name, ()),
                qualify_s=qualify_s,
            )
        )
    return found


def _leading_here(contexts: Sequence[Section]) -> frozenset[str]:
    """The contexts whose calls come to Ringflow: its own, and those that name it or include one of these."""

    def leads_on(section: Section) -> bool:
        return any(
            INCOMING_CONTEXT in value or (key == "include" and value in found) for key, value in section.lines
        )

    found = {INCOMING_CONTEXT}
    while True:
        more = {one.name for one in contexts if one.name not in found and leads_on(one)}
        if not more:
            return frozenset(found)
        found |= more


def _steps(section: Section) -> Iterable[DialplanStep]:
    for key, value in section.lines:
        if key in ("exten", "same"):
            # `exten => NAME,PRIORITY,APPLICATION(DATA)`, and `same` without the name.
            application = value.split(",", 2 if key == "exten" else 1)[-1]
            name, _, data = application.partition("(")
            yield DialplanStep("", name.strip(), data.rpartition(")")[0])


def _modules(sections: Iterable[Section]) -> dict[str, bool]:
    """What `noload` keeps out, and where nothing is loaded by itself what no `load` names."""
    lines = [line for section in sections if section.name == "modules" for line in section.lines]
    if not lines:
        return {}
    loaded = {value.removesuffix(".so") for key, value in lines if key in ("load", "preload", "require")}
    kept_out = {value.removesuffix(".so") for key, value in lines if key == "noload"}
    by_itself = next((value.lower() in _TRUE for key, value in reversed(lines) if key == "autoload"), False)
    known = (*CALL_MODULES, *MANAGER_MODULES, *NO_MANAGER_MODULES, *SLOT_MODULES, REASON_MODULE)
    return {name: (by_itself or name in loaded) and name not in kept_out for name in known}


def _verbosity(sections: Iterable[Section]) -> int:
    return next((_whole(one.text("verbose")) for one in sections if one.name == "options"), 0)


def _manager_address(general: Section) -> str | None:
    if general.text("enabled").lower() not in _TRUE:
        return None
    return general.text("bindaddr") or "0.0.0.0"  # noqa: S104 - what Asterisk takes where none is written


def _rights(text: str) -> frozenset[str]:
    words = _words(text)
    return words | WRITE_RIGHTS if "all" in words else words


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(",") if word.strip())


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
