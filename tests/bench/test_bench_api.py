"""`ringflow bench api` compares answers that are the same."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import aiohttp
import pytest

from ringflow.bench.api import REQUESTS, measure_requests, serving_both
from ringflow.errors import Refused


async def answer(port: int, token: str, what: str) -> str:
    """What one of the two answers, less what is new in each payment."""
    one = REQUESTS[what]
    headers = {**one.headers, "Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    url = f"http://127.0.0.1:{port}{one.path}"
    async with (
        aiohttp.ClientSession() as http,
        http.request(one.method, url, data=one.body or None, headers=headers) as answered,
    ):
        assert answered.status == one.status, await answered.text()
        return re.sub(r'"(id|key|booked_at)":("[^"]*"|\d+)', "", await answered.text())


def test_the_two_answer_alike_and_are_measured_in_each_round() -> None:
    with serving_both(None) as (server, served):
        for what in REQUESTS:
            ours, bare = (asyncio.run(answer(port, served.token, what)) for port in (served.api, served.bare))
            assert ours == bare
        found = measure_requests(server, served, count=2, at_once=2, rounds=2)
        assert [one.what for one in found] == list(REQUESTS)
        for one in found:
            assert [len(times) for times in (*one.cpu_us, *one.first_byte_ms)] == [2, 2, 2, 2]
            assert one.ratio > 0
        with pytest.raises(Refused, match=r"was answered 401.*so the figures mean nothing"):
            measure_requests(server, replace(served, token="rf_unknown"), count=1, at_once=1, rounds=1)
