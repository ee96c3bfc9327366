"""The flows, prompts and demo that come with Ringflow: in its package, or else in its checkout."""

from __future__ import annotations

from pathlib import Path

from ringflow.errors import StartError

# hatch_build.py puts them there; an editable installation reads those of the checkout.
_PACKAGED = Path(__file__).parent.with_name("shipped")
_CHECKOUT = Path(__file__).parents[3]

FLOWS = "app_flows"
SOUNDS = "sounds"
DEMO = "config.yaml"


def shipped(name: str) -> Path:
    """The path of what is shipped under a name. Raises `StartError` where the installation lacks it."""
    path = (_PACKAGED if _PACKAGED.is_dir() else _CHECKOUT) / name
    if not path.exists():
        raise StartError(f"this installation of Ringflow lacks {path}; install it again")
    return path
