"""Whether Ringflow lives, and whether it can take calls, part by part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from ringflow.errors import StartError
from ringflow.web.api.routes import add_api
from ringflow.web.certificate import Certificate
from ringflow.web.connections import BoundedSite, Connections
from ringflow.web.edge import Edge
from ringflow.web.readiness import Probe, part_states
from ringflow.web.rest.request_input import MAX_BODY_BYTES
from ringflow.web.rest.services import Services


def build_web(
    probes: Mapping[str, Probe],
    registry: CollectorRegistry,
    refresh: Callable[[], Awaitable[None]],
    connections: Connections,
    edge: Edge,
    api: Services | None = None,
) -> web.Application:
    """The HTTP application: `/healthz`, `/readyz`, `/metrics`, and the API with what it works with.

    `refresh`: to be done before a scrape. `edge` is what all requests and answers go through.
    """

    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(request: web.Request) -> web.Response:
        states = await part_states(probes)
        ready = all(state.ready for state in states.values() if state.required)
        body = {
            "status": "ready" if ready else "not ready",
            "parts": {
                name: {"ready": state.ready, "required": state.required, "detail": state.detail}
                for name, state in states.items()
            },
        }
        return web.json_response(body, status=200 if ready else 503)

    async def metrics(request: web.Request) -> web.Response:
        await refresh()
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application(middlewares=[connections.middleware()], client_max_size=MAX_BODY_BYTES)
    edge.guard(application)
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    application.router.add_get("/metrics", metrics)
    if api is not None:
        add_api(application, api)
    return application


async def open_port(
    application: web.Application,
    host: str,
    port: int,
    connections: Connections,
    certificate: Certificate | None = None,
) -> web.AppRunner:
    """Serve the application until the runner is cleaned up. Raises `StartError` for a port that is taken.

    `connections` are those whose middleware the application has. With a certificate it speaks TLS.
    """
    # An access log line for every scrape would drown the calls.
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await BoundedSite(runner, host, port, connections, certificate).start()
    except OSError as error:
        await runner.cleanup()
        reason = error.strerror or str(error)
        raise StartError(
            f"HTTP port {host}:{port} cannot be opened: {reason}; set http.port or RINGFLOW_HTTP__PORT"
        ) from error
    return runner
