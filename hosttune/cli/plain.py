"""Values of options that need no validation, kept from typer's: it imports pydantic, a fifth of a check.

A release of typer that converts values otherwise is left alone.
"""

from __future__ import annotations

from typing import Any


def spare(parameter: Any) -> Any:
    """Have an option for texts, a flag, or one with a parser of ours, take its values as they are; return it."""
    build = getattr(parameter, "get_runtime_param", None)
    described = getattr(parameter, "type_descriptor", None)
    if build is None or described is None:
        return parameter
    parser = getattr(described.parameter_info, "parser", None)
    if parser or described.annotation in (str, list[str], bool):
        parameter.get_runtime_param = lambda: _Plain(parser, described.annotation is not bool, build)
    return parameter


class _Plain:
    """What typer asks to convert a value."""

    def __init__(self, parser: Any, text: bool, build: Any) -> None:
        self._parser, self._text, self._build = parser, text, build

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value for the verb; raises typer.BadParameter."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if self._parser and not isinstance(value, (list, tuple)):
            return self._parser(value)
        if not self._parser and self._text and isinstance(value, str):
            return value
        if not self._parser and self._text and all(isinstance(item, str) for item in value):
            return list(value)
        return self._build().coerce(value, param=param, ctx=ctx)
