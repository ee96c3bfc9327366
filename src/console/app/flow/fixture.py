"""Makes fixture.json: what the server says of slot types and flows, which the builder is tested with.

Run with `--write` after a change of slots; tests/web/test_builder_fixture.py looks whether it is right.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ringflow.flows.load import draft_from_bytes
from ringflow.flows.picture import picture_of
from ringflow.flows.reference import examples, page_text
from ringflow.flows.registry import slot_types
from ringflow.forms.flow import flow_picture_form, slot_type_form

FILE = Path(__file__).with_name("fixture.json")
ROOT = Path(__file__).resolve().parents[4]


def fixture() -> str:
    """Return what the file should hold."""
    types = slot_types()
    texts = [text for kind in types.values() for text in examples(page_text(kind))]
    texts += [
        path.read_text()
        for path in sorted((ROOT / "app_flows").glob("*.yaml"))
        if not path.name.endswith(".test.yaml")
    ]
    flows = []
    for text in texts:
        picture = flow_picture_form(picture_of(draft_from_bytes(text.encode(), types, "example")), "")
        slots = [
            {
                "slot": slot.slot,
                "line": slot.line,
                "calls": slot.calls,
                "exits": [
                    [one.exit, one.target, one.way, one.position, one.app, one.returns] for one in slot.exits
                ],
            }
            for slot in picture.slots
        ]
        flows.append({"text": text, "slots": slots})
    forms = [asdict(slot_type_form(name, kind)) | {"description": ""} for name, kind in types.items()]
    return f'{{"types": [\n{_lines(forms)}\n], "flows": [\n{_lines(flows)}\n]}}\n'


def _lines(rows: list[dict[str, Any]]) -> str:
    return ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


if __name__ == "__main__":
    if "--write" in sys.argv:
        FILE.write_text(fixture())
    elif FILE.read_text() != fixture():
        sys.exit(f"{FILE} is old: run it with --write")
