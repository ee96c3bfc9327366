"""What in a description of the API would break programs that were written by an earlier one.

Additions are none: an operation, a field of an answer, a field or parameter that need not be there. What is
taken away, what must be there from now on, and what takes less or returns something else than before, is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

_WORDS = frozenset({"description", "summary", "example", "examples", "title", "default"})
_METHODS = ("get", "post", "put", "patch", "delete")
# Whether a limit is closer the higher or the lower it is.
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


def without_words(value: Any, *, names: bool = False) -> Any:
    """Return a description without what only people read. `names`: the keys are names of fields."""
    if isinstance(value, list):
        return [without_words(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: without_words(one, names=key in ("properties", "schemas") and not names)
        for key, one in value.items()
        if names or key not in _WORDS
    }


def breaking_changes(before: Json, now: Json) -> list[str]:
    """Return what breaks programs, each by its place; nothing where none does."""
    return list(_Comparison(before, now).run())


class _Comparison:
    def __init__(self, before: Json, now: Json) -> None:
        self._before = before
        self._now = now
        self._seen: set[tuple[str, str, bool]] = set()

    def run(self) -> Iterator[str]:
        for path, item in self._before["paths"].items():
            for method in _METHODS:
                if method in item:
                    name = f"{method.upper()} {path}"
                    found = self._now["paths"].get(path, {}).get(method)
                    if found is None:
                        yield f"{name}: it is gone"
                    else:
                        yield from self._operation(name, item[method], found)

    def _operation(self, name: str, before: Json, now: Json) -> Iterator[str]:
        for key in ("x-right", "x-audience"):
            if before.get(key) != now.get(key):
                yield f"{name}: {key} was {before.get(key)} and is {now.get(key)}"
        yield from self._parameters(name, before.get("parameters", ()), now.get("parameters", ()))
        yield from self._body(name, before.get("requestBody"), now.get("requestBody"))
        for status, answer in before["responses"].items():
            if not status.startswith("2"):
                continue
            if status not in now["responses"]:
                yield f"{name}: it no longer answers {status}"
                continue
            media = now["responses"][status].get("content", {})
            for kind, one in answer.get("content", {}).items():
                if kind not in media:
                    yield f"{name}: its answer is no longer {kind}"
                else:
                    yield from self._returned(
                        f"{name}, answer", one.get("schema", {}), media[kind].get("schema", {})
                    )

    def _parameters(self, name: str, before: Any, now: Any) -> Iterator[str]:
        had = {(one["in"], one["name"]): one for one in before}
        has = {(one["in"], one["name"]): one for one in now}
        for (where, parameter), one in had.items():
            if (where, parameter) not in has:
                yield f"{name}: the parameter {parameter} is gone"
            else:
                place = f"{name}, parameter {parameter}"
                yield from self._taken(place, one["schema"], has[where, parameter]["schema"])
        for key, one in has.items():
            if one.get("required") and not had.get(key, {}).get("required"):
                yield f"{name}: the parameter {key[1]} must be there"

    def _body(self, name: str, before: Json | None, now: Json | None) -> Iterator[str]:
        if before is None:
            if now is not None and now.get("required"):
                yield f"{name}: a body must be there"
            return
        if now is None:
            yield f"{name}: it takes no body any more"
            return
        for kind, one in before["content"].items():
            if kind not in now["content"]:
                yield f"{name}: the body may no longer be {kind}"
            else:
                schema = now["content"][kind].get("schema", {})
                yield from self._taken(f"{name}, body", one.get("schema", {}), schema)

    def _taken(self, place: str, before: Json, now: Json) -> Iterator[str]:
        """Yield what was taken and is not any more."""
        yield from self._compared(place, before, now, taken=True)

    def _returned(self, place: str, before: Json, now: Json) -> Iterator[str]:
        """Yield what is returned that was not before."""
        yield from self._compared(place, before, now, taken=False)

    def _compared(self, place: str, before: Json, now: Json, *, taken: bool) -> Iterator[str]:
        names = str(before.get("$ref")), str(now.get("$ref")), taken
        if "$ref" in before and "$ref" in now:
            # A form is compared once; it may hold itself.
            if names in self._seen:
                return
            self._seen.add(names)
        had = _kinds(self._before, before)
        has = _kinds(self._now, now)
        if not (had if taken else has):
            # Anything was taken, or may be returned from now on.
            if has if taken else had:
                yield f"{place}: not every kind of value is {'taken' if taken else 'what it was'} any more"
            return
        wide, narrow = (has, had) if taken else (had, has)
        if wide and (lost := narrow.keys() - wide.keys() - ({"integer"} if "number" in wide else set())):
            what = "no longer taken" if taken else "returned now"
            yield f"{place}: {', '.join(sorted(lost))} is {what}"
        for kind in had.keys() & has.keys():
            yield from self._same_kind(place, had[kind], has[kind], taken=taken)

    def _same_kind(self, place: str, before: Json, now: Json, *, taken: bool) -> Iterator[str]:
        if taken:
            yield from _closer(place, before, now)
        had, has = before.get("properties", {}), now.get("properties", {})
        for name, one in had.items():
            if name not in has:
                yield f"{place}: the field {name} is gone"
            else:
                yield from self._compared(f"{place}/{name}", one, has[name], taken=taken)
        must, did = set(now.get("required", ())), set(before.get("required", ()))
        for name in sorted(must - did if taken else (did - must) & has.keys()):
            yield f"{place}: the field {name} {'must be there' if taken else 'may be left out now'}"
        if "items" in before and "items" in now:
            yield from self._compared(f"{place}[]", before["items"], now["items"], taken=taken)


def _closer(place: str, before: Json, now: Json) -> Iterator[str]:
    if "enum" in now and (
        lost := set(map(str, before.get("enum", ("any other",)))) - set(map(str, now["enum"]))
    ):
        yield f"{place}: {', '.join(sorted(lost))} is no longer taken"
    for name in _LOWER:
        if name in now and (name not in before or now[name] > before[name]):
            yield f"{place}: {name} is {now[name]} now"
    for name in _UPPER:
        if name in now and (name not in before or now[name] < before[name]):
            yield f"{place}: {name} is {now[name]} now"
    for name in ("pattern", "format"):
        if name in now and now[name] != before.get(name):
            yield f"{place}: {name} is {now[name]} now"


def _kinds(document: Json, schema: Json) -> dict[str, Json]:
    """Return a schema's kinds of values, each with what is said of it; none: it may be anything."""
    if "$ref" in schema:
        return _kinds(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    found: dict[str, Json] = {}
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        found |= _kinds(document, one)
    if "const" in schema:
        schema = {"enum": [schema["const"]], "type": "string", **schema}
    kinds = schema.get("type", ())
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        found[kind] = schema
    return found
