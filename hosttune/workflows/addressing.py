"""From the words of a person to addresses of interfaces, and what is gathered before they come or go."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from hosttune.changes import network_files
from hosttune.changes.backends import address, anyip
from hosttune.changes.request import AddressFacts, Request
from hosttune.errors import HostError, UsageError
from hosttune.facts import address_lines, links, session
from hosttune.facts.links import Links
from hosttune.host import Host, text
from hosttune.host.live import LiveHost
from hosttune.model.progress import Step
from hosttune.render.figures import counted
from hosttune.workflows import telling

_MOST = 4096
_ASKED = 1.8
"""Seconds for which the link is asked who has an address: host/probes/duplicates.py."""


def addresses(texts: Sequence[str]) -> tuple[str, ...]:
    """Return each ADDRESS/PREFIX@INTERFACE of FIRST[-LAST]/PREFIX@INTERFACE; raises UsageError."""
    targets: list[str] = []
    for given in texts:
        span_, slash, rest = given.partition("/")
        first, _, last = span_.partition("-")
        try:
            low, high = ipaddress.ip_address(first), ipaddress.ip_address(last or first)
            prefix = rest.partition("@")[0]
            if prefix.isdecimal() and int(prefix) > low.max_prefixlen:
                raise UsageError(
                    f"--add-address {given}: /{prefix}: a prefix of IPv{low.version} ends at {low.max_prefixlen}"
                )
            address.parse(f"{first}/{rest}")
            count = int(high) - int(low) + 1
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"--add-address {given}: not FIRST[-LAST]/PREFIX@INTERFACE; write 10.0.0.21-10.0.0.44/24@eth0"
            ) from error
        if low.version != high.version or not slash or not 1 <= count <= _MOST:
            raise UsageError(f"--add-address {given}: FIRST to LAST must rise, {_MOST:,} addresses at most")
        for number in range(int(low), int(high) + 1):
            target = f"{type(low)(number)}/{rest}"
            targets.append("@".join(address.parse(target)))
    return tuple(dict.fromkeys(targets))


def prefixes(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the prefixes of --anyip; raises UsageError."""
    parsed = []
    for given in texts:
        try:
            parsed.append(anyip.parse(given))
        except ValueError as error:
            raise UsageError(f"--anyip {given}: {str(error).removeprefix(f'{given} ')}") from error
    return tuple(dict.fromkeys(parsed))


def completed(host: Host, texts: Sequence[str]) -> list[str]:
    """Return FIRST[-LAST]/PREFIX@INTERFACE of each text, where prefix or interface may be left out.

    What is left out is that of the subnet of this host that holds FIRST; raises UsageError where none does.
    """
    interfaces, made = None, []
    for given in texts:
        head, at, name = given.partition("@")
        span_, slash, prefix = head.partition("/")
        if slash and at:
            made.append(given)
            continue
        try:
            first = ipaddress.ip_address(span_.partition("-")[0])
        except ValueError as error:
            raise UsageError(f"{given}: not FIRST[-LAST][/PREFIX][@INTERFACE]; write 10.0.0.21-10.0.0.44") from error
        interfaces = _links(host, given) if interfaces is None else interfaces
        places = [(link, net) for link, net in links.around(interfaces, first) if name in ("", link)]
        if not places:
            where = f"{name} has" if at else "this host has"
            raise UsageError(f"{given}: {where} no subnet with {first}; name both: {span_}/PREFIX@INTERFACE")
        if len({link for link, _ in places}) > 1:
            both = " and ".join(dict.fromkeys(link for link, _ in places))
            raise UsageError(f"{given}: {both} have a subnet with {first}; name one: {head}@{places[0][0]}")
        made.append(f"{span_}/{prefix or places[0][1].prefixlen}@{places[0][0]}")
    return made


