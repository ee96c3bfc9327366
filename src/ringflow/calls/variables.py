"""The variables of a call: those that are given to every app, and those that the slots of each app set."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ringflow.accounts.admission import Admission
from ringflow.accounts.customers import Customer
from ringflow.calls.events import MASKED
from ringflow.calls.json_value import MAX_CALL_BYTES, JsonValue, UnusableValue, own_copy

ALWAYS_SET = frozenset({"did", "call.id", "app", "language"})
"""Set in every call before its first slot."""

SOMETIMES_SET = frozenset(
    {"cli", "card.id", "customer.id", "customer.name", "customer.currency", "error.slot", "error.what"}
)
"""`cli` is missing for anonymous callers, `customer.*` where nobody is known, `card.id` without a card,
`error.*` where no slot has failed."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def can_be_set(name: str) -> bool:
    """Whether a variable may have this name that is set from outside of the flow."""
    return _NAME.fullmatch(name) is not None and len(name) <= 64 and name not in ALWAYS_SET | SOMETIMES_SET


@dataclass(slots=True)
class _Scope:
    """What the slots of one frame set. `sizes` in bytes; `secret` are names whose values no record has."""

    values: dict[str, JsonValue]
    sizes: dict[str, int] = field(default_factory=dict)
    secret: set[str] = field(default_factory=set)


class Variables:
    """The variables of one call. Each app that another one calls has its own, and sees only these.

    What is given (`did`, `cli`, `customer.id`, ...) is seen by all of them.
    """

    def __init__(self, call_id: str, admission: Admission) -> None:
        self._given: dict[str, JsonValue] = {"call.id": call_id, "did": admission.did.number}
        if admission.cli is not None:
            self._given["cli"] = admission.cli
        self._scopes = [_Scope({"app": admission.did.app})]
        self._depth = -1
        if admission.brought is not None and admission.did.variable is not None:
            self._store_in(self._scopes[0], admission.did.variable, admission.brought, secret=False)
        for name, value in admission.variables.items():
            self._store_in(self._scopes[0], name, value, secret=False)
        if admission.customer is not None:
            self.give_customer(admission.customer, None)

    @property
    def visible(self) -> Mapping[str, JsonValue]:
        """What `${...}` can name now."""
        return ChainMap(self._scope.values, self._given)

    def give_customer(self, customer: Customer, card_id: str | None) -> None:
        """What every app may know from now on of who pays; `card_id`: the card that said so, if one did.

        The card of another customer, who paid before, is forgotten.
        """
        if self._given.get("customer.id") != str(customer.id):
            self._given.pop("card.id", None)
        self._given |= {
            "customer.id": str(customer.id),
            "customer.name": customer.name,
            "customer.currency": customer.currency,
        }
        if card_id is not None:
            self._given["card.id"] = card_id

    @property
    def language(self) -> str:
        """The code of the language in which the caller is spoken to."""
        return str(self._given["language"])

    def give_language(self, code: str) -> None:
        """The caller is spoken to in this language from now on."""
        self._given["language"] = code

    def give_error(self, place: str, what: str) -> None:
        """A slot failed there; every app may know of the last one that did."""
        self._given |= {"error.slot": place, "error.what": what}

    def begin_app(self, initial: Mapping[str, JsonValue]) -> None:
        """Set the variables with which an app begins, but for those that are set. Raises `UnusableValue`."""
        for name, value in initial.items():
            if name not in self._scope.values:
                self._store_in(self._scope, name, value, secret=False)

    @contextmanager
    def at_frame(self, depth: int) -> Iterator[None]:
        """For the time of the block, the variables are those of this frame; 0: the outermost one."""
        self._depth = depth
        try:
            yield
        finally:
            self._depth = -1

    @property
    def _scope(self) -> _Scope:
        return self._scopes[self._depth]

    def enter_app(self, app: str) -> None:
        """The slots of this frame are those of another app from now on, with the same variables."""
        self._scopes[-1].values["app"] = app

    def store(self, name: str, value: JsonValue, *, secret: bool = False) -> None:
        """Set a variable of the app that runs. Raises `UnusableValue`, and ValueError for a given name."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"a slot cannot set the variable {name}")
        self._store_in(self._scope, name, value, secret)

    def store_all(self, values: Mapping[str, JsonValue], secret: frozenset[str]) -> None:
        """Set variables of the app that runs, all of them or none. Raises as `store`."""
        scope = self._scope
        before = scope.values.copy(), scope.sizes.copy(), scope.secret.copy()
        try:
            for name, value in values.items():
                self.store(name, value, secret=name in secret)
        except UnusableValue:
            scope.values, scope.sizes, scope.secret = before
            raise

    def is_secret(self, name: str) -> bool:
        """Whether the value of a variable, or of a part of it (`order.pin`), must stand in no record."""
        return name.partition(".")[0] in self._scope.secret

    def begin_frame(self, app: str, arguments: Mapping[str, JsonValue], secret: frozenset[str]) -> None:
        """An app was called with these arguments, of which some are secret. Raises `UnusableValue`."""
        scope = _Scope({"app": app})
        self._scopes.append(scope)
        for name, value in arguments.items():
            self._store_in(scope, name, value, name in secret)

    def end_frame(self, results: Mapping[str, str]) -> None:
        """The app that was called returned. `results`: for names here, those of its variables there.

        A result that it did not set is not set here either. Raises `UnusableValue`.
        """
        ended = self._scopes.pop()
        for here, there in results.items():
            if there in ended.values:
                self._store_in(self._scopes[-1], here, ended.values[there], there in ended.secret)

    @property
    def own_names(self) -> Sequence[str]:
        """The variables that slots of the app that runs have set, or that it was called with, in order."""
        return tuple(name for name in self._scope.values if name != "app")

    @property
    def shown(self) -> Mapping[str, JsonValue]:
        """What `${...}` can name now, as logs and records may have it: secret values are masked."""
        return ChainMap(dict.fromkeys(self._scope.secret, MASKED), self._scope.values, self._given)

    def recorded(self) -> dict[str, JsonValue]:
        """All of them as records may have them; of two frames' variables of one name, the inner one's."""
        found = dict(self._given)
        for scope in self._scopes:
            found |= scope.values | dict.fromkeys(scope.secret, MASKED)
        return found

    def _store_in(self, scope: _Scope, name: str, value: JsonValue, secret: bool) -> None:
        copied, size = own_copy(name, value)
        others = sum(sum(one.sizes.values()) for one in self._scopes) - scope.sizes.get(name, 0)
        if others + size > MAX_CALL_BYTES:
            raise UnusableValue(
                f"`{name}` cannot be set: {others + size} bytes, and a call's variables have at most "
                f"{MAX_CALL_BYTES}; store less, or the same names again"
            )
        scope.values[name], scope.sizes[name] = copied, size
        (scope.secret.add if secret else scope.secret.discard)(name)
