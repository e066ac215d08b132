"""A plan for a person: each reason once, numbers that can be read, no header; for programs it stays literal."""

from __future__ import annotations

import pytest

from hosttune.changes import entries
from hosttune.model import Change, FileState, Plan
from hosttune.model.document import Document
from hosttune.render import plan_text as plan
from hosttune.render.formats import table
from hosttune.render.page import Page

WHY = "lb: a burst of new connections must not be dropped per CPU"
LONG = "lb: " + "many words " * 20
TEXT = entries.render(
    {
        "net.core.netdev_max_backlog": entries.Line("net.core.netdev_max_backlog = 16384", WHY),
        "fs.nr_open": entries.Line("fs.nr_open = 2000200", LONG),
        "net.core.somaxconn": entries.Line("net.core.somaxconn = 65535", "lb: said nowhere else"),
    }
)
FILE = Change("file", "/etc/sysctl.d/90-hosttune.conf", None, FileState(TEXT))
RUNTIME = (
    Change("sysctl", "net.core.netdev_max_backlog", "1000", "16384", (), WHY),
    Change("sysctl", "fs.nr_open", "1048576", "2000200", (), LONG),
)


def shown(of: Plan, width: int, units: dict[str, str] | None = None, *, reasons: bool = True) -> str:
    """Return a plan as a terminal of a width has it."""
    return table.write(Document("", (), tuple(plan.blocks(of, units, reasons=reasons))), Page(width=width))


def test_a_reason_is_said_once_beside_the_running_value() -> None:
    text = " ".join(shown(Plan((*RUNTIME, FILE)), 80).split())
    for why in (WHY, LONG.strip(), "lb: said nowhere else"):
        assert text.count(why) == 1, why
    assert "#" not in text.replace("# lb: said nowhere else", "")
    alone = " ".join(shown(Plan((FILE,)), 80).split())
    assert alone.count(f"# {WHY}") == 1


def test_the_header_is_counted_and_not_shown() -> None:
    text = shown(Plan((FILE,)), 80)
    assert "+ header of 2 lines" in text and "hosttune history" not in text
    # what is taken for the header is the one that is written
    assert [line.startswith(plan._HEADER) for line in entries.HEADER.splitlines()] == [True, True]


def test_the_same_reason_of_several_keys_is_said_once() -> None:
    rows = tuple(Change("sysctl", f"net.x.{n}", "1", "2", (), WHY) for n in range(3))
    assert shown(Plan(rows), 80).count(WHY) == 1


def test_a_way_back_shows_the_settings_alone() -> None:
    gone = Change("file", FILE.target, FILE.after, None)
    lines = shown(Plan((gone,)), 80, reasons=False).splitlines()
    settings = [f"    -{line}" for line in TEXT.splitlines() if not line.startswith("#")]
    assert lines == [f"  {FILE.target} (removed)", *settings]
    less = entries.render({"fs.nr_open": entries.Line("fs.nr_open = 2000200", "lb: another word")})
    lines = shown(Plan((Change("file", FILE.target, FILE.after, FileState(less)),)), 80, reasons=False).splitlines()
    assert "#" not in "".join(lines) and "    -net.core.somaxconn = 65535" in lines


SHOWN = {
    "a number with its unit": (("fs.nr_open", "1048576", "2000200"), "fs.nr_open: 1,048,576 -> 2,000,200 descriptors"),
    "several numbers": (
        ("net.ipv4.tcp_mem", "190000 250000 380000", "327680 491520 737280"),
        "net.ipv4.tcp_mem: 190,000 250,000 380,000 -> 327,680 491,520 737,280 pages",
    ),
    "a range of ports": (
        ("net.ipv4.ip_local_port_range", "32768 60999", "1024 65535"),
        "net.ipv4.ip_local_port_range: 32768 60999 -> 1024 65535",
    ),
    "a port alone": (
        ("net.ipv4.ip_local_reserved_ports", "", "18083"),
        "net.ipv4.ip_local_reserved_ports: (empty) -> 18083",
    ),
    "text": (("net.core.default_qdisc", "pfifo_fast", "fq"), "net.core.default_qdisc: pfifo_fast -> fq"),
    "nothing": (("net.x.y", None, "5000"), "net.x.y: gone -> 5,000"),
}
UNITS = {"fs.nr_open": "descriptors", "net.ipv4.tcp_mem": "pages", "net.ipv4.ip_local_port_range": "ports"}


@pytest.mark.parametrize("name", SHOWN)
def test_a_running_value_is_shown_as_check_shows_it_and_stays_literal_for_programs(name: str) -> None:
    (key, before, after), line = SHOWN[name]
    change = Change("sysctl", key, before, after)
    assert shown(Plan((change,)), 80, UNITS) == f"  {line}\n"
    literal = f"{key}: {'gone' if before is None else before or '(empty)'} -> {after}"
    assert plan.diff(change) == [literal]


def test_a_process_is_named_by_its_number() -> None:
    change = Change("prlimit", "812:4711", "1024 524288", "2000200 2000200")
    assert shown(Plan((change,)), 80) == ("  limits of process 812: 1,024 524,288 -> 2,000,200 2,000,200 descriptors\n")


def test_the_difference_of_a_file_stays_literal() -> None:
    assert "    +fs.nr_open = 2000200" in shown(Plan((FILE,)), 80, UNITS).splitlines()
    assert plan.diff(FILE)[1:] == [f"  +{line}" for line in TEXT.splitlines()]


def test_a_mode_that_is_not_the_usual_one_is_shown() -> None:
    change = Change("file", "/etc/netplan/90-hosttune-eth0.yaml", None, FileState("a: 1\n", 0o600))
    assert "(new) mode 0600" in shown(Plan((change,)), 80)
