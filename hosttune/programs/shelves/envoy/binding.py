"""From which address Envoy reaches an endpoint, and how it gets its port: upstream_bind_config."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from typing import NamedTuple

from hosttune.model import BindMode
from hosttune.programs.shelves.envoy import fields
from hosttune.programs.shelves.envoy.document import Table

_CORE = "envoy.config.core.v3."
# IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT of ip(7)
_LEVEL, _NAME = 0, 24


class Way(NamedTuple):
    """A source address, "" for routing's choice, how a port is had, and which one where it is a fixed one."""

    source: str = ""
    mode: BindMode = BindMode.CONNECT
    ports: tuple[int, int] | None = None


def read(config: Table, notes: list[str]) -> tuple[Way, ...]:
    """Return what is bound to, in order; a single Way() where nothing is.

    Without the socket option a port is taken by bind(), and serves one backend only. An extra address has options of
    its own, else those of the whole (config.core.v3.BindConfig).
    """
    address = config.table("source_address")
    if not address.text("address"):
        return (Way(),)
    fields.check(config, f"{_CORE}BindConfig", notes)
    fields.check(address, f"{_CORE}SocketAddress", notes)
    options = config.tables("socket_options")
    ways = [_way(address, options)]
    for extra in config.tables("extra_source_addresses"):
        own = extra.table("socket_options").tables("socket_options")
        ways.append(_way(extra.table("address"), own if extra.of("socket_options") is not None else options))
    ways += [_way(extra, options) for extra in config.tables("additional_source_addresses")]
    return tuple(ways)


def towards(ways: tuple[Way, ...], address: str) -> tuple[Way | None, str]:
    """Return how an endpoint is reached: by the first address of its IP version, or why it is not known.

    Envoy's default selector takes the first address where none is of that version, and cannot connect from it
    (source/common/upstream/default_local_address_selector.cc).
    """
    if ways == (Way(),):
        return Way(), ""
    for way in ways:
        try:
            version = ipaddress.ip_address(way.source).version
        except ValueError:
            return None, f"its source {way.source} is no address"
        if version == (6 if ":" in address else 4):
            return way, ""
    return None, f"no source address of its IP version: {', '.join(way.source for way in ways)}"


def _way(address: Table, options: list[Table]) -> Way:
    port = address.number("port_value") or 0
    source = address.text("address")
    if 0 < port < 65536:
        return Way(source, BindMode.EXPLICIT, (port, port))
    return Way(source, BindMode.NO_PORT if any(map(_late, options)) else BindMode.BIND)


def _late(option: Table) -> bool:
    """Say whether a socket option leaves the choice of the port to connect(): it has to be set before bind()."""
    state = option.text("state") or "STATE_PREBIND"
    return (
        (option.number("level") or 0, option.number("name")) == (_LEVEL, _NAME)
        and state in ("STATE_PREBIND", "0")
        and bool(option.number("int_value") or _buffer(option.text("buf_value")))
    )


def _buffer(text: str) -> bool:
    try:
        return any(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return False
