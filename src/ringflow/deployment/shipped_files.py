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

SHIPPED_APPS = (
    "appointment_reminder",
    "business_line",
    "calling_card",
    "pinless_card",
    "prepaid_card",
    "survey",
)
"""The shipped flows, by their files' names: in a checkout others' flows may stand beside them."""
_FLOW_FILES = frozenset(
    ("flow.schema.json", *(f"{app}{suffix}" for app in SHIPPED_APPS for suffix in (".yaml", ".test.yaml")))
)


def is_shipped_flow(path: Path) -> bool:
    """Return whether a file in the folder of shipped flows is one of them, its scenarios, or the schema."""
    return path.name in _FLOW_FILES


def shipped(name: str) -> Path:
    """The path of what is shipped under a name. Raises `StartError` where the installation lacks it."""
    path = (_PACKAGED if _PACKAGED.is_dir() else _CHECKOUT) / name
    if not path.exists():
        raise StartError(f"this installation of Ringflow lacks {path}; install it again")
    return path
