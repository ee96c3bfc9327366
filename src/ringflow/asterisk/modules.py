"""The modules of Asterisk that Ringflow needs; docs/asterisk.md and the dialplan's head list them too."""

from __future__ import annotations

from collections.abc import Mapping

CALL_MODULES: Mapping[str, str] = {
    "app_dial": "calls are put through",
    "app_exec": "several variables are set in one step",
    "app_read": "callers key digits",
    "app_softhangup": "a callee who was transferred is hung up, and charged until then",
    "app_stack": "headers are added and talk time is noted",
    "chan_pjsip": "there are SIP calls",
    "func_channel": "a leg is charged when its call is hung up",
    "func_cut": "headers are added",
    "func_db": "talk time is kept while no server answers",
    "func_global": "talk time is known",
    "func_hangupcause": "the callee's SIP response is known",
    "func_lock": "Ringflow knows which Asterisk a call is on",
    "func_logic": "talk time is known",
    "func_rand": "Ringflow knows which Asterisk a call is on",
    "func_strings": "talk time is known",
    "func_timeout": "callers have time to key digits",
    "res_agi": "calls reach Ringflow",
    "res_pjsip_header_funcs": "the customer's headers are sent",
    "format_pcm": "prompts are heard (alaw, ulaw, g722)",
    "format_sln": "prompts are heard (sln16)",
}
"""Module, and what works by it. Without one of these calls fail, or cost nobody anything."""

MANAGER_MODULES: Mapping[str, str] = {
    "app_senddtmf": "a key that is held down ends a talk (`follow_on`)",
    "app_chanspy": "a caller is warned in the talk that the credit ends",
    "app_playback": "a caller is warned in the talk that the credit ends",
}
"""Needed where Ringflow uses the manager interface."""

NO_MANAGER_MODULES: Mapping[str, str] = {
    "app_originate": "a trunk that says nothing at all gives way to the next one",
    "app_softhangup": "a trunk that says nothing at all gives way to the next one",
    "bridge_builtin_interval_features": "a caller is warned in the talk that the credit ends",
}
"""Needed where it does not."""

REASON_MODULE = "res_pjsip_rfc3326"
"""Reads the `Reason` headers of carriers, from which the causes on record are."""

CHECK_MODULES: Mapping[str, str] = {
    "func_env": "`asterisk check` finds prompts that Asterisk lacks",
    "func_config": "settings of logger.conf, asterisk.conf and manager.conf are read, and the slot "
    "`music` finds its class",
    "func_module": "`asterisk check` reads which modules are loaded",
    "func_pjsip_aor": "`asterisk check` reads qualify_frequency",
    "func_pjsip_endpoint": "`asterisk check` reads the settings of endpoints",
    "res_manager_devicestate": "`asterisk check` finds the endpoints",
}
"""Only `ringflow asterisk check` uses these."""

SLOT_MODULES: Mapping[str, str] = {
    "app_echo": "the slot `echo` lets callers hear themselves",
    "res_musiconhold": "the slot `music` plays",
    "app_confbridge": "callers meet in rooms of the slot `conference`",
    "bridge_softmix": "callers in a room of the slot `conference` hear each other",
}
"""Only flows with these slots need them."""
