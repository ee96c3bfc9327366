"""Whether flows may ask the hosts that they ask over HTTP, and whether the secrets they send are there."""

from __future__ import annotations

from collections.abc import Iterator

from ringflow.errors import Problem, ProblemCode
from ringflow.flows.draft import Draft
from ringflow.flows.slot import Slot
from ringflow.flows.surroundings import Surroundings
from ringflow.wording import did_you_mean, quoted


def request_problems(draft: Draft, index: int, slot: Slot, surroundings: Surroundings) -> Iterator[Problem]:
    """What is wrong between a slot and `http_requests` of the configuration."""
    hosts, secrets = surroundings.asked_hosts, surroundings.request_secrets
    for field, host in slot.asked_hosts() if hosts is not None else ():
        if host not in (hosts or ()):
            yield draft.document.problem(
                draft.at(index, field),
                f"flows may not ask {quoted(host)}",
                did_you_mean(host, hosts or (), "list it in config.yaml: http_requests.hosts"),
                code=ProblemCode.HOST_FORBIDDEN,
            )
    for field, name in slot.request_secrets() if secrets is not None else ():
        if name not in (secrets or ()):
            yield draft.document.problem(
                draft.find(index, field, name),
                f"there is no secret {quoted(name)}",
                did_you_mean(name, secrets or (), "say in config.yaml where it is: http_requests.secrets"),
                code=ProblemCode.SECRET_UNKNOWN,
            )