def present(host: Host, texts: Sequence[str]) -> list[str]:
    """Return the addresses to give up as this host has them, where prefix or interface are left out."""
    made: list[str] = []
    for given in texts:
        head, at, name = given.partition("@")
        if "/" in head and at:
            made += addresses([given])
            continue
        there = {
            (ipaddress.ip_interface(own).ip, link.name): f"{own}@{link.name}"
            for link in _links(host, given).links.values()
            for own in link.addresses
            if name in ("", link.name)
        }
        span_ = head.partition("/")[0]
        low, _, high = span_.partition("-")
        try:
            first, last = ipaddress.ip_address(low), ipaddress.ip_address(high or low)
            inside = [t for (mine, _), t in there.items() if _between(first, mine, last)]
        except (ValueError, TypeError) as error:
            raise UsageError(f"{given}: not FIRST[-LAST][/PREFIX][@INTERFACE]; write 10.0.0.21-10.0.0.44") from error
        # what is only on disk yet has no prefix but that of its subnet
        made += inside or addresses(completed(host, [given]))
    return list(dict.fromkeys(made))


def _between(first: links.Address, middle: links.Address, last: links.Address) -> bool:
    return first.version == middle.version == last.version and int(first) <= int(middle) <= int(last)


def _links(host: Host, given: str) -> Links:
    try:
        return links.gather(host)
    except HostError as error:
        raise UsageError(
            f"{given}: the interfaces are not seen here ({error}); write ADDRESS/PREFIX@INTERFACE"
        ) from error


def facts(host: Host, request: Request, *, force: bool = False, ours: Collection[str] = ()) -> AddressFacts:
    """Return what is to be known before addresses come or go; who has those that come is asked of the link.

    `ours` are the addresses that hosttune has added. A host without a kernel has only its files.
    """
    if not (request.addresses or request.remove or request.anyip or request.remove_anyip):
        return AddressFacts()
    goes = bool(request.remove or request.remove_anyip)
    returns = _returns(host, request) if goes and request.persist else {}
    try:
        interfaces = links.gather(host)
    except HostError:
        return AddressFacts(returns=returns, force=force)
    answers, unasked = _duplicates(host, request, interfaces)
    gone = [target for target in request.remove if _there(interfaces, target)]
    client, _ = session.ssh(host)
    nonlocal_bind = text(host, "/proc/sys/net/ipv6/ip_nonlocal_bind")
    return AddressFacts(
        answers=answers,
        unasked=unasked,
        subnets={name: link.addresses for name, link in interfaces.links.items()},
        needed=_needed(host, interfaces, gone, ours),
        returns={**(_given(interfaces, gone) if request.persist else {}), **returns},
        used=_used(host, gone, request.remove_anyip),
        taken=_taken(interfaces, client),
        force=force,
        nonlocal_bind=nonlocal_bind != "0" if nonlocal_bind else None,
    )


def _there(interfaces: Links, target: str) -> bool:
    with_prefix, name = address.parse(target)
    return name in interfaces.links and with_prefix in interfaces.links[name].addresses


def _given(interfaces: Links, gone: Iterable[str]) -> dict[str, str]:
    """Return those of the addresses that would be given again, with who gives them."""
    parsed = [(target, *address.parse(target)) for target in gone]
    return {
        target: "DHCP or a router gives it"
        for target, with_prefix, name in parsed
        if with_prefix in interfaces.links[name].passing
    }


def _duplicates(host: Host, request: Request, interfaces: Links) -> tuple[dict[str, str], tuple[str, ...]]:
    """Ask who has the addresses that come; those that are here already, on whichever interface, are ours."""
    own = interfaces.own()
    pairs = [[with_prefix.partition("/")[0], name] for with_prefix, name in map(address.parse, request.addresses)]
    pairs = [pair for pair in pairs if pair[0] not in own and pair[1] in interfaces.links]
    if not pairs or not isinstance(host, LiveHost):
        return {}, ()
    try:
        with telling.during(Step(f"asking who has {counted(len(pairs), 'address')} already", left=_ASKED)):
            answer = host.probe("duplicates", addresses=pairs)
    except HostError as error:
        return {}, (f"whether the addresses are in use already is unknown: {error.detail}",)
    unasked = tuple(
        f"{name} {why}: not checked whether the addresses are free" for name, why in answer["unasked"].items()
    )
    return dict(answer["answers"]), unasked


