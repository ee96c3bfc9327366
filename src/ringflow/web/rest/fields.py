"""Which fields of forms an answer has: those that `fields` names, or all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

from ringflow.errors import Refused, RefusedTogether
from ringflow.forms.json_value import json_value
from ringflow.plain_text import plain
from ringflow.store.pages import Page
from ringflow.web.rest.operation import Operation
from ringflow.web.rest.request_input import Input
from ringflow.wording import did_you_mean, quoted

Tree: TypeAlias = dict[str, "Tree"]
"""Names of fields, each with those below it that are wanted; none: all of it."""


class FieldsInput(Input):
    """Which fields of a form."""

    fields: str | None = None
    """The names of those that are wanted, with commas: `id,status`. Of what is nested: `legs.trunk`."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The fields that are wanted, in their order. `names`: as they were asked for."""

    names: tuple[str, ...]
    _tree: Tree

    def of(self, form: object) -> dict[str, object]:
        """Return a form as JSON, with these fields."""
        picked: dict[str, object] = _picked(json_value(form), self._tree)
        return picked

    def cells(self, form: object) -> list[object]:
        """Return the values of these fields, each of which may be nested."""
        return [_value(form, name.split(".")) for name in self.names]


def select_fields(form: type[Any], text: str | None) -> Selection:
    """Return the fields that a parameter names, such as `id,status,legs.trunk`; None: all.

    Raises `Refused` with every name that the form does not have.
    """
    if text is None:
        names = [one.name for one in fields(form)]
        return Selection(tuple(names), {name: {} for name in names})
    wanted = dict.fromkeys(one.strip() for one in text.split(","))
    refused = [_unknown(form, name) for name in wanted if not _is_there(form, name.split("."))]
    if refused:
        raise refused[0] if len(refused) == 1 else RefusedTogether(refused)
    tree: Tree = {}
    # The shorter name first: it stands for all that is below it.
    for name in sorted(wanted, key=lambda one: one.count(".")):
        _add(tree, name.split("."))
    return Selection(tuple(wanted), {head: tree[head] for head in _heads(wanted)})


def form_of(returns: Any) -> type[Any] | None:
    """Return the form that an operation answers with, by itself or on a page; None: it answers otherwise."""
    form = get_args(returns)[0] if get_origin(returns) is Page else returns
    return form if isinstance(form, type) and is_dataclass(form) else None


def shows_forms(operation: Operation) -> bool:
    """Return whether an operation shows forms, of which some fields can be chosen."""
    return operation.method == "GET" and form_of(operation.returns) is not None and not operation.media


def _heads(names: Mapping[str, None]) -> Sequence[str]:
    return list(dict.fromkeys(name.partition(".")[0] for name in names))


def _add(tree: Tree, steps: Sequence[str]) -> None:
    head, *below = steps
    if head in tree and not tree[head]:
        return
    if not below:
        tree[head] = {}
        return
    _add(tree.setdefault(head, {}), below)


def _is_there(form: type[Any] | None, steps: Sequence[str]) -> bool:
    for step in steps:
        if form is None or step not in {one.name for one in fields(form)}:
            return False
        form = _below(get_type_hints(form)[step])
    return True


def _below(hint: Any) -> type[Any] | None:
    """Return the form in a field's type, such as that of a list of forms."""
    if isinstance(hint, type) and is_dataclass(hint):
        return hint
    return next((found for one in get_args(hint) if (found := _below(one)) is not None), None)


def _unknown(form: type[Any], name: str) -> Refused:
    near = did_you_mean(name, [one.name for one in fields(form)])
    what = f"there is no field {quoted(plain(name))} to choose" + (f" ({near})" if near else "")
    return Refused("list.unknown_field", what, ("fields",), field=name)


def _picked(value: Any, tree: Tree) -> Any:
    if not tree or value is None:
        return value
    if isinstance(value, list):
        return [_picked(one, tree) for one in value]
    return {name: _picked(value[name], below) for name, below in tree.items()}


def _value(form: Any, steps: Sequence[str]) -> object:
    for place, step in enumerate(steps):
        if form is None:
            return None
        if isinstance(form, Sequence) and not isinstance(form, str):
            return [_value(one, steps[place:]) for one in form]
        form = getattr(form, step)
    found: object = form
    return found
