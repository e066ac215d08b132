"""Every verb and format with hostile text in whatever comes from outside: it is not printed, no line is forged."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hosttune.cli import app, main
from hosttune.manual import verb as manual
from hosttune.manual.verb import Parameter, Verb
from hosttune.model import Run
from hosttune.watching import record
from tests.changes import tree
from tests.hostile.text import EVIL, LINE, hold, poisoned
from tests.vm.guest import REPO
from tests.watching.made import tick, use

Printed = Callable[..., int]
STOCK = REPO / "tests/hosts/debian12-stock.json"
CHECK = ("table", "json", "markdown", "prometheus", "junit", "tap", "nagios")


@pytest.fixture
def printed(capfdbinary: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Printed]:
    """Give what runs a verb and holds what it prints; it returns the exit code."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> int:
        # the streams that a verb puts in place are those of the whole process
        before = sys.stdout, sys.stderr
        monkeypatch.setattr(sys, "argv", ["hosttune", *words])
        try:
            with pytest.raises(SystemExit) as ended:
                main(list(words))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            sys.stdout, sys.stderr = before
        out, wrong = capfdbinary.readouterr()
        for text in (out, wrong):
            hold(text)
            assert b"bug of hosttune" not in text, text
        return int(ended.value.code or 0)

    yield run


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a snapshot of this very host with hostile text in it, its processes and routes among that."""
    path = tmp_path_factory.mktemp("snapshot") / "host.json"
    before = sys.stdout, sys.stderr
    with pytest.raises(SystemExit):
        main(["snapshot", "-o", str(path), "--backend", "127.0.0.1:1883", "--for", "0.4s"])
    sys.stdout, sys.stderr = before
    path.write_text(json.dumps(poisoned(json.loads(path.read_text()))))
    return str(path)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("stock") / "host.json"
    path.write_text(json.dumps(poisoned(json.loads(STOCK.read_text()))))
    return str(path)


@pytest.mark.parametrize("format", CHECK)
def test_check(printed: Printed, snapshot: str, stock: str, format: str) -> None:
    for host in (snapshot, stock):
        assert printed("check", "--role", "lb", "-v", "--format", format, "--snapshot", host) in (0, 1, 2)


@pytest.mark.parametrize(
    "words",
    [
        ("capacity", "--role", "lb", "-v"),
        ("capacity", "--role", "lb", "-v", "--format", "json"),
        ("capacity", "--role", "client", "--backend", "127.0.0.1:1883", "--svg", "drawn.svg"),
        ("diagnose", "-v"),
        ("diagnose", "-v", "--format", "json"),
        ("diagnose", "-v", "--log", "log", "--errno", "EMFILE"),
        ("resolve",),
        ("resolve", "net.core.somaxconn", "--user", "root", "--unit", "haproxy.service"),
        ("resolve", "--format", "json"),
        ("apply", "--role", "lb", "--dry-run"),
        ("apply", "--role", "lb", "--dry-run", "--format", "json"),
        ("apply", "--role", "lb", "--script"),
        ("sources", "plan", "--connections", "100000", "--backend", "127.0.0.1:1883"),
        ("sources", "plan", "--connections", "100000", "--backend", "127.0.0.1:1883", "--format", "json"),
    ],
    ids=" ".join,
)
def test_what_looks_at_a_snapshot(printed: Printed, snapshot: str, stock: str, words: tuple[str, ...]) -> None:
    log = f"2026/01/01 accept4() failed (24: Too many open files){LINE}\nTCP: too many orphaned sockets{LINE}\n"
    Path("log").write_text(log * 3, errors="surrogateescape")
    for host in (snapshot, stock):
        printed(*words, "--snapshot", host)
    if "--svg" in words:
        hold(Path("drawn.svg").read_bytes())


def test_an_apply_and_its_way_back_in_a_root_of_that_name(printed: Printed, tmp_path: Path) -> None:
    """The name of the root stands in paths, in the commands that are kept, and in what to type next."""
    root = tree.make(tmp_path / EVIL)
    for path in (root / "proc").rglob("*"):
        if path.is_file():
            path.unlink()
    files = {"sysctl.d": f"net.core.somaxconn = 5{LINE}\n", "security/limits.d": f"root - nofile 9{LINE}\n"}
    for name, lines in files.items():
        place = root / "etc" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / f"99{EVIL}.conf").write_text(lines, errors="surrogateescape")
    for format in ("table", "json"):
        for words in (
            ("apply", "--role", "lb", "--dry-run"),
            ("apply", "--role", "lb", "--yes"),
            ("history",),
            ("rollback", "--dry-run"),
            ("rollback", "--yes"),
            ("history",),
            ("check", "--role", "lb", "-v"),
            ("resolve",),
        ):
            printed(*words, "--root", str(root), "--format", format)
    printed("apply", "--role", "lb", "--script", "--root", str(root))


REPORTS = ((), ("--markdown",), ("--svg",), ("-o", "file"), ("--svg", "-o", "file"))


@pytest.mark.parametrize("words", REPORTS, ids=" ".join)
def test_the_report_of_a_hostile_record(printed: Printed, words: tuple[str, ...]) -> None:
    """Case 8: names, units and reads of a record, its host and its settings."""
    one = use(100, id=EVIL)
    run = Run(0.0, EVIL, EVIL, EVIL, 2, 1 << 30, 1.0, EVIL, {EVIL: EVIL})
    lines = [record.head(run), {"names": {EVIL: [EVIL, EVIL, EVIL]}}]
    lines += [record.look(tick(float(at), one)) for at in range(9)]
    Path("run.jsonl").write_text("".join(map(record.text, lines)))
    assert printed("report", "run.jsonl", *words) == 0
    if "-o" in words:
        hold(Path("file").read_bytes())


def test_a_hostile_profile_and_topology(printed: Printed) -> None:
    row = '[[require]]\nsubject = "sysctl:net.core.somaxconn"\noperator = "at_least"\nvalue = 5\nseverity = "error"\n'
    told = '"' + "".join(f"\\U{ord(letter):08X}" for letter in EVIL if letter != "\udcff") + '"'
    Path("mine.toml").write_text(f'[profile]\nname = "mine"\ntitle = {told}\n\n{row}why = {told}\nsource = {told}\n')
    for words in (("show",), ("validate",)):
        printed("profile", *words, "mine.toml")
    for format in CHECK:
        printed("check", "-v", "--profile", "mine.toml", "--snapshot", str(STOCK), "--format", format)
    shipped = next((REPO / "profiles/topologies").glob("*.toml")).read_text()
    Path("plan.toml").write_text(f"title = {told}\n" + shipped.replace("title", "told", 1))
    Path("other.toml").write_text(shipped + f"\n[{told}]\nx = {told}\n")
    for name, format in itertools.product(("plan.toml", "other.toml"), ("table", "markdown", "json")):
        printed("plan", name, "--format", format)


# what keeps a verb from doing anything once it has taken an option
_STILL = {
    "hosttune watch": ("--interval", "nosuch"),
    "hosttune prove": ("--only", "nosuch"),
    "hosttune hook pyz": ("--python", "nosuch"),
    "hosttune snapshot": ("--for", "nosuch"),
}


def _verbs() -> list[Verb]:
    import typer

    def below(one: Verb) -> Iterator[Verb]:
        if not one.verbs:
            yield one
        for each in one.verbs:
            yield from below(each)

    return list(below(manual.verb(typer.main.get_command(app), "hosttune")))


@pytest.mark.parametrize("verb", _verbs(), ids=lambda verb: verb.name)
def test_what_was_given_is_never_said_as_it_is(printed: Printed, verb: Verb, tmp_path: Path) -> None:
    """Each option and argument of each verb, and one that there is not."""

    def words(one: Parameter) -> tuple[str, ...]:
        return (max(one.names, key=len), EVIL) if one.names else (EVIL,)

    takes = [one for one in (*verb.options, *verb.arguments) if one.metavar]
    names = {name for one in verb.options for name in one.names}
    before = ("--root", str(tree.make(tmp_path / "root"))) if "--root" in names else ()
    if "--snapshot" in names and not before:
        before = ("--snapshot", str(STOCK))
    for one in [*takes, Parameter((f"--{EVIL}",), "X", ""), Parameter((), "X", "")]:
        still = () if one.names and one.names[-1] in before else before
        printed(*verb.name.split()[1:], *still, *_STILL.get(verb.name, ()), *words(one))
    assert os.getcwd() == str(tmp_path)
