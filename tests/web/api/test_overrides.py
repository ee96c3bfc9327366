"""Closed today, said over HTTP."""

from __future__ import annotations

from pathlib import Path

from ringflow.config import Config

from .conftest import served

OFFICE = """app: office
slots:
  - slot: schedule
    hours: {daily: "08:00-20:00"}
    timezone: Europe/London
    override: office
    on: {closed: hangup}
"""


async def test_an_office_is_closed_until_further_notice_and_open_again(
    server_config: Config, tmp_path: Path
) -> None:
    (tmp_path / "office.yaml").write_text(OFFICE)
    config = server_config.model_copy(update={"flows": tmp_path, "dids": ()})
    async with served(config) as api:
        operator = await api.client("operator")
        closed = await operator("PUT", "/overrides/office", {"exit": "closed", "until": "further_notice"})
        assert (closed.status, closed.json["chosen_exit"], closed.json["until_at"]) == (200, "closed", None)
        (listed,) = (await operator("GET", "/overrides")).json["items"]
        assert listed == closed.json
        wrong = await operator("PUT", "/overrides/office", {"exit": "lunch"})
        assert (wrong.status, wrong.json["code"], wrong.json["errors"][0]["pointer"]) == (
            422,
            "override.unknown_exit",
            "/exit",
        )
        unknown = await operator("PUT", "/overrides/ofice", {"exit": "closed"})
        assert (unknown.status, unknown.json["code"]) == (404, "override.unknown")
        viewer = await api.client("viewer")
        assert (await viewer("DELETE", "/overrides/office")).status == 403
        assert (await operator("DELETE", "/overrides/office")).status == 204
        assert (await operator("GET", "/overrides")).json["items"] == []