def _returns(host: Host, request: Request) -> dict[str, str]:
    """Return for each address and prefix that goes who else has it on disk: FILE:LINE."""
    parsed = [address.parse(target) for target in request.remove]
    own = network_files.paths(host, {name for _, name in parsed})
    wanted = {target: bare.partition("/")[0] for target, (bare, _) in zip(request.remove, parsed, strict=True)}
    wanted |= {prefix: prefix.partition("/")[0] for prefix in request.remove_anyip}
    named = address_lines.naming(host, set(wanted.values()), own)
    return {
        target: f"{named[bare]} names it; take it out there first, or --runtime-only"
        for target, bare in wanted.items()
        if bare in named
    }


def _needed(host: Host, interfaces: Links, gone: Sequence[str], ours: Collection[str]) -> dict[str, str]:
    """Return the addresses that this host cannot do without, each with the reason; none where none goes."""
    if not gone:
        return {}
    why: dict[str, str] = {}
    _, server = session.ssh(host)
    if server:
        why[server] = "this ssh session came by it"
    for default in interfaces.defaults:
        if source := default.source or _picked(host, default.gateway):
            why.setdefault(source, f"the default route by {default.interface} sends from it")
    left = Counter(
        _family(f"{with_prefix}@{link.name}") for link in interfaces.links.values() for with_prefix in link.addresses
    )
    left.subtract(map(_family, gone))
    theirs = {_family(target) for target in gone if target not in ours}
    for target in gone:
        name, version, _ = _family(target)
        # what hosttune gave to an interface that had none before may go altogether
        if not left[_family(target)] and _family(target) in theirs:
            why_not = f"{name} would be left without an address of IPv{version}"
            why.setdefault(target.partition("/")[0], why_not)
    return why


def _family(target: str) -> tuple[str, int, bool]:
    """Return the interface of an address and its family, those of the link alone apart."""
    with_prefix, _, name = target.rpartition("@")
    parsed = ipaddress.ip_interface(with_prefix)
    return name, parsed.version, parsed.ip.is_link_local


def _picked(host: Host, gateway: str) -> str:
    if not gateway:
        return ""
    try:
        return str(host.probe("routes", destinations=[gateway])[gateway]["source"])
    except HostError:
        return ""


def _used(host: Host, gone: Sequence[str], prefixes: Sequence[str]) -> dict[str, str]:
    """Return what is open on each address, and on each prefix, that goes."""
    if not gone and not prefixes:
        return {}
    try:
        answer = host.probe("occupants")
    except HostError:
        return {}
    used: dict[str, str] = {}
    for name in [*(target.partition("/")[0] for target in gone), *prefixes]:
        net = ipaddress.ip_network(name)
        inside = [ip for ip in answer["connections"] if _in(ip, net)]
        count = sum(answer["connections"][ip] for ip in inside)
        ports = sorted({row["port"] for row in answer["listeners"] if _in(row["address"], net)})
        parts = [f"{count:,} connection{'s go' if count != 1 else ' goes'} with it"] if count else []
        parts += [f"a program listens there, on port {', '.join(map(str, ports[:4]))}"] if ports else []
        if parts:
            used[name] = "; ".join(parts)
    return used


def _in(text: str, net: links.Network) -> bool:
    ip = ipaddress.ip_address(text)
    return ip.version == net.version and ip in net


def _taken(interfaces: Links, client: str) -> tuple[tuple[str, str], ...]:
    """Return the prefixes that must not become this host's own."""
    taken: list[tuple[str, str]] = []
    for link in interfaces.links.values():
        for version in (4, 6):
            taken += [(str(net), f"the subnet of {link.name}") for net in links.subnets(link, version)]
        for with_prefix in link.addresses:
            taken.append((with_prefix.partition("/")[0], f"an address of {link.name}"))
        taken += [(gateway, f"a gateway on {link.name}") for gateway in link.gateways]
    return tuple([*taken, *([(client, "where this ssh session comes from")] if client else [])])
