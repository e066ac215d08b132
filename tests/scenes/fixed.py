"""Scenes that were written rather than drawn: each has always been predicted rightly, and must stay so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hosttune.model import BindMode
from tests.scenes.scene import (
    CLIENTS,
    CLIENTS6,
    CLOSED,
    MAPPED,
    NOBODY_UID,
    PORTS,
    SERVERS,
    SERVERS6,
    Holder,
    How,
    Scene,
    State,
)

_LOW, _HIGH = 40000, 40199
_TO, _TO6 = (SERVERS[0], PORTS[0]), (SERVERS6[0], PORTS[0])
_ELSEWHERE, _ELSEWHERE6 = (SERVERS[0], PORTS[1]), (SERVERS6[0], PORTS[1])
_UDP, _MPTCP = 17, 262  # IPPROTO_*, linux/in.h
_CONNECT, _NO_PORT, _BIND, _EXPLICIT = BindMode.CONNECT, BindMode.NO_PORT, BindMode.BIND, BindMode.EXPLICIT
_RANGE = "net.ipv4.ip_local_port_range"
_RESERVED = "net.ipv4.ip_local_reserved_ports"
_REUSE = "net.ipv4.tcp_tw_reuse"
_RULE = ("route add 10.77.0.0/24 dev c0 src 10.77.0.11 table 7", "rule add to 10.77.0.2 lookup 7")
_ANYIP = {"rules": ("route add local 10.77.9.0/24 dev lo",), "back": ("route add 10.77.9.0/24 via 10.77.0.1",)}
_NAT = ("add table ip n", "add chain ip n post { type nat hook postrouting priority 100; }")


def _scene(name: str, real: int, mode: BindMode = _CONNECT, *holders: Holder, **more: Any) -> Scene:
    ends = more.pop("ends", (_LOW, _HIGH))
    sysctls = ((_RANGE, f"{ends[0]} {ends[1]}"), *more.pop("sysctls", ()))
    # a range that begins among the privileged ports takes leave first
    first = (("net.ipv4.ip_unprivileged_port_start", "0"),) if ends[0] < 1024 else ()
    low, high = ends
    given = {"backends": (_TO,), **more}
    return Scene(0, mode, low, high, holders=holders, sysctls=(*first, *sysctls), name=name, real=real, **given)


def _out(how: How, count: int, address: str = "", to: tuple[str, int] = _ELSEWHERE, **more: Any) -> Holder:
    return Holder(how, address, count, to=to, **more)


def _on(how: How, address: str, *ports: int, **more: Any) -> Holder:
    return Holder(how, address, len(ports), ports, **more)


def _ranges() -> Iterator[Scene]:
    yield _scene("base", 200)
    yield _scene("200 ports at other ends", 200, ends=(40001, 40200))
    yield _scene("one port", 1, ends=(40000, 40000))
    yield _scene("two ports", 2, ends=(40000, 40001))
    yield _scene("low ports", 200, ends=(1, 200))
    yield _scene("reserved twice over", 118, sysctls=((_RESERVED, "39990-40040,40020-40081"),))
    yield _scene("all reserved", 0, sysctls=((_RESERVED, "40000-40199"),))
    yield _scene("a range of its own wholly outside", 200, chosen=(20000, 20099))
    yield _scene("explicit beside the range", 100, _EXPLICIT, sources=CLIENTS[:1], chosen=(20000, 20099))
    yield _scene("autobind reuse", 200, _BIND, sources=CLIENTS[:1], sysctls=(("net.ipv4.ip_autobind_reuse", "1"),))


def _holders() -> Iterator[Scene]:
    first = {"sources": CLIENTS[:1]}
    yield _scene("connect elsewhere, bind", 100, _BIND, _out(How.CONNECT, 100), **first)
    yield _scene("connect elsewhere", 200, _CONNECT, _out(How.CONNECT, 100))
    yield _scene("no-port elsewhere", 200, _CONNECT, _out(How.NO_PORT, 100, CLIENTS[0]))
    yield _scene("no-port of another source, bind", 200, _BIND, _out(How.NO_PORT, 100, CLIENTS[1]), **first)
    yield _scene("listener on :: alone", 199, _CONNECT, _on(How.LISTEN, "::", 40010, v6only=True))
    yield _scene("listener on both families", 199, _CONNECT, _on(How.LISTEN, "::", 40010))
    yield _scene("bound, not listening", 199, _CONNECT, _on(How.BOUND, CLIENTS[1], 40010))
    yield _scene("to no address in particular", 200, _BIND, sources=("0.0.0.0",))
    yield _scene("the same beside 50", 150, _BIND, _out(How.BIND, 50, CLIENTS[1]), sources=("0.0.0.0",))
    one = _out(How.BIND, 40, CLIENTS[0], _ELSEWHERE)
    yield _scene("bind to one of two", 320, _CONNECT, one, backends=(_TO, _ELSEWHERE))
    yield _scene("UDP", 200, _CONNECT, _on(How.BOUND, "0.0.0.0", *range(40010, 40030), protocol=_UDP))
    yield _scene("another device", 180, _CONNECT, _on(How.LISTEN, "0.0.0.0", *range(40010, 40030), device="lo"))
    yield _scene("CLOSE_WAIT", 170, _CONNECT, _out(How.CONNECT, 30, to=_TO, state=State.CLOSE_WAIT))
    ended = _out(How.CONNECT, 200, to=_TO, state=State.TIME_WAIT)
    yield _scene("TIME_WAIT taken over", 200, _CONNECT, ended, sysctls=((_REUSE, "1"),))
    yield _scene("TIME_WAIT off loopback", 0, _CONNECT, ended, sysctls=((_REUSE, "2"),))
    bound = _out(How.BIND, 100, CLIENTS[0], _TO, state=State.TIME_WAIT)
    yield _scene("TIME_WAIT of bind()", 100, _CONNECT, bound, sysctls=((_REUSE, "1"),))
    both = _out(How.NO_PORT, 60, CLIENTS[0], _TO, state=State.TIME_WAIT)
    yield _scene("TIME_WAIT of both", 100, _NO_PORT, bound, both, sysctls=((_REUSE, "1"),))
    refused = _on(How.BOUND, CLIENTS[0], 40010, to=(SERVERS[0], CLOSED), state=State.REFUSED)
    yield _scene("refused and open", 199, _CONNECT, refused)
    yield _scene("TCP_FASTOPEN_CONNECT", 200, fastopen=True)
    yield _scene("MPTCP", 200, protocol=_MPTCP)
    yield _scene("MPTCP connections", 120, _CONNECT, _out(How.CONNECT, 80, to=_TO, protocol=_MPTCP))
    yield _scene("MPTCP listener", 199, _CONNECT, _on(How.LISTEN, "0.0.0.0", 40010, protocol=_MPTCP))
    yield _scene("MPTCP bound", 199, _CONNECT, _on(How.BOUND, "0.0.0.0", 40010, protocol=_MPTCP))


def _addresses() -> Iterator[Scene]:
    six = {"backends": (_TO6,)}
    yield _scene("IPv6", 200, **six)
    yield _scene("IPv6 beside a listener of IPv4", 199, _CONNECT, _on(How.LISTEN, "0.0.0.0", 40010), **six)
    listener = _on(How.LISTEN, "0.0.0.0", 40010)
    yield _scene("IPv6 bind beside it", 200, _BIND, listener, sources=CLIENTS6[:1], **six)
    yield _scene("a rule to the backend", 50, _CONNECT, _out(How.NO_PORT, 150, CLIENTS[1], _TO), rules=_RULE)
    yield _scene("a local route", 200, _NO_PORT, sources=("10.77.9.5",), **_ANYIP)
    far = {"sysctls": (("net.ipv4.ip_nonlocal_bind", "1"),), "back": _ANYIP["back"]}
    back = {"rules": ("route add local 10.77.9.7/32 dev lo",)}
    yield _scene("no address of this host", 200, _NO_PORT, sources=("10.77.9.7",), **far, **back)
    mapped = _out(How.CONNECT, 50, to=(MAPPED + SERVERS[0], PORTS[0]))
    yield _scene("mapped sockets", 150, _CONNECT, mapped)
    old = {"sources": CLIENTS6[:2], "rules": (f"addr change {CLIENTS6[1]}/64 dev c0 preferred_lft 0",)}
    yield _scene("a deprecated address", 400, _NO_PORT, **six, **old)


def _filtered() -> Iterator[Scene]:
    yield _scene("masquerade", 200, filters=(*_NAT, "add rule ip n post masquerade"))
    for rule in ("snat to 10.77.0.1:20000-20049", "masquerade to :20000-20049"):
        yield _scene(rule, 50, filters=(*_NAT, f"add rule ip n post ip protocol tcp {rule}"))
    count = "add rule ip n o tcp dport 1883 ct state new ct count over 60 drop"
    output = (_NAT[0], "add chain ip n o { type filter hook output priority 0; }")
    yield _scene("ct count", 60, filters=(*output, count))
    other = _out(How.NO_PORT, 20, CLIENTS[1], _TO)
    yield _scene("ct count beside another source", 40, _CONNECT, other, filters=(*output, count))
    mapped = "add rule ip n post ip protocol tcp masquerade to :20000-20049"
    yield _scene("masquerade beside another source", 30, _CONNECT, other, filters=(*_NAT, mapped))
    table = (_NAT[0], "add chain ip n o { type nat hook output priority -100; }")
    vip = "10.77.9.9"
    turned = f"add rule ip n o ip daddr {vip} tcp dport 1883 dnat to {SERVERS[0]}:1883"
    way = {"filters": (*table, turned), "rules": (f"route add {vip}/32 via {SERVERS[0]}",), "backends": ((vip, 1883),)}
    yield _scene("a virtual address", 200, **way)
    yield _scene("a virtual address beside direct ones", 200, _CONNECT, _out(How.CONNECT, 150, to=_TO), **way)


def _own() -> Iterator[Scene]:
    nobody = {"uid": NOBODY_UID, "rules": (_RULE[0], f"rule add uidrange {NOBODY_UID}-{NOBODY_UID} lookup 7")}
    marked = {"mark": 9, "rules": (_RULE[0], "rule add fwmark 9 lookup 7")}
    held = _out(How.NO_PORT, 150, CLIENTS[1], _TO)
    yield _scene("a rule by port", 50, _CONNECT, held, rules=(_RULE[0], "rule add ipproto tcp dport 1883 lookup 7"))
    for told in (True, False):
        yield _scene(f"a rule by user, {'' if told else 'not '}named", 50, _CONNECT, held, told=told, **nobody)
        yield _scene(f"a rule by mark, {'' if told else 'not '}named", 50, _CONNECT, held, told=told, **marked)
    for ends, real in (((40000, 40049), 50), ((40150, 40249), 50), ((40001, 40003), 3)):
        yield _scene(f"own range {ends[0]}-{ends[1]}", real, chosen=ends)


def _itself() -> Iterator[Scene]:
    yield _scene(
        "itself by loopback", 200, _CONNECT, _on(How.LISTEN, "127.0.0.1", 1883), backends=(("127.0.0.1", 1883),)
    )
    near = (CLIENTS[0], 1883)
    yield _scene("itself by its address", 200, _CONNECT, _on(How.LISTEN, CLIENTS[0], 1883), backends=(near,))


FIXED = (*_ranges(), *_holders(), *_addresses(), *_filtered(), *_own(), *_itself())
"""Every one of them."""
