"""Refusals: a line a reason, one command to paste, and the missing sudo before all else."""

from __future__ import annotations

import shlex

from hypothesis import given
from hypothesis import strategies as st

from hosttune.render import refused

HIDDEN = (
    "{0}: host-wide, not visible from this network namespace; run hosttune there, or leave it alone here: --except {0}"
)
KEYS = ("net.core.a", "net.ipv4.b", "net.ipv4.c")
RANGE = "the range 1024 65535 holds listening ports: --reserve-listeners reserves them first"
DENIED = ("/var/lib/hosttune: cannot be written; run as root", "fs.nr_open: read-only here; run as root")


def test_one_refusal_is_one_line() -> None:
    assert refused.lines([RANGE, RANGE], True, "hosttune apply", 60) == [
        f"hosttune: refused, nothing was changed: {RANGE}",
        "  with that, the whole command:",
        "    hosttune apply --reserve-listeners",
    ]


def test_keys_of_one_reason_are_one_reason_and_one_thing_to_paste() -> None:
    texts = [HIDDEN.format(key) for key in KEYS]
    shown = refused.lines([*texts, RANGE], True, "hosttune apply", 60)
    assert shown[0] == "hosttune: refused, nothing was changed, for 2 reasons:"
    assert sum("not visible" in line for line in shown) == 1
    assert "leave them alone here:" in " ".join(" ".join(shown).split())
    # the whole command, to be pasted as it stands
    assert shlex.split(next(line for line in shown if "--except" in line)) == [
        *("hosttune", "apply"),
        *(word for key in KEYS for word in ("--except", key)),
        "--reserve-listeners",
    ]
    assert max(len(line) for line in shown if "--except" not in line) <= 60


def test_reasons_that_differ_stay_apart() -> None:
    other = "net.core.a = 7: the kernel takes 0 to 2; ask for another value, or --except net.core.a"
    assert refused.reasons([HIDDEN.format("net.core.b"), other]) == [
        (HIDDEN.format("net.core.b").removesuffix(" --except net.core.b"), ("net.core.b",)),
        (other.removesuffix(" --except net.core.a"), ("net.core.a",)),
    ]


def test_who_is_not_root_reads_that_first_and_alone() -> None:
    first = "not root: nothing was changed; sudo hosttune apply --role lb"
    assert refused.line([*DENIED, RANGE], False, "hosttune apply --role lb") == first
    assert refused.lines(DENIED, False, "hosttune apply --role lb", 80) == [f"hosttune: {first}"]
    more = refused.lines([*DENIED, RANGE], False, "hosttune apply --role lb", 80)
    assert more == [
        f"hosttune: {first}",
        f"hosttune: refused, nothing was changed: {RANGE}",
        "  with that, the whole command:",
        "    sudo hosttune apply --role lb --reserve-listeners",
    ]


def test_root_reads_what_is_read_only() -> None:
    assert "sudo" not in " ".join(refused.lines(DENIED, True, "hosttune apply", 80))


@given(st.lists(st.sampled_from([HIDDEN.format(key) for key in KEYS] + [RANGE, *DENIED]), min_size=1, max_size=12))
def test_nothing_is_lost_and_nothing_said_twice(texts: list[str]) -> None:
    shown = refused.reasons(texts)
    assert len({reason for reason, _ in shown}) == len(shown)
    said = " ".join(reason for reason, _ in shown)
    for text in set(texts):
        assert said.count(text.partition(": ")[0]) == 1
    assert {key for _, keys in shown for key in keys} == {key for key in KEYS if HIDDEN.format(key) in texts}
