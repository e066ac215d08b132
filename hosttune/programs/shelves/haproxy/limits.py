"""The limits that HAProxy sets itself: of all, of a frontend and its bind lines, of a server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hosttune.model import OwnLimit
from hosttune.programs.shelves.haproxy import addresses, options
from hosttune.programs.shelves.haproxy.options import Options
from hosttune.programs.shelves.haproxy.proxies import Proxy
from hosttune.programs.shelves.haproxy.sections import Directive, Section

_WAITS = "none: clients wait in the accept queue, nothing is logged"
_QUEUES = "none: connections queue (qcur of `show stat`), no error until timeout queue"
_AGAIN = "each connection enters again from a server of its own; many at once may take all of it before they do"
_RATES = ("maxconnrate", "maxsessrate")
_GLOBAL = ("maxconn", *_RATES, "maxsslconn", "maxsslrate")


def of_all(sections: Sequence[Section], passes: int = 1) -> tuple[OwnLimit, ...]:
    """Return the limits of the whole process that `global` sets; 0 sets none.

    Each connection that `passes` the process several times takes as many of maxconn. Of several lines the first holds,
    of maxsslconn the last (src/cfgparse-global.c: "already specified").
    """
    lines = [line for section in sections if section.kind == "global" for line in section.directives]
    made: dict[str, OwnLimit] = {}
    for line in lines:
        name = line.name
        value = options.number(line.words[1]) if name in _GLOBAL and len(line.words) > 1 else None
        if value and (name not in made or name == "maxsslconn"):
            made[name] = _global(name, value, line)
    if "maxconn" in made and passes > 1:
        made["maxconn"] = replace(made["maxconn"], each=passes, notes=(_AGAIN,))
    return tuple(made[name] for name in _GLOBAL if name in made)


def of_entry(proxy: Proxy) -> tuple[OwnLimit, ...]:
    """Return the limits of what enters at a frontend or listen: its maxconn, its rate, those of its bind lines.

    Without a maxconn of its own it has that of `global` (src/haproxy.c, init()), which is a limit already.
    """
    made = []
    if value := proxy.number("maxconn"):
        made.append(OwnLimit("maxconn", value, "maxconn", proxy.name, proxy.held["maxconn"].where, fails=_WAITS))
    line = proxy.held.get("rate-limit sessions")
    if line and (rate := proxy.number("rate-limit sessions")):
        made.append(
            OwnLimit(
                "rate-limit", rate, "rate-limit sessions", proxy.name, line.where, unit="connections/s", fails=_WAITS
            )
        )
    every = [made_one for bind in proxy.section.named("bind") if (made_one := _of_bind(proxy, bind))]
    names = [limit.of for limit in every]
    for index, limit in enumerate(every):
        again = names[:index].count(limit.of) if len(every) < 100 else index
        made.append(replace(limit, of=f"{limit.of} ({again + 1})") if again else limit)
    return tuple(made)


def of_server(proxy: Proxy, name: str, held: Options, of_source: OwnLimit | None) -> OwnLimit | None:
    """Return the most connections that a server is given at once, None without a limit.

    Between minconn and maxconn the limit follows the connections of the backend up to its fullconn: where that is
    beyond what all servers take, the first one waits at minconn (src/queue.c, srv_dynamic_maxconn()). minconn alone is
    maxconn.
    """
    value = max(held.maxconn, held.minconn)
    if not value:
        return of_source and replace(of_source, of=f"{proxy.name}/{name}")
    setting, notes = "maxconn", tuple[str, ...]()
    if 0 < held.minconn < held.maxconn:
        setting, value, notes = _between(proxy, held)
    of = f"{proxy.name}/{name}"
    if of_source and of_source.value < value:
        return replace(of_source, of=of)
    return OwnLimit("maxconn", value, setting, of, held.set_at, fails=_QUEUES, notes=notes)


def backlog(proxy: Proxy, of_global: int) -> int:
    """Return what the listeners of a proxy pass to listen(), the least of them; 0 where nothing says it.

    That of the bind line, of the proxy, else a maxconn of either (src/listener.c, listener_backlog()).
    """
    each = [
        options.number(line.after("backlog", 2))
        or proxy.number("backlog")
        or options.number(line.after("maxconn", 2))
        or proxy.number("maxconn")
        or of_global
        for line in proxy.section.named("bind")
    ]
    return min(each, default=0)


def _global(name: str, value: int, line: Directive) -> OwnLimit:
    if name in (*_RATES, "maxsslrate"):
        return OwnLimit(name, value, name, where=line.where, unit="connections/s", fails=_WAITS)
    if name == "maxsslconn":
        notes = ("counts connections with TLS alone, those to servers too",)
        return OwnLimit(name, value, name, where=line.where, fails=_WAITS, notes=notes)
    return OwnLimit(name, value, name, where=line.where, fails=_WAITS)


def _of_bind(proxy: Proxy, line: Directive) -> OwnLimit | None:
    value = options.number(line.after("maxconn", 2))
    if not value:
        return None
    count = listeners(line)
    of = f"bind {line.words[1]} of {proxy.name}"
    notes = (f"of each of its {count:,} listeners",) if count > 1 else ()
    return OwnLimit("maxconn", value, "maxconn", of, line.where, copies=max(count, 1), fails=_WAITS, notes=notes)


def listeners(line: Directive) -> int:
    """Return the listeners of a bind line: ADDRESS:LO[-HI],... and shards N."""
    every = addresses.listeners(line.words[1]) if len(line.words) > 1 else ()
    count = sum(len(ports) or 1 for _, ports in every)
    shards = line.after("shards", 2)
    return count * int(shards[:4]) if shards.isdecimal() else count


def _between(proxy: Proxy, held: Options) -> tuple[str, int, tuple[str, ...]]:
    """Return what binds of minconn and maxconn, its value, and how that comes."""
    full = proxy.number("fullconn")
    all_ = sum(max(line.options.maxconn, line.options.minconn) * len(line.slots) for line in proxy.servers)
    if full and full > all_:
        why = f"fullconn {full:,} is beyond the {all_:,} of all servers: a queue begins at minconn"
        return "minconn", held.minconn, (why,)
    why = "with minconn it is reached at fullconn" + (f" {full:,}" if full else ", a tenth of what may come by default")
    return "maxconn", held.maxconn, (why,)
