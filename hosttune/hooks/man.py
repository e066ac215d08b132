"""Manual pages: section 1, a page a verb, from what the help says; 5, the formats that people write; 7, concepts.

A page holds no date: of one version it is always the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from hosttune.hooks import roff
from hosttune.manual import surroundings
from hosttune.manual.concepts import Told
from hosttune.manual.formats import Format, Key
from hosttune.manual.verb import Parameter, Verb

MARK = "made by hosttune hook man"
_FORMATS = ("hosttune-profile(5)", "hosttune-topology(5)", "hosttune(7)")
_CONCEPTS = "the ideas behind the numbers: source ports, bind modes, slow port searches, boot values, drift"


def pages(
    top: Verb, version: str, formats: Sequence[Format] = (), concepts: Mapping[str, Sequence[Told]] | None = None
) -> dict[str, str]:
    """Return the text of each page by its file name, such as hosttune-check.1."""
    made = {f"{verb.page}.1": _page(verb, group, top, version) for verb, group in _all(top, top)}
    made |= {f"hosttune-{each.name}.5": _format(each, version) for each in formats}
    return made | ({"hosttune.7": _concepts(concepts, version)} if concepts else {})


def above(directory: str) -> str:
    """Return the directory of all manuals: who names man1 itself means the one above it."""
    place, _, name = directory.rstrip("/").rpartition("/")
    return (place or ".") if name == "man1" else directory


def folder(name: str) -> str:
    """Return the directory of a page below that of all manuals: man1 for hosttune.1."""
    return f"man{name.rpartition('.')[2]}"


def _all(verb: Verb, group: Verb) -> Iterator[tuple[Verb, Verb]]:
    """Yield each verb and the group that it is of."""
    yield verb, group
    for each in verb.verbs:
        yield from _all(each, verb)


def _page(verb: Verb, group: Verb, top: Verb, version: str) -> str:
    paragraphs = verb.paragraphs
    first = paragraphs[0].rstrip(".")
    lines = _head(verb.page, 1, f"{first[:1].lower()}{first[1:]}", version)
    lines += [".SH SYNOPSIS", _synopsis(verb), ".SH DESCRIPTION", *_paragraphs(paragraphs)]
    if verb.verbs:
        lines += [".SH COMMANDS", *_table((each.name, each.paragraphs[0]) for each in verb.verbs)]
    if verb.arguments:
        lines += [".SH ARGUMENTS", *_parameters(verb.arguments)]
    if verb.options:
        lines += [".SH OPTIONS"]
        for title, options in verb.panels.items():
            lines += [*([f".SS {roff.escaped(title)}"] if len(verb.panels) > 1 else []), *_parameters(options)]
    if verb.exits:
        lines += [".SH EXIT STATUS", *_table((str(code), means) for code, means in verb.exits.items())]
    if not verb.verbs or verb is top:
        lines += [".SH ENVIRONMENT", *_table(surroundings.environment(verb.words).items())]
        files = surroundings.files(verb.words)
        lines += [".SH FILES", *_table(files.items())] if files else []
    if verb.examples:
        lines += [".SH EXAMPLES", *_examples(verb)]
    near = {f"{each.page}(1)" for each in (top, group, *group.verbs, *verb.verbs)} - {f"{verb.page}(1)"}
    return _ended([*lines, *_see([*sorted(near), *_FORMATS])])


def _format(made: Format, version: str) -> str:
    """Return the page of a format."""
    lines = _head(f"hosttune-{made.name}", 5, made.sentence, version)
    lines += [".SH DESCRIPTION", *_paragraphs(made.paragraphs)]
    for table in made.tables:
        lines += [f".SH {roff.escaped(table.head)}", roff.prose(table.help)]
        lines += [line for key in table.keys for line in roff.item(roff.bold(key.name), _told(key))]
    lines += [".SH EXAMPLES", *_literal(made.example)[1:]]
    return _ended([*lines, *_see([*made.see, "hosttune(1)", "hosttune(7)"])])


def _concepts(told: Mapping[str, Sequence[Told]], version: str) -> str:
    """Return the page of the concepts."""
    lines = _head("hosttune", 7, _CONCEPTS, version)
    for title, parts in told.items():
        lines.append(f".SH {roff.escaped(title)}")
        for number, part in enumerate(parts):
            if isinstance(part, str):
                lines += [*([".PP"] if number else []), roff.prose(part)]
            else:
                lines += roff.item(roff.bold(part[0]), part[1])
    return _ended([*lines, *_see(["hosttune(1)", *_FORMATS[:2]])])


def _head(name: str, section: int, sentence: str, version: str) -> list[str]:
    shown = roff.escaped(name)
    return [
        rf".\" {MARK}",
        f'.TH {shown.upper()} {section} "" "hosttune {roff.escaped(version)}" "hosttune"',
        ".SH NAME",
        rf"{shown} \- {roff.escaped(sentence)}",
    ]


def _ended(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def _see(pages: Sequence[str]) -> list[str]:
    words = ",\n".join(f"{roff.bold(page[:-3])}{page[-3:]}" for page in pages)
    return [".SH SEE ALSO", ".nh", words]


def _told(key: Key) -> str:
    more = "Required." if key.required else f"Default: {key.default}." if key.default else ""
    return " ".join(filter(None, (key.help, f"{key.kind[:1].upper()}{key.kind[1:]}.", more)))


def _paragraphs(texts: Sequence[str]) -> list[str]:
    return "\n.PP\n".join(map(roff.prose, texts)).split("\n")


def _examples(verb: Verb) -> Iterator[str]:
    for number, (wanted, command) in enumerate(verb.examples):
        yield from [*([".PP"] if number else []), roff.prose(wanted), *_literal(command)]


def _literal(text: str) -> list[str]:
    """Return lines that are shown as they stand, in an example."""
    return [".PP", ".RS 4", ".nf", *map(roff.line, text.rstrip("\n").split("\n")), ".fi", ".RE"]


def _synopsis(verb: Verb) -> str:
    needed = [f"{roff.bold(each.names[0])} {roff.italic(each.metavar)}" for each in verb.options if each.required]
    words = ["[OPTIONS]" if verb.options else "", *(each.metavar for each in verb.arguments)]
    words += ["COMMAND ..."] if verb.verbs else []
    return " ".join([roff.bold(verb.name), *needed, *(roff.italic(word) for word in words if word)])


def _parameters(parameters: Sequence[Parameter]) -> list[str]:
    return [line for each in parameters for line in roff.item(_spelled(each), _explained(each))]


def _spelled(each: Parameter) -> str:
    """Return an option with its value, `-o, --output FILE`, or the name of an argument."""
    value = roff.italic(each.metavar) if each.metavar else ""
    return " ".join(part for part in (", ".join(map(roff.bold, each.names)), value) if part)


def _explained(each: Parameter) -> str:
    return " ".join(part for part in (each.help, f"Default: {each.default}." if each.default else "") if part)


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [line for head, text in rows for line in roff.item(roff.bold(head), text)]
