"""What the API's own layer costs: its requests against the same queries on bare aiohttp, by turns."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvloop

from ringflow.bench.api_servers import CUSTOMER, DID, PAGE, Served
from ringflow.bench.http_load import HttpRequest, load_http
from ringflow.bench.servers import MeasuredServer, api_servers, on_load_cores
from ringflow.web.rest.operation import PREFIX

WARM_UP = 100
US_PER_S = 1_000_000

_PAYMENT = {"kind": "pay_in", "customer": CUSTOMER, "amount": "1.00", "reason": "cash"}
REQUESTS: Mapping[str, HttpRequest] = {
    "one DID": HttpRequest("GET", f"{PREFIX}/dids/{DID}"),
    "one customer": HttpRequest("GET", f"{PREFIX}/customers/{CUSTOMER}"),
    f"page of {PAGE} customers": HttpRequest("GET", f"{PREFIX}/customers?limit={PAGE}"),
    f"page of {PAGE} calls": HttpRequest("GET", f"{PREFIX}/calls?limit={PAGE}"),
    "change of a DID": HttpRequest(
        "PATCH", f"{PREFIX}/dids/{DID}", headers={"If-Match": "*"}, body=b'{"app":"app"}'
    ),
    "payment": HttpRequest("POST", f"{PREFIX}/movements:pay", 201, body=json.dumps(_PAYMENT).encode()),
}


@dataclass(slots=True)
class ApiFigures:
    """A request: in each round what it took the API, and bare aiohttp.

    `cpu_us` is the server's processor time for a request, `first_byte_ms` the median of a round.
    """

    what: str
    cpu_us: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    first_byte_ms: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))

    @property
    def ratio(self) -> float:
        """How many requests the API answers for each that bare aiohttp does on as much processor time."""
        return statistics.median(bare / ours for ours, bare in zip(*self.cpu_us, strict=True))


def measure_api(count: int, at_once: int, rounds: int, database_url: str | None = None) -> list[ApiFigures]:
    """Serve both, and ask for each request. None: a new SQLite file. Raises as `measure_requests`."""
    with serving_both(database_url) as (server, served):
        return measure_requests(server, served, count, at_once, rounds)


def measure_requests(
    server: MeasuredServer, served: Served, count: int, at_once: int, rounds: int
) -> list[ApiFigures]:
    """Ask both for each request, `count` times in a round, by turns.

    Raises `Refused` for an answer of another status than the request's.
    """
    token = {"Authorization": f"Bearer {served.token}"}
    asked = [replace(one, headers={**one.headers, **token}) for one in REQUESTS.values()]
    figures = [ApiFigures(what) for what in REQUESTS]
    with on_load_cores():
        for request in asked:
            for port in (served.api, served.bare):
                uvloop.run(load_http(port, request, min(WARM_UP, count), at_once))
        for _ in range(rounds):
            for found, request in zip(figures, asked, strict=True):
                for place, port in enumerate((served.api, served.bare)):
                    before_s = server.cpu_s()
                    result = uvloop.run(load_http(port, request, count, at_once))
                    found.cpu_us[place].append((server.cpu_s() - before_s) / count * US_PER_S)
                    found.first_byte_ms[place].append(statistics.median(result.first_byte_ms))
    return figures


@contextmanager
def serving_both(database_url: str | None) -> Iterator[tuple[MeasuredServer, Served]]:
    """Serve the API and bare aiohttp in a process of their own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        api_servers(database_url or f"sqlite:///{Path(folder)}/api.db") as (server, line),
    ):
        yield server, Served(**json.loads(line))
