"""The examples of the document: every body is sent, and every answer fits what the document says of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from ringflow.config import Config
from ringflow.web.api.examples import EXAMPLES, IN_PATH
from ringflow.web.api.routes import RESOURCES, api_document
from ringflow.web.rest.conditions import IfMatch

from .conftest import served

OPERATIONS = {one.name: one for resource in RESOURCES for one in resource.operations}
NOT_HERE = frozenset(
    {
        # About calls, cards, vouchers, drafts and links that the demo has not.
        *("hang_up", "redirect", "play", "say", "refund", "redeem_card", "change_card", "redeem_voucher"),
        *("publish_flow", "publish_flows", "roll_back_flow", "delete_recordings_of_call", "reorder_trunks"),
        *(
            "put_one_override",
            "change_batch",
            "change_cards",
            "set_up",
            "read_password_link",
            "use_password_link",
            "sign_in",
        ),
        # About a session, and a customer's own program: their own tests sign in.
        *("change_operators_own_password", "enrol_own_second_factor", "confirm_own_second_factor"),
        *("begin_own_passkey", "add_own_passkey", "rename_own_passkey", "sign_in_with_passkey"),
        *("renew_own_recovery_codes", "turn_off_own_second_factor", "sign_customer_in"),
        *("refresh_customer_token", "change_own_login_password", "alter_own_account", "keep_own_speed_dial"),
        *("call_back", "confirm_call_back", "originate", "put_customer_password", "speak_prompt"),
        # About a script that the demo has not.
        *("publish_script", "roll_back_script", "run_script"),
        *("redeem_own_card", "redeem_own_voucher", "add_operators_own_token", "ask_for_password_reset"),
    }
)
"""Operations whose examples are understood, and come to nothing on the demo."""

MISREAD = {"field.malformed", "field.missing", "field.unknown", "request.malformed_json"}


def test_every_operation_that_takes_json_has_an_example() -> None:
    with_body = {name for name, one in OPERATIONS.items() if one.model("body") is not None}
    assert with_body == EXAMPLES.keys(), "web/api/examples.py has an example of each body"


def answers() -> Iterator[tuple[str, dict[str, Any]]]:
    for item in api_document()["paths"].values():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                for media in answer.get("content", {}).values():
                    if status.startswith("2") and "example" in media:
                        yield operation["operationId"], media


def test_every_example_of_an_answer_fits_its_schema() -> None:
    document = api_document()
    found = dict(answers())
    assert len(found) > 100
    for name, media in found.items():
        schema = {**media["schema"], "components": document["components"]}
        try:
            jsonschema.validate(media["example"], schema)
        except jsonschema.ValidationError as error:
            pytest.fail(f"{name}: {error.message} at {list(error.absolute_path)}")


async def test_every_example_of_a_body_is_taken(
    server_config: Config,
    with_own_files: Callable[[Config, Path], Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RINGFLOW_PIN_PEPPER", "v1:a-pepper-for-tests-only")
    monkeypatch.setattr("ringflow.engine.remote_orders.TAKEN_WITHIN_S", 0.01)
    config = with_own_files(server_config, tmp_path).model_copy(update={"trunks": ()})
    wrong = []
    async with served(config) as api:
        admin = await api.client()
        for name, body in EXAMPLES.items():
            operation = OPERATIONS[name]
            path = re.sub(r"\{(\w+)\}", lambda found: str(IN_PATH[found[1]]), operation.path)
            headers = {"If-Match": "*"} if operation.takes(IfMatch) else {}
            came = await admin(operation.method, path, dict(body), headers)
            taken = (
                came.status < 300
                if name not in NOT_HERE
                else came.status < 300 or came.json["code"] not in MISREAD
            )
            if not taken:
                wrong.append(f"{name}: {came.status} {came.text}")
    assert wrong == []
