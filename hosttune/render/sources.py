"""Source addresses for a person: runs of them as FIRST-LAST, and what peers have to know."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from hosttune import addresses
from hosttune.model import Change, Plan
from hosttune.model.document import Block, Paragraph
from hosttune.printable import clean
from hosttune.render import plan_text


def runs(targets: Iterable[str]) -> list[str]:
    """Return ADDRESS/PREFIX@INTERFACE joined to FIRST-LAST/PREFIX@INTERFACE where they follow each other."""
    groups: dict[tuple[int, str], list[int]] = {}
    for target in targets:
        address, _, rest = target.partition("/")
        parsed = ipaddress.ip_address(address)
        groups.setdefault((parsed.version, rest), []).append(int(parsed))
    made = []
    for (version, rest), numbers in groups.items():
        kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
        made += [f"{run}/{rest}" for run in addresses.runs(str(kind(number)) for number in sorted(numbers))]
    return made


def changes(plan: Plan) -> Iterator[Block]:
    """Yield a plan: runs of addresses, prefixes, then the files as differences, and the notes."""
    yield from (Paragraph(text) for text, _ in _kernel(plan.changes))
    rest = tuple(c for c in plan.changes if c.backend not in ("address", "anyip"))
    yield from plan_text.blocks(Plan(changes=rest, notes=plan.notes))


def done(plan: Plan, persist: bool) -> Iterator[Block]:
    """Yield what was done, in the kernel and on disk."""
    files = [c for c in plan.changes if c.backend == "file"]
    for text, came in _kernel(plan.changes):
        later = ", now only" if not persist else ", until the next boot" if came and not files else ""
        yield Paragraph(f"{text}{later}")
    for change in files:
        how = "written" if change.before is None else "removed" if change.after is None else "written anew"
        yield Paragraph(f"{clean(change.target)} {how}", "at boot")


def _kernel(changes: Iterable[Change]) -> list[tuple[str, bool]]:
    """Return a line for each run of addresses and each prefix, and whether it comes."""
    lines: list[tuple[str, bool]] = []
    for came, word in ((True, "new"), (False, "removed")):
        of = [c for c in changes if bool(c.after) is came]
        for run in runs(c.target for c in of if c.backend == "address"):
            first = run.partition("/")[0]
            count = _count(first)
            lines.append((f"{clean(run)}: {count:,} address{'es' * (count != 1)} {word}", came))
        lines += [
            (f"local route {c.target} dev lo: {_size(c.target)} {word}", came) for c in of if c.backend == "anyip"
        ]
    return lines


def _count(text: str) -> int:
    first, _, last = text.partition("-")
    return int(ipaddress.ip_address(last or first)) - int(ipaddress.ip_address(first)) + 1


def _size(prefix: str) -> str:
    network = ipaddress.ip_network(prefix)
    bits = network.max_prefixlen - network.prefixlen
    return f"{network.num_addresses:,} addresses" if bits <= 32 else f"2^{bits} addresses"


def return_route(prefix: str, via: str) -> tuple[str, str]:
    """Return what the peers have to be told before a packet finds its way back, and the command for it."""
    six = " -6" if ":" in prefix else ""
    return (
        "peers answer only with a route back; on each of them, or on their router:",
        f"sudo ip{six} route add {prefix} via {via}",
    )
