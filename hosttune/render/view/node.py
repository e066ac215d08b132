"""Every network namespace of a host: whether one is at a limit, which is nearest to one and on what, and a row each."""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.model import NetworkNamespace, Node, Severity, Use
from hosttune.model.document import Block, Callout, Column, Document, Fact, Paragraph, Row, Table, paragraphs
from hosttune.model.roles import Role
from hosttune.render import folding
from hosttune.render import namespace_words as words
from hosttune.render.figures import counted
from hosttune.render.report_parts import system

SCHEMA = "hosttune/node/1"
_ROWS = 16
_POOLS = 20
_ROLES = {Severity.ERROR: Role.BAD, Severity.WARNING: Role.DRIFT}
_COLUMNS = (
    Column("namespace", cut=True, least=12, most=40),
    Column("kept by", cut=True, least=13, most=40, wide=72),
    Column("sockets", right=True, wide=80),
    Column("TIME_WAIT", right=True, wide=120),
    Column("ports", right=True, wide=120),
    Column("conntrack", right=True, wide=120),
    Column("nearest limit", cut=True, tail=True, least=12),
    Column("used", right=True, wide=46),
    Column("limit", right=True, wide=60),
    Column("%", right=True),
    Column(""),
)
_POOL_COLUMNS = (
    Column("namespace", cut=True, least=10, most=40),
    Column("port pool", cut=True, tail=True, least=12),
    Column("used", right=True),
    Column("limit", right=True),
    Column("%", right=True),
    Column("slow above", right=True),
)


def document(node: Node, verbose: bool) -> Document:
    """Return it; `verbose` adds every row and the fullest port pools where there is little room."""
    machine, known = node.machine, [each for each in node.namespaces if each.unknown is None]
    about = (machine.hostname, system(machine), f"Linux {machine.kernel}" if machine.kernel else "")
    count = counted(len(node.namespaces), "network namespace")
    left = 0 if verbose else len(known[_ROWS:])
    blocks: tuple[Block, ...] = (
        _answer(node),
        *_rows(node, known, verbose),
        *((Paragraph(f"and {left:,} more that are farther from a limit (-v)", brief=True),) if left else ()),
        *_unknown(node),
        *_pools(known, verbose),
        *paragraphs(_remarks(node), label="note"),
        *paragraphs(node.missing, label="root would add"),
    )
    return Document(f"{machine.hostname or 'host'}: {count}", tuple(filter(None, (*about, count))), blocks)


def _answer(node: Node) -> Callout:
    every, unknown = len(node.namespaces), sum(each.unknown is not None for each in node.namespaces)
    full = sum(each.severity is Severity.ERROR for each in node.namespaces)
    count = counted(every, "network namespace")
    facts = tuple(_nearest(node))
    if full:
        return Callout(f"NOT READY: {full:,} of {count} at a limit", role=Role.BAD, facts=facts)
    if node.unknown is not None:
        return Callout(f"UNKNOWN: the network namespaces could not be listed: {node.unknown}", role=Role.UNKNOWN)
    if unknown:
        return Callout(f"UNKNOWN whether ready: {unknown:,} of {count} unknown", role=Role.UNKNOWN, facts=facts)
    return Callout(f"READY: no limit is reached in {count}", role=Role.GOOD, facts=facts)


def _nearest(node: Node) -> Iterator[Fact]:
    """Yield which namespace is nearest to a limit, and what to type."""
    first = next(iter(node.namespaces), None)
    if first is None or first.nearest is None or not first.nearest.used:
        return
    yield Fact("nearest", f"{words.whose(first)}, {words.filled(first.nearest)}")
    yield Fact("next", words.command(first, "check"), True)


def _rows(node: Node, known: list[NetworkNamespace], verbose: bool) -> Iterator[Table]:
    rows = [_row(each, extra=n >= _ROWS and not verbose) for n, each in enumerate(known)]
    # where there is little room a line for each reason says so
    rows += [_row(each, extra=True) for each in node.namespaces if each.unknown is not None]
    if rows:
        yield Table(_COLUMNS, tuple(rows), "Network namespaces, the nearest to a limit first", sortable=True)


def _row(namespace: NetworkNamespace, extra: bool) -> Row:
    use = namespace.nearest
    limit = use.limit if use and isinstance(use.limit, int) else 0
    name = "→".join(use.of) or use.name if use else ""
    nearest: tuple[str, ...] = ("", "", "", "", "")
    if use:
        nearest = (name, f"{use.used:,}", f"{limit:,}", f"{(use.share or 0) * 100:.0f}", _word(namespace, use))
    if namespace.unknown is not None:
        nearest = (f"UNKNOWN: {namespace.unknown}", "", "", "", "")
    numbers = (namespace.sockets, namespace.time_wait)
    cells = (
        words.called(namespace),
        words.keeper(namespace),
        *("" if number is None else f"{number:,}" for number in numbers),
        "" if namespace.ports is None else f"{namespace.ports[0]}-{namespace.ports[1]}",
        "" if namespace.conntrack is None else f"{namespace.conntrack:,}",
        *nearest,
    )
    role = Role.UNKNOWN if namespace.unknown else _ROLES.get(namespace.severity or Severity.INFO, Role.PLAIN)
    return Row(cells, role=role, extra=extra)


def _word(namespace: NetworkNamespace, use: Use) -> str:
    """Return in a word what the nearest use of a namespace means, "" where all is well."""
    if namespace.severity is None:
        return ""
    if namespace.severity is Severity.ERROR:
        return "FULL"
    return "SLOW" if use.knee and use.used >= use.knee else "NEAR"


def _unknown(node: Node) -> Iterator[Paragraph]:
    """Yield which namespaces could not be looked at, those of one reason as one paragraph."""
    alike: dict[str, list[str]] = {}
    for each in node.namespaces:
        if each.unknown is not None:
            alike.setdefault(str(each.unknown), []).append(words.called(each))
    for why, names in alike.items():
        yield Paragraph(f"UNKNOWN {folding.names(names)}: {why}", role=Role.UNKNOWN, brief=True)


def _pools(known: list[NetworkNamespace], verbose: bool) -> Iterator[Table]:
    """Yield the fullest port pools of all namespaces."""
    every = [(each, use) for each in known for use in each.uses if use.kind == "ports" and use.of]
    every.sort(key=lambda pair: -pair[1].nearness)
    rows = []
    for namespace, use in every[:_POOLS]:
        limit = use.limit if isinstance(use.limit, int) else 0
        knee = "" if use.knee is None else f"{use.knee:,}"
        share = f"{(use.share or 0) * 100:.0f}"
        pool = "→".join(use.of)
        rows.append(Row((words.called(namespace), pool, f"{use.used:,}", f"{limit:,}", share, knee)))
    if rows:
        yield Table(_POOL_COLUMNS, tuple(rows), "The fullest port pools", extra=not verbose)


def _remarks(node: Node) -> Iterator[str]:
    yield from node.notes
    for each in node.namespaces:
        yield from (f"{words.called(each)}: {note}" for note in each.notes)
