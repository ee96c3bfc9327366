"""A load on the API, in a process of its own: connections that ask again as soon as they are answered.

`python -m ringflow.bench.api_load PORT CONNECTIONS`, with a token in `TOKEN`, asks until its standard input
ends. It prints a line at the first answer, and at the end how many answers of each status came, as JSON.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections import Counter

import uvloop

from ringflow.bench.http_load import HttpRequest, exchange
from ringflow.bench.seed_call import CUSTOMER, DID
from ringflow.web.rest.operation import PREFIX

REQUESTS = (
    HttpRequest("GET", f"{PREFIX}/customers/{CUSTOMER}"),
    HttpRequest("GET", f"{PREFIX}/calls?limit=100"),
    HttpRequest("GET", f"{PREFIX}/dids/{DID}"),
    HttpRequest("GET", f"{PREFIX}/audit?limit=100"),
    HttpRequest("PATCH", f"{PREFIX}/accounts/{CUSTOMER}/limits", body=b'{"daily_limit":null}'),
)
"""Four reads and a write."""


async def load(port: int, connections: int, token: str) -> Counter[int]:
    """Ask until standard input ends; returns how many answers of each status came."""
    answers: Counter[int] = Counter()
    asking = [asyncio.create_task(_ask(port, token, number, answers)) for number in range(connections)]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    return answers


async def _ask(port: int, token: str, first: int, answers: Counter[int]) -> None:
    own = {"Authorization": f"Bearer {token}", "If-Match": "*"}
    sent = [HttpRequest(one.method, one.path, headers=own, body=one.body).encode() for one in REQUESTS]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for turn in itertools.count(first):
            answer = await exchange(reader, writer, sent[turn % len(sent)])
            if not answers:
                print("begun", flush=True)
            answers[answer.status] += 1
    finally:
        writer.close()


if __name__ == "__main__":
    found = uvloop.run(load(int(sys.argv[1]), int(sys.argv[2]), os.environ["TOKEN"]))
    print(json.dumps(found))
