"""The journal: what is written can be read, what was changed since is seen, and one bad record holds up no other."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hosttune.changes import codec, journal, transaction
from hosttune.changes.confirm import PROCESS, SYSTEMD, Confirm
from hosttune.changes.record import HIGHEST_ID, Instance, Record, Status
from hosttune.changes.request import Request
from hosttune.errors import RefusedError, UsageError
from hosttune.host.live import LARGEST, MOST_NAMES
from hosttune.model import Change, FileState, Operator, Requirement, Severity, Subject, Who
from hosttune.model.acting import Invocation
from tests import needs, pace
from tests.changes import acts, tree

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own

DROP_IN = "etc/sysctl.d/90-hosttune.conf"

# what a file can hold and be called: any byte, as the host seam decodes it
ANY = st.binary(max_size=40).map(lambda data: data.decode("utf-8", "surrogateescape"))
NAME = (
    st.binary(min_size=1, max_size=40).filter(lambda b: 0 not in b).map(lambda b: b.decode("utf-8", "surrogateescape"))
)
PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
OWNER = st.none() | st.integers(0, 2**32 - 2)
FILES = st.builds(
    FileState,
    text=ANY,
    mode=st.integers(0, 0o7777),
    uid=OWNER,
    gid=OWNER,
    attributes=st.lists(st.tuples(NAME, st.binary(max_size=20).map(bytes.hex)), max_size=3).map(tuple),
)
ADDRESS = st.one_of(
    st.ip_addresses(v=4).map(lambda a: f"{a}/24@eth0"), st.ip_addresses(v=6).map(lambda a: f"{a}/64@lo")
)
SYSCTL = st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), max_size=20)
LIMITS = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)).map(lambda pair: f"{pair[0]} {pair[1]}")


def change(backend: str, target: st.SearchStrategy[str], state: st.SearchStrategy[Any]) -> st.SearchStrategy[Change]:
    texts = st.lists(PLAIN, max_size=2).map(tuple)
    return st.builds(Change, st.just(backend), target, state, state, serves=texts, why=ANY)


CHANGE = st.one_of(
    change("file", st.just(f"/{DROP_IN}"), st.none() | FILES),
    change("sysctl", st.sampled_from(["net.ipv4.tcp_tw_reuse", "net.ipv4.conf.eth0/100.promote_secondaries"]), SYSCTL),
    change("directory", st.just("/etc/sysctl.d"), st.sampled_from([None, "present"])),
    change("prlimit", st.integers(1, 2**22).map(lambda n: f"{n}:{n}"), st.none() | LIMITS),
    change("address", ADDRESS, st.sampled_from([None, "present"])),
    change("anyip", st.just("10.9.0.0/24"), st.sampled_from([None, "present"])),
)
CHANGES = st.lists(CHANGE, max_size=4).map(tuple)
VALUE = st.integers() | PLAIN | st.lists(st.integers(), max_size=3).map(tuple)
TEXTS = st.lists(ANY, max_size=3).map(tuple)
REQUIREMENT = st.builds(
    Requirement,
    subject=st.builds(Subject, st.sampled_from(["sysctl", "nofile"]), st.sampled_from(["a.b", "unit/x.service"])),
    operator=st.sampled_from(Operator),
    wants=st.lists(VALUE, max_size=3).map(tuple),
    why=ANY,
    source=ANY,
    severity=st.sampled_from(Severity),
    roles=TEXTS,
    unit=ANY,
    demand=ANY,
    waived=ANY,
    origin=ANY,
)
ADDRESSES = st.lists(ADDRESS, max_size=2).map(tuple)
REQUEST = st.builds(
    Request,
    requirements=st.lists(REQUIREMENT, max_size=2).map(tuple),
    runtime=st.booleans(),
    persist=st.booleans(),
    only=TEXTS,
    live=st.booleans(),
    restart=st.booleans(),
    addresses=ADDRESSES,
    roles=TEXTS,
    connections=st.integers(0, 10**9),
    leave=TEXTS,
    anyip=st.just(("10.9.0.0/24",)),
    remove=ADDRESSES,
    remove_anyip=st.just(()),
)
MADE = st.builds(Invocation, ANY, ANY, st.builds(Who, ANY, ANY, ANY, ANY), ANY)
CONFIRM = st.builds(
    Confirm,
    seconds=st.integers(1, 86_400),
    boot=ANY,
    deadline=st.integers(),
    until=ANY,
    timer=st.sampled_from([SYSTEMD, PROCESS]),
    ended=ANY,
)
RECORD = st.builds(
    Record,
    id=st.integers(1, HIGHEST_ID),
    status=st.sampled_from(Status),
    made=MADE,
    request=REQUEST,
    changes=CHANGES,
    reload=st.booleans(),
    restarts=st.lists(st.sampled_from(["a.service", "b@1.service"]), max_size=2).map(tuple),
    one_way=TEXTS,
    where=st.builds(Instance, ANY, ANY),
    way_back=CHANGES,
    rewrites=st.dictionaries(st.integers(1, HIGHEST_ID), CHANGES, max_size=2),
    left=CHANGES,
    rollbacks=st.lists(MADE, max_size=2).map(tuple),
    confirm=st.none() | CONFIRM,
    pending=CHANGES,
).filter(lambda record: record.confirm or record.status not in (Status.UNCONFIRMED, Status.CONFIRMING))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree.make(tmp_path / "host")


def path_of(root: Path, number: int) -> Path:
    return root / tree.JOURNAL / f"{number:06d}.json"


@given(RECORD)
@settings(max_examples=150, deadline=None)
def test_whatever_is_written_is_read(record: Record) -> None:
    text = codec.proven(record)
    assert codec.record_of(text) == record and text.isascii()
    again = json.loads(text)
    assert set(again) == {"schema", "sha256"} | {field.name for field in dataclasses.fields(Record)}


def changed(value: Any, other: Any) -> Iterator[Any]:
    """Return a value with each part of it in turn left out, replaced by `other`, or joined by it."""
    yield other
    if isinstance(value, dict):
        for name, inside in value.items():
            yield {n: v for n, v in value.items() if n != name}
            yield from ({**value, name: one} for one in changed(inside, other))
        yield {**value, "more": other}
    elif isinstance(value, list):
        for at, inside in enumerate(value):
            yield from ([*value[:at], one, *value[at + 1 :]] for one in changed(inside, other))
        yield [*value, other]


@pytest.mark.parametrize("other", [True, 1, 1.0, -1, 2**80, "1", "", None, [], [1, 1], {}, {"1": []}])
def test_what_is_read_is_what_was_written_and_nothing_is_taken_for_another_type(other: Any) -> None:
    state = FileState("x", uid=1, attributes=(("user.x", "00"),))
    made = (Change("file", f"/{DROP_IN}", None, state, ("sysctl:a.b",)), Change("prlimit", "1:2", "1 2", None))
    wants = (1, "x", (1, 2))
    requirement = Requirement(Subject("sysctl", "a.b"), Operator.ONE_OF, wants, "", "", Severity.ERROR, ("lb",))
    request = Request((requirement,), addresses=("10.0.0.1/24@eth0",), anyip=("10.9.0.0/24",))
    confirm = Confirm(60, "b", 1, "u", "process")
    run = Invocation()
    record = Record(1, Status.APPLIED, run, request, made, rewrites={1: made}, rollbacks=(run,), confirm=confirm)
    plain = {"schema": codec.SCHEMA, **codec.encode(record)}
    good = 0
    for fields in changed(plain, other):
        text = codec.sealed(fields) if isinstance(fields, dict) else json.dumps(fields)
        try:
            assert codec.text_of(codec.record_of(text)) == text
            good += 1
        except ValueError as error:
            assert str(error) and "\n" not in str(error) and len(str(error)) < 300
    assert good < 60


@pytest.mark.slow
@pytest.mark.parametrize("field", ["one_way", "changes", "request", "more"])
def test_a_large_record_of_nothing_but_errors_is_refused_at_once(field: str) -> None:
    fields: dict[str, Any] = {"schema": codec.SCHEMA, **codec.encode(plain_record())}
    fields |= {"one_way": {"one_way": [1] * 2_000_000}, "changes": {"changes": [{}] * 1_500_000}}.get(field, {})
    if field == "request":
        fields["request"]["requirements"] = [{"subject": 1}] * 400_000
    if field == "more":
        fields |= {f"more{number}": 1 for number in range(400_000)}
    text = codec.sealed(fields)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=field if field != "more" else "fields") as caught:
            codec.record_of(text)
        assert len(str(caught.value)) < 200 and tracemalloc.get_traced_memory()[1] < 500 << 20
    finally:
        tracemalloc.stop()


BAD: dict[str, tuple[Callable[[Record], Record], str]] = {
    "a mode that no file has": (lambda r: with_file(r, mode=0o10644), "changes: [0]: after: mode: 4516"),
    "an owner that no file has": (lambda r: with_file(r, uid=2**32 - 1), "changes: [0]: after: uid: 4294967295"),
    "a text that no file holds": (lambda r: with_file(r, text="\ud800"), "changes: [0]: after: text: "),
    "a pair of surrogates": (lambda r: dataclasses.replace(r, one_way=("\ud83d\ude00",)), "one_way: "),
    "a unit that is none": (lambda r: dataclasses.replace(r, restarts=("a\nb.service",)), "restarts: [0]: "),
    "a number that is beyond all": (lambda r: dataclasses.replace(r, id=10**9), "id: "),
}


def with_file(record: Record, **fields: Any) -> Record:
    state = dataclasses.replace(FileState("x"), **fields)
    return dataclasses.replace(record, changes=(Change("file", f"/{DROP_IN}", None, state),))


def plain_record() -> Record:
    return Record(1, Status.APPLYING, Invocation(), Request(), ())


@pytest.mark.parametrize("name", BAD)
def test_what_could_not_be_read_again_is_refused_by_its_field(name: str) -> None:
    change, said = BAD[name]
    with pytest.raises(OSError) as caught:
        journal.check(change(plain_record()))
    assert str(caught.value.strerror).startswith(said)
    assert str(journal.not_saved(caught.value)).count("\n") == 0 and journal.not_saved(caught.value).exit_code == 5


def test_the_mode_of_a_file_of_ours_is_whatever_a_file_can_have(root: Path) -> None:
    # case 3 of the safety cases: the set-group-ID bit was kept and not read
    assert acts.apply(tree.Host(root), tree.asked(role=["client"], connections=200_000)) == 0
    (root / DROP_IN).chmod(0o2644)
    (root / "etc/security/limits.d/90-hosttune.conf").chmod(0o7777)
    old = tree.look(root)
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    acts.history(root, "table")
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert tree.look(root) == old


def test_a_record_that_is_too_large_is_refused_before_the_first_write(root: Path) -> None:
    (root / tree.JOURNAL).mkdir(parents=True)
    old = tree.look(root)
    with pytest.raises(RefusedError, match="bytes, and") as caught:
        transaction.apply(tree.Host(root), with_file(plain_record(), text="x" * (LARGEST // 2)), restart=False)
    assert "\n" not in str(caught.value)
    assert tree.look(root) == old and not list((root / tree.JOURNAL).glob("*.json"))


def three(root: Path) -> None:
    """Make two applies, the first of which is rolled back, so that nothing depends on it."""
    assert acts.apply(tree.Host(root), tree.asked(role=["client"], connections=200_000)) == 0
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert acts.apply(tree.Host(root), tree.asked()) == 0


DAMAGE: dict[str, Callable[[Path], object]] = {
    "junk": lambda path: path.write_text("junk\n"),
    "empty": lambda path: path.write_text(""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "another text": lambda path: path.write_text(path.read_text().replace("client", "klient")),
    "another number": lambda path: tree.reseal(path, lambda found: found.update(id=2)),
    "another release": lambda path: tree.reseal(path, lambda found: found.update(schema="hosttune/journal/9")),
    "nested": lambda path: path.write_text("[" * 100_000),
    "not utf-8": lambda path: path.write_bytes(b"\xff" * 100),
    "others can write it": lambda path: path.chmod(0o666),
    "another owner": lambda path: os.chown(path, 1000, -1),
    "a link": lambda path: (path.rename(path.with_suffix(".x")), path.symlink_to(path.with_suffix(".x"))),
    "a dangling link": lambda path: (path.unlink(), path.symlink_to("nowhere")),
    "a fifo": lambda path: (path.unlink(), os.mkfifo(path)),
    "a directory": lambda path: (path.unlink(), path.mkdir()),
    "huge": lambda path: os.truncate(path, 1 << 33),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "another owner")) for name in DAMAGE]
)
def test_a_damaged_record_is_named_and_holds_up_no_other(
    root: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "another owner":
        needs.need("root")
    old = tree.look(root)
    three(root)
    DAMAGE[name](path_of(root, 1))
    capsys.readouterr()
    acts.history(root, "json")
    listed = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in listed["applies"]] == [2]
    assert [(one["id"], one["file"]) for one in listed["damaged"]] == [(1, str(path_of(root, 1)))]
    acts.history(root, "table")
    assert "000001.json is damaged" in " ".join(capsys.readouterr().out.split())
    assert acts.rollback(tree.Host(root), tree.back(id=2)) == 0
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "000001.json" in said.err
    assert json.loads(said.out)["damaged"] == listed["damaged"]
    now = tree.look(root)
    assert {path: now[path] for path in old} == old
    assert not any("hosttune" in path for path in now if path.startswith("etc"))
    with pytest.raises(RefusedError, match=r"apply 1 cannot be undone: .*000001\.json is damaged"):
        acts.rollback(tree.Host(root), tree.back(id=1))
    with pytest.raises(UsageError):
        acts.rollback(tree.Host(root), tree.back(id=7))
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    said = capsys.readouterr()
    assert (json.loads(said.out)["id"], said.err.count("\n")) == (3, 1)


def test_the_number_of_a_new_apply_is_above_all_on_disk(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / tree.JOURNAL).mkdir(parents=True)
    path_of(root, 41).write_text("junk")
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    assert json.loads(capsys.readouterr().out)["id"] == 42
    path_of(root, 999_999_999).write_text("junk")
    with pytest.raises(RefusedError, match="highest number"):
        acts.apply(tree.Host(root), tree.asked(role=["client"], connections=3_000_000))


def test_what_a_damaged_later_apply_has_changed_stays_and_is_said(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert acts.apply(tree.Host(root), tree.asked(connections=200_000)) == 0
    assert acts.apply(tree.Host(root), tree.asked(connections=2_000_000)) == 0
    path_of(root, 2).write_text("junk")
    now = tree.look(root)
    with pytest.raises(RefusedError, match=r"which apply is the last is unknown: .*rollback 1"):
        acts.rollback(tree.Host(root), tree.back())
    assert tree.look(root) == now
    capsys.readouterr()
    assert acts.rollback(tree.Host(root), tree.back(id=1)) == 1
    said = capsys.readouterr()
    assert any(DROP_IN in line for line in json.loads(said.out)["kept"])
    assert "whether apply 2 needs values" in said.err
    assert (root / DROP_IN).read_text() == now[DROP_IN][0]


def test_no_flipped_bit_and_no_other_byte_is_taken_as_good(root: Path) -> None:
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    whole = path_of(root, 1).read_bytes()
    draw = random.Random(14)
    for _ in range(60):
        bit = draw.randrange(len(whole) * 8)
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path_of(root, 1).write_bytes(flipped)
        assert journal.records(tree.Host(root)) == []
    for at in range(len(whole)):
        text = whole[:at] + bytes([whole[at] ^ draw.randrange(1, 256)]) + whole[at + 1 :]
        with pytest.raises(ValueError, match="changed"):
            codec.record_of(text.decode("utf-8", "surrogateescape"))


def test_a_record_that_was_changed_by_hand_is_not_taken_back(root: Path) -> None:
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    path = path_of(root, 1)
    path.write_text(path.read_text().replace("tcp_tw_reuse = 1", "tcp_tw_reuse = 0"))
    now = tree.look(root)
    with pytest.raises(RefusedError, match="SHA-256"):
        acts.rollback(tree.Host(root), tree.back())
    assert tree.look(root) == now


def test_a_directory_that_others_can_write_is_not_trusted(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    three(root)
    (root / tree.JOURNAL).chmod(0o777)
    for run in (
        lambda: acts.rollback(tree.Host(root), tree.back()),
        lambda: acts.apply(tree.Host(root), tree.asked(connections=3_000_000)),
    ):
        with pytest.raises(RefusedError, match="others can write it"):
            run()
    capsys.readouterr()
    acts.history(root, "json")
    found = json.loads(capsys.readouterr().out)
    assert len(found["applies"]) == 2 and "chmod 0755" in found["damaged"][0]["fix"]


@pytest.mark.slow
def test_a_journal_of_very_many_files_is_read_within_bounds(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    for number in range(2, 15_000):
        path_of(root, number).write_text("")
    watch = pace.Stopwatch()
    found = journal.read(tree.Host(root))
    assert watch.seconds() < 20  # some 2 s on a machine that does nothing else
    assert len(found.damaged) == journal.MOST and found.unread[0] == 1 and found.next_id() == 15_000
    with pytest.raises(RefusedError, match="are not read"):
        acts.rollback(tree.Host(root), tree.back(id=1))
    capsys.readouterr()
    acts.history(root, "table")
    assert len(capsys.readouterr().out.splitlines()) < 200
    for number in range(15_000, MOST_NAMES + 2):
        path_of(root, number).write_text("")
    with pytest.raises(RefusedError, match="more than 20,000 names"):
        acts.history(root, "table")
