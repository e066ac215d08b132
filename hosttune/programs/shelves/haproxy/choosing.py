"""Which server lines of a section get connections: not those that are disabled, of no weight, or spare."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from hosttune.programs.shelves.haproxy.noting import Notes
from hosttune.programs.shelves.haproxy.proxies import Proxy, ServerLine

_BY_HASH = {
    "source": "the client's address",
    "uri": "the URI",
    "url_param": "a parameter of the URL",
    "hdr": "a header",
    "rdp-cookie": "the RDP cookie",
    "hash": "an expression",
}


class Chosen(NamedTuple):
    """The server lines of a section: those that get connections, and those that get nothing as it is configured."""

    getting: list[ServerLine]
    idle: list[ServerLine]


def chosen(proxy: Proxy, notes: Notes, tally: Counter[str]) -> Chosen:
    """Return the lines that get connections while every server is up, and the others.

    A `backup` gets some where no other server has a weight, the first of them alone without `option allbackups`
    (src/backend.c, recount_servers(); src/lb_map.c). `balance first` fills one after the other, by their ids
    (src/lb_fas.c): what has no maxconn takes all that comes, and nothing follows it.
    """
    able: list[ServerLine] = []
    for line in proxy.servers:
        if line.options.disabled:
            _pass(notes, tally, line, "disabled")
        elif not line.slots:
            _pass(notes, tally, line, "of no number of servers that can be read")
        elif not line.options.weight:
            _pass(notes, tally, line, "of weight 0")
        else:
            able.append(line)
    first = [line for line in able if not line.options.backup]
    spare = [line for line in able if line.options.backup]
    if first:
        for line in spare:
            _pass(notes, tally, line, "a backup, which gets nothing while another server is up")
    elif spare:
        notes.add(proxy.section.where, f"{proxy.name} has backups alone: they get its connections")
        first = spare if proxy.is_on("allbackups") else [replace(spare[0], first_alone=True)]
    _say_moved(proxy, notes)
    if algorithm(proxy) == "first":
        first = _until_endless(_by_id(proxy, first), notes, tally)
    getting = {id(line.directive) for line in first}
    return Chosen(first, [line for line in proxy.servers if id(line.directive) not in getting])


def algorithm(proxy: Proxy) -> str:
    """Return the word of `balance`, without what stands in parentheses; roundrobin where none is set."""
    return proxy.word("balance", "roundrobin").partition("(")[0]


def uneven(proxy: Proxy, servers: int) -> str:
    """Return why the shares of several servers do not follow their weights, "" where they do."""
    if servers < 2:
        return ""
    name = algorithm(proxy)
    if name in _BY_HASH:
        return f"balance {name} goes by a hash of {_BY_HASH[name]}: the shares are those of the clients"
    if name == "first":
        return "balance first gives a server nothing before the one ahead of it has its maxconn"
    for line in proxy.section.named("stick"):
        if line.words[1:3] in (("on", "src"), ("match", "src")):
            return "stick on src keeps all clients of one address at one server: the shares are those of the clients"
    return ""


def moves_on(proxy: Proxy, servers: int) -> bool:
    """Say whether a connection that one server has no port for gets one at any other (src/stream.h, do_redispatch).

    With `option redispatch` each retry goes to another server at once where the algorithm is none of hashes. Round
    robin comes by all of as many as there are attempts; leastconn, which avoids only the last one, by both of two.
    """
    if servers < 2 or not proxy.is_on("redispatch"):
        return False
    attempts = 1 + (proxy.number("retries") if "retries" in proxy.held else 3)
    name = algorithm(proxy)
    if name in ("roundrobin", "static-rr"):
        return servers <= attempts
    return name == "leastconn" and servers == 2 and attempts > 1


def _pass(notes: Notes, tally: Counter[str], line: ServerLine, why: str) -> None:
    tally[why.partition(",")[0]] += 1
    notes.add(line.directive.where, f"{line.name} is {why}: not counted", f"a server is {why}")


def _by_id(proxy: Proxy, lines: Sequence[ServerLine]) -> list[ServerLine]:
    """Return lines in the order of their ids; one without gets the next that is free (check_config_validity())."""
    taken = {line.options.id for line in proxy.servers}
    ids: dict[int, int] = {}
    free = itertools.count(1)
    for line in proxy.servers:
        of = line.options.id or next(number for number in free if number not in taken)
        ids[id(line.directive)] = of
        for _ in line.slots[1:]:
            next(number for number in free if number not in taken)
    return sorted(lines, key=lambda line: ids[id(line.directive)])


def _until_endless(lines: Sequence[ServerLine], notes: Notes, tally: Counter[str]) -> list[ServerLine]:
    kept: list[ServerLine] = []
    for line in lines:
        if kept and not (kept[-1].options.maxconn or kept[-1].options.minconn):
            _pass(notes, tally, line, f"behind {kept[-1].name}, which has no maxconn and takes all with balance first")
        else:
            kept.append(line if line.options.maxconn or line.options.minconn else replace(line, first_alone=True))
    return kept


def _say_moved(proxy: Proxy, notes: Notes) -> None:
    for line in proxy.section.named("use-server"):
        text = f"use-server {line.words[1] if len(line.words) > 1 else ''} gives some connections to one server"
        notes.add(line.where, f"{text}, beside the shares that are counted", "use-server")
