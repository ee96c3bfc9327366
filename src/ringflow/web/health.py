"""Whether Ringflow lives, and whether it can take calls, part by part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


@dataclass(frozen=True, slots=True)
class PartState:
    """One part that calls need. `required` parts that are not ready make the whole not ready."""

    ready: bool
    detail: str
    required: bool = True


Probe = Callable[[], Awaitable[PartState]]


def build_web(probes: Mapping[str, Probe], registry: CollectorRegistry) -> web.Application:
    """The HTTP application: `/healthz`, `/readyz`, `/metrics`."""

    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(request: web.Request) -> web.Response:
        states = {name: await probe() for name, probe in probes.items()}
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
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    application.router.add_get("/metrics", metrics)
    return application
