"""What the files of an HAProxy come to: where connections enter, the servers that get them, and its own limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hosttune.errors import UsageError
from hosttune.model import BindMode, Configuration, Entry, OwnLimit, Portless, Section
from hosttune.programs.configuration import Given
from hosttune.programs.shelves.haproxy import (
    addresses,
    chaining,
    choosing,
    descriptors,
    limits,
    proxies,
    reaching,
    sections,
    sourcing,
)
from hosttune.programs.shelves.haproxy.dialling import Dialled, Dialler, Tally
from hosttune.programs.shelves.haproxy.environment import Environment
from hosttune.programs.shelves.haproxy.naming import Names
from hosttune.programs.shelves.haproxy.noting import Notes
from hosttune.programs.shelves.haproxy.proxies import Proxy
from hosttune.programs.shelves.haproxy.reaching import Reach

_NAMED = 3


def read(given: Given) -> Configuration:
    """Return what the files come to, in their order; one `global` and `defaults` go on into the next file.

    Raises UsageError where HAProxy refuses a line for sure, and where no server is left that could be counted.
    """
    notes = Notes()
    environment = Environment(given.environment, given.paths)
    every = sections.read(_files(given), environment, notes)
    sourcing.check(every)
    made = proxies.read(every, notes)
    reach = reaching.reach(made, notes)
    settings, pipes = descriptors.settings(given.paths[0], every, made)
    dialler = Dialler(Names(given.host, given.resolves), notes)
    # a backend without servers stays: what leads there is answered by HAProxy itself
    dialled = {proxy.name: dialler.section(proxy, reach.fronts.get(proxy.name, ())) for proxy in reach.sections}
    rows = tuple(_section(proxy, dialled[proxy.name]) for proxy in reach.sections if _counts(dialled[proxy.name]))
    if not any(one.servers or one.sockets or one.answers for one in dialled.values()):
        passed = (*(text for one in dialled.values() for text in one.unknown), *notes.all())
        raise UsageError(_nothing_left(given, made, dialler.tally, "".join(passed[:1])))
    _say_of_global(every, notes)
    _say_of_transports(every, notes)
    known = {row.name for row in rows}
    chains = chaining.chains(reach, dialled, notes)
    return Configuration(
        "haproxy",
        tuple(given.paths),
        settings,
        entries=tuple(_entries(reach, known, settings.maxconn, chains.inner)),
        sections=rows,
        limits=limits.of_all(every, chains.passes),
        pipes=pipes,
        mode=BindMode.NO_PORT,
        notes=notes.all(),
        sockets=descriptors.sockets(every),
        passes=chains.passes,
    )


def _files(given: Given) -> Iterator[tuple[str, str]]:
    """Yield the files with their texts, behind what the command line sets: of several maxconn the first holds."""
    if given.overrides:
        yield "command line", "\n".join(("global", *given.overrides))
    yield from ((path, given.text(path)) for path in given.paths)


def _say_of_global(every: Sequence[sections.Section], notes: Notes) -> None:
    for line in (line for section in every if section.kind == "global" for line in section.named("ulimit-n")):
        value = line.words[-1]
        notes.add(line.where, f"ulimit-n {value}: HAProxy raises its soft limit of descriptors to it, and lowers none")


def _say_of_transports(every: Sequence[sections.Section], notes: Notes) -> None:
    for line in (line for section in every for line in section.named("bind")):
        if len(line.words) > 1 and (said := addresses.beyond(line.words[1])):
            notes.add(line.where, f"bind {line.words[1]}: {said}")


def _section(proxy: Proxy, dialled: Dialled) -> Section:
    count = len(dialled.servers)
    return Section(
        proxy.name,
        proxy.section.where,
        tuple(dialled.servers),
        limits=_of_sockets(proxy, dialled),
        # with one that takes no ports beside them each is looked at by itself: what moves on there is carried
        moves_on=not dialled.sockets and choosing.moves_on(proxy, count),
        uneven=choosing.uneven(proxy, count),
        unknown=tuple(dialled.unknown),
        growing="; ".join(dialled.growing[:_NAMED]),
        idle=tuple(dialled.idle),
        portless=tuple(_portless(proxy, dialled)),
    )


def _portless(proxy: Proxy, dialled: Dialled) -> Iterator[Portless]:
    """Yield what takes no ports beside servers that do: a template is as many."""
    for line in dialled.sockets if dialled.servers else ():
        most = limits.of_server(proxy, line.name, line.options, None)
        yield from [Portless(line.options.weight * dialled.times, most)] * len(line.slots)


def _counts(dialled: Dialled) -> bool:
    return bool(dialled.servers or dialled.unknown or dialled.sockets)


def _of_sockets(proxy: Proxy, dialled: Dialled) -> tuple[OwnLimit, ...]:
    """Return the limit of a section whose servers are on Unix sockets, where each has one: they take no ports."""
    if dialled.servers or dialled.unknown:
        return ()
    each = [limits.of_server(proxy, line.name, line.options, None) for line in dialled.sockets]
    most = [limit for limit in each if limit]
    if not most or len(most) < len(each):
        return ()
    total = sum(limit.value * max(len(line.slots), 1) for limit, line in zip(most, dialled.sockets, strict=True))
    setting = f"{most[0].setting} of all servers" if len(most) > 1 else most[0].setting
    return (OwnLimit("maxconn", total, setting, proxy.name, most[0].where, fails=most[0].fails),)


def _entries(reach: Reach, known: set[str], of_global: int, inner: frozenset[str]) -> list[Entry]:
    """Return the proxies that lead to a section with servers; one for statistics alone leads to none."""
    return [
        Entry(
            proxy.name,
            proxy.section.where,
            limits.of_entry(proxy),
            tuple(to.name for to in leads if to.name in known),
            limits.backlog(proxy, of_global),
            inner=proxy.name in inner,
        )
        for proxy, leads in reach.entries
        if any(to.name in known for to in leads)
    ]


def _nothing_left(given: Given, made: Sequence[Proxy], tally: Tally, passed: str) -> str:
    """Return the message where no server can be counted: how many lines there are, and what became of them.

    `passed` is file:line of the first that was passed over, and why.
    """
    first = f" ({passed})" if passed else ""
    at = f"{given.named} {', '.join(given.paths[:_NAMED])}"
    count = sum(1 for _ in proxies.servers(made))
    if not count:
        return f"{at}: no server line in it{first}; name the backends with --backend"
    lines = f"{count:,} server line{'s' * (count > 1)}"
    unset = ", ".join(f"${{{name}}}" for name in sorted(tally.unset)[:_NAMED])
    if unset and tally.lines["variable"] == count:
        is_are = "is" if len(tally.unset) == 1 else "are"
        return (
            f"{at}: {lines}, all by {unset}, which {is_are} set nowhere that was read{first}; set it, or name --backend"
        )
    reasons = {
        f"by {unset}, which is set nowhere" if kind == "variable" else kind: n for kind, n in tally.lines.items()
    }
    if left := count - sum(tally.lines.values()):
        reasons["in a section that no frontend leads to, or is disabled"] = left
    why = ", ".join(f"{n:,} {kind}" for kind, n in reasons.items())
    return f"{at}: {lines}, none of which gets connections that can be counted: {why}{first}; name them with --backend"
