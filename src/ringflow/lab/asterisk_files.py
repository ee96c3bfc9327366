"""What the lab's Asterisk reads at its start: as few modules as calls need, everything on loopback.

The dialplan, manager user and SIP example are those that operators get; what surrounds them is the lab's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

MODULES = (
    # media and its formats
    "res_timing_timerfd", "res_rtp_asterisk", "codec_ulaw", "codec_alaw", "codec_gsm", "codec_g722",
    "codec_resample", "format_pcm", "format_wav", "format_gsm", "format_sln",
    # SIP
    "res_pjproject", "res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb",
    "res_pjsip", "res_pjsip_pubsub", "res_pjsip_session", "res_pjsip_sdp_rtp", "res_pjsip_caller_id",
    "res_pjsip_nat", "res_pjsip_endpoint_identifier_ip", "res_pjsip_endpoint_identifier_user",
    "res_pjsip_rfc3326", "res_pjsip_refer",
    "res_pjsip_authenticator_digest", "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_outbound_registration", "res_pjsip_registrar",
    "res_pjsip_header_funcs", "res_pjsip_logger", "chan_pjsip",
    # calls through each other
    "bridge_simple", "bridge_native_rtp", "bridge_holding", "bridge_builtin_features",
    "bridge_builtin_interval_features",
    # the dialplan, and FastAGI: of app_ and func_ those that docs/asterisk.md tells operators to have
    "pbx_config", "res_speech", "res_agi", "app_dial", "app_stack", "app_read", "app_playback", "app_exec",
    "app_chanspy", "app_confbridge", "bridge_softmix", "app_originate", "app_senddtmf", "app_softhangup",
    "func_channel", "func_cut", "func_db", "func_global", "func_hangupcause", "func_lock",
    "func_logic", "func_rand", "func_strings", "func_timeout",
    # for `ringflow asterisk check`
    "func_config", "func_env", "func_module", "func_pjsip_aor", "func_pjsip_endpoint",
    "res_manager_devicestate",
    # for slots that flows may have
    "app_echo", "res_musiconhold",
    # for the tests
    "res_clioriginate",
)  # fmt: skip

# Files that Asterisk looks for and whose absence it warns about.
_EMPTY = (
    "acl.conf", "aeap.conf", "ccss.conf", "cdr.conf", "cel.conf", "cli.conf", "cli_aliases.conf",
    "cli_permissions.conf", "confbridge.conf", "dnsmgr.conf", "dsp.conf", "enum.conf", "extconfig.conf",
    "features.conf",
    "geolocation.conf", "http.conf", "pjproject.conf",
    "pjsip_notify.conf", "res_parking.conf", "sorcery.conf", "stasis.conf", "stir_shaken.conf", "udptl.conf",
)  # fmt: skip

MUSIC_FOLDER = "music"
MUSIC_S = 60
MUSIC = bytes((0x20 + at % 16) | (0x80 if at % 16 < 8 else 0) for at in range(MUSIC_S * 8000))
"""Music on hold of the lab: a tone of 500 Hz, in G.711 A-law."""

CALLER_ENDPOINT = "lab-caller"
UNREACHABLE_TRUNK = "unreachable"
TRUSTED_TRUNK = "trusted"
"""The endpoint by which the first of the callees is reached as a carrier with `trust_id_outbound`."""
URI_SUFFIX = "-uri"
"""After a trunk's name: the endpoint by which the same callee is reached by SIP URI."""


def write_lab_files(
    place: Path,
    directories: Mapping[str, Path],
    config: Path,
    ports: Mapping[str, int],
    trunks: Mapping[str, int],
) -> Path:
    """Write Asterisk's own files into `place`; gives the path of `asterisk.conf`.

    `config` is the folder that `write_asterisk_config` filled; `ports` has `sip`, `ami`, `rtp_first`,
    `rtp_last` and `unreachable`; `trunks` gives each callee's loopback port.
    """
    place.mkdir(parents=True, exist_ok=True)
    listed = "".join(f"{name} => {path}\n" for name, path in directories.items())
    files = {
        # From verbosity 3 on `Read` writes the keys to the log, and PINs are keys.
        "asterisk.conf": f"[directories]\n{listed}\n[options]\nnocolor = yes\nverbose = 2\n",
        "modules.conf": _modules(directories["astmoddir"]),
        "logger.conf": (
            "[general]\ndateformat = %F %T.%3q\n[logfiles]\nmessages => notice,warning,error,verbose\n"
        ),
        "rtp.conf": f"[general]\nrtpstart = {ports['rtp_first']}\nrtpend = {ports['rtp_last']}\n",
        "indications.conf": (
            "[general]\ncountry = us\n[us]\ndescription = United States\nringcadence = 2000,4000\n"
            "dial = 350+440\nbusy = 480+620/500,0/500\nring = 440+480/2000,0/4000\n"
            "congestion = 480+620/250,0/250\n"
        ),
        "manager.conf": (
            f"[general]\nenabled = yes\nbindaddr = 127.0.0.1\nport = {ports['ami']}\n\n"
            f"#include {config}/manager_ringflow.conf\n"
        ),
        "extensions.conf": f"#include {config}/extensions_ringflow.conf\n",
        "musiconhold.conf": f"[default]\nmode = files\ndirectory = {place / MUSIC_FOLDER}\n",
        "pjsip.conf": _pjsip(config, ports, trunks),
    }
    (place / MUSIC_FOLDER).mkdir(exist_ok=True)
    (place / MUSIC_FOLDER / "tone.alaw").write_bytes(MUSIC)
    for name in _EMPTY:
        (place / name).touch()
    for name, text in files.items():
        (place / name).write_text(text, "utf-8")
    return place / "asterisk.conf"


def _modules(folder: Path) -> str:
    # Releases differ in what they have, and a module that is named but missing is an error in the log.
    present = [name for name in MODULES if (folder / f"{name}.so").exists()]
    return "[modules]\nautoload = no\n" + "".join(f"load = {name}.so\n" for name in present)


def _pjsip(config: Path, ports: Mapping[str, int], trunks: Mapping[str, int]) -> str:
    parts = [
        f"[lab-udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:{ports['sip']}\n",
        f"#include {config}/pjsip_ringflow.conf\n",
        # Whoever calls from this machine is the caller of a test.
        f"[{CALLER_ENDPOINT}](ringflow-trunk)\n",
        f"[{CALLER_ENDPOINT}]\ntype = identify\nendpoint = {CALLER_ENDPOINT}\nmatch = 127.0.0.1\n",
    ]
    for name, port in {**trunks, UNREACHABLE_TRUNK: ports["unreachable"]}.items():
        parts.append(f"[{name}](ringflow-trunk)\naors = {name}\n")
        parts.append(f"[{name}]\ntype = aor\ncontact = sip:127.0.0.1:{port}\n")
        # The same callee for SIP URIs of any host: whatever is dialled goes to its port.
        proxy = f"sip:127.0.0.1:{port}\\;lr"
        parts.append(f"[{name}{URI_SUFFIX}](ringflow-trunk)\noutbound_proxy = {proxy}\n")
    # The first callee once more, as a carrier that is told the numbers that callers withhold.
    first = min(trunks, default=UNREACHABLE_TRUNK)
    parts.append(f"[{TRUSTED_TRUNK}](ringflow-trunk)\naors = {first}\ntrust_id_outbound = yes\n")
    return "\n".join(parts)
