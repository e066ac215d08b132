"""Where nginx passes connections on: each `*_pass`, with what holds in its block (ngx_http_proxy_module.c)."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hosttune.programs.shelves.nginx.grammar import Directive
from hosttune.programs.shelves.nginx.variables import Variables

_SCHEMES: Mapping[tuple[str, str], Mapping[str, int]] = {
    ("http", "proxy"): {"http": 80, "https": 443},
    ("http", "grpc"): {"grpc": 80, "grpcs": 443, "": 80},
    ("http", "fastcgi"): {"": 0},
    ("http", "uwsgi"): {"uwsgi": 0, "suwsgi": 0, "": 0},
    ("http", "scgi"): {"scgi": 0, "": 0},
    ("http", "memcached"): {"": 0},
    ("stream", "proxy"): {"": 0},
}
"""The ports where none is written, by the scheme that stands before the host; 0: it needs one, or is an upstream."""
_FAMILIES = tuple(dict.fromkeys(family for _, family in _SCHEMES))
_PASSES = {f"{family}_pass": family for family in _FAMILIES}
_INHERITED = (
    *(f"{family}_{what}" for family in _FAMILIES for what in ("bind", "next_upstream", "next_upstream_tries")),
    *("mirror", "resolver", "limit_conn", "limit_conn_dry_run", "error_log", "access_log"),
)
_PATH = re.compile(r"[/?]|\$\{?(?:request_uri|uri|document_uri|is_args|args)\b")
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*|\$\w+|\$\{\w+\})://")

Scope = Mapping[str, tuple[Directive, ...]]
"""The directives that hold in a block, by their names: its own, else those of the block about it."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A directive that passes on, in `http` or `stream`, with what holds where it stands."""

    directive: Directive
    kind: str
    scope: Scope
    variables: Variables

    @property
    def family(self) -> str:
        """Whose directives are its own: `proxy` of proxy_pass."""
        return _PASSES[self.directive.name]

    @property
    def text(self) -> str:
        """Where it passes to, without the path behind it."""
        scheme, rest = _parted(self.directive.args[0])
        return f"{scheme}{_host(rest)}"

    @property
    def bind(self) -> Directive | None:
        """The address that it binds to, None where the kernel chooses."""
        bound = self.own("bind")
        return None if bound is None or bound.args[0] == "off" else bound

    @property
    def moves_on(self) -> bool:
        """Say whether the next server is tried where one cannot be connected to: both do by default.

        http asks for the word `error`; one try alone has none (ngx_http_upstream_next(), ngx_stream_proxy_module.c).
        """
        tries, how = self.own("next_upstream_tries"), self.own("next_upstream")
        if tries and tries.args[0] == "1":
            return False
        return how is None or ("error" in how.args if self.kind == "http" else how.args[0] != "off")

    @property
    def mirrors(self) -> int:
        """How many copies of a request are sent beside it."""
        return sum(row.args[0] != "off" for row in self.scope.get("mirror", ())) if self.kind == "http" else 0

    def own(self, what: str) -> Directive | None:
        """Return a directive of its family that holds here."""
        rows = self.scope.get(f"{self.family}_{what}", ())
        return rows[-1] if rows else None

    def destination(self, text: str) -> tuple[str, int, str]:
        """Return host and port of what it passes to, the port where none is written, and why it is none, or ""."""
        scheme, rest = _parted(text)
        known = _SCHEMES[self.kind, self.family]
        port = known.get(scheme.lower().removesuffix("://"))
        if port is None:
            wanted = " or ".join(f"{name}://" for name in known if name)
            return rest, 0, f"it has no {wanted}" if wanted else f"{scheme} is not known"
        return _host(rest), port, ""


def _parted(text: str) -> tuple[str, str]:
    """Return the scheme with its "://", "" where there is none, and what stands behind it."""
    match = None if text.startswith("unix:") else _SCHEME.match(text)  # unix:///run/app.sock is a path
    return (match[0], text[match.end() :]) if match else ("", text)


def _host(rest: str) -> str:
    """Return host and port without the path behind them, the path of a Unix socket whole."""
    return rest if rest.startswith("unix:") else _PATH.split(rest, maxsplit=1)[0]


def holds(outer: Scope, block: Iterable[Directive]) -> Scope:
    """Return what holds in a block: a directive of its own takes the place of all of that name about it."""
    own: dict[str, tuple[Directive, ...]] = {}
    for row in block:
        if row.name in _INHERITED and row.args:
            own[row.name] = (*own.get(row.name, ()), row)
    return {**outer, **own} if own else outer


def passes(kind: str, server: Directive, outer: Scope, variables: Variables) -> Iterator[Pass]:
    """Yield what a server passes on, in its locations and conditions too; `variables` are those that it knows."""
    todo = deque([(server, holds(outer, server.inner))])
    while todo:
        block, scope = todo.popleft()
        for row in block.inner:
            if row.name in _PASSES and row.args and (kind, _PASSES[row.name]) in _SCHEMES:
                yield Pass(row, kind, scope, variables)
            elif row.block is not None:
                todo.append((row, holds(scope, row.block)))
