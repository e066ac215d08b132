"""Typed groups of options: a verb takes a dataclass, the command line sees an option for each of its fields."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args, get_origin


class Fields:
    """Which fields of a group a verb has, in the order of its help: all where none is named.

    `instead` gives a field another annotation than the one that all verbs share.
    """

    def __init__(self, *names: str, **instead: Any) -> None:
        self.names, self.instead = names, instead


def grouped(
    body: Callable[..., Any], shared: Mapping[str, Any], always: Mapping[str, Any] | None = None
) -> Callable[..., Any]:
    """Return a function with an option for each field of each group that the body takes.

    `shared` are the annotations of the options by name, `always` those of options that every verb has and whose
    callbacks handle what is given. A field that was not given keeps the default of its group.
    """
    parameters: list[inspect.Parameter] = []
    groups: dict[str, tuple[Any, tuple[str, ...]]] = {}
    for parameter in inspect.signature(body, eval_str=True).parameters.values():
        kind, fields = _group(parameter.annotation)
        if kind is None:
            parameters.append(parameter)
            continue
        known = {field.name: field for field in dataclasses.fields(kind)}
        names = fields.names or tuple(known)
        groups[parameter.name] = (kind, names)
        for name in names:
            annotation = fields.instead.get(name) or shared[name]
            # so that one that is given empty differs from one that is not given
            default = None if type(None) in get_args(get_args(annotation)[0]) else known[name].default
            parameters.append(
                inspect.Parameter(
                    name,
                    inspect.Parameter.POSITIONAL_OR_KEYWORD,
                    default=default,
                    annotation=annotation,
                )
            )

    @functools.wraps(body)
    def verb(**given: Any) -> Any:
        made = {}
        for name in always or ():
            given.pop(name, None)
        for parameter, (kind, names) in groups.items():
            values = {name: given.pop(name) for name in names}
            made[parameter] = kind(**{name: value for name, value in values.items() if value is not None})
        return body(**made, **given)

    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in (always or {}).items()
    ]
    verb.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # inspect.signature() reads it
    verb.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return verb


def _group(annotation: Any) -> tuple[Any, Fields]:
    """Return the dataclass that a parameter is, None for a plain one, and which of its fields."""
    kind, fields = annotation, Fields()
    if get_origin(annotation) is Annotated:
        kind, *rest = get_args(annotation)
        fields = next((extra for extra in rest if isinstance(extra, Fields)), fields)
    return (kind if dataclasses.is_dataclass(kind) else None), fields
