"""The kernels' table from what boots kept: what counts as a difference, and which rule says why."""

from __future__ import annotations

import json
from typing import Any

from hosttune import releases
from tests.kernels import ask, systems, table

STOCK = "net.core.somaxconn = 4096\n"
APPLIED = "net.core.somaxconn = 65535\n"


def answered(name: str, answer: Any, code: int = 0) -> dict[str, str]:
    """Return what is kept of a command."""
    return {name: json.dumps(answer), f"{name}-code": f"{code}\n", f"{name}-errors": ""}


def proof(**changed: Any) -> dict[str, Any]:
    return {
        "what": "SYN queue", "setting": "listen(128)", "predicted": 129, "measured": 129, "verdict": "agrees",
        "failed": "", "notes": [],
    } | changed  # fmt: skip


def boots(**changed: Any) -> table.Boots:
    """Return what three boots keep of a system where all is as it should be."""
    bounds = {"bounds": [{"id": "ports:all", "hard": 28232}], "findings": []}
    change = {"backend": "sysctl", "target": "net.core.somaxconn"}
    first = {"system": "6.1.0-50\n4096\nDebian 12\nPython 3.11.2\nsystemd 252 (252)\n"}
    first |= {"etc-stock": "a", "etc-applied": "b"}
    first |= {"sysctls-stock": STOCK, "sysctls-applied": APPLIED}
    first |= answered("releases", {"syn-queue": True, "port-step": False, "cgroup-accept": None})
    first |= answered("check", bounds, 1) | answered("capacity", bounds, 1) | answered("check-applied", bounds)
    first |= answered("prove", {"proofs": [proof()]}) | answered("again", {"changed": False, "changes": []})
    first |= answered("apply", {"changes": [change], "results": [], "changed": True})
    second = {"etc-rebooted": "b", "sysctls-rebooted": APPLIED, "etc-back": "a", "sysctls-back": STOCK}
    second |= answered("check-rebooted", bounds) | answered("rollback", {"id": "1"})
    third = {"etc-third": "a", "sysctls-third": STOCK}
    return first | changed, second | changed, third | changed


def whats(kept: table.Boots, *known: table.Known) -> list[tuple[str, str]]:
    return [(d.step, d.rule) for d in table.read("debian-12", kept, known).differences]


def test_a_system_where_all_agrees_has_no_difference() -> None:
    row = table.read("debian-12", boots())
    assert not row.differences and not row.unproven
    assert row.cells == (
        "debian-12", "6.1.0-50", "4 KiB", "Debian 12, systemd 252, Python 3.11.2", "consistent",
        "1 agree, 0 differ, 0 no result", "1 of 2 as its release says, 1 not told by it",
        "1 changes, then none", "0 differences", "exact",
    )  # fmt: skip
    assert "0 rows differ, 0 of them without a rule" in table.markdown([row])


def test_each_step_tells_what_differs() -> None:
    failing = {"findings": [{"id": "somaxconn", "verdict": "FAIL", "because": "4,096"}], "bounds": []}
    assert [step for step, _ in whats(boots(**answered("check", {"bounds": []})))] == ["check, capacity"]
    assert [step for step, _ in whats(boots(**answered("check", {"bounds": []}, 3)))] == ["check, capacity"] * 2
    assert [step for step, _ in whats(boots(**{"capacity-code": ""}))] == ["check, capacity"]
    assert [s for s, _ in whats(boots(**answered("prove", {"proofs": [proof(verdict="differs")]}, 1)))] == ["prove"]
    wrong = {"port-step": True}
    assert [step for step, _ in whats(boots(**answered("releases", wrong)))] == ["releases"]
    assert [step for step, _ in whats(boots(**answered("again", {"changed": True})))] == ["apply, again"]
    assert [step for step, _ in whats(boots(**answered("check-applied", failing)))] == ["apply, again"]
    assert [step for step, _ in whats(boots(**answered("check-rebooted", failing)))] == ["reboot"]
    assert [step for step, _ in whats(boots(**{"sysctls-rebooted": STOCK}))] == ["reboot"]
    assert [step for step, _ in whats(boots(**{"sysctls-third": APPLIED}))] == ["rollback"]
    assert [step for step, _ in whats(boots(**{"etc-back": "b"}))] == ["rollback"] * 2


def test_a_rule_explains_only_what_it_is_about() -> None:
    differs = boots(**answered("prove", {"proofs": [proof(verdict="differs", measured=128)]}, 1))
    rule = table.Known(r" 6\.1\.", "prove", "SYN queue", "compares with >=")
    assert whats(differs, rule) == [("prove", "compares with >=")]
    assert whats(differs, table.Known(r" 5\.10\.", "prove", "SYN queue", "older")) == [("prove", "")]
    assert "1 rows differ, 1 of them without" in table.text([table.read("debian-12", differs)])


def test_a_proof_without_a_result_is_named_with_its_reason() -> None:
    nothing = proof(verdict="could not", measured={"unknown": "UNDECIDED", "detail": "takes 300 s"})
    row = table.read("debian-12", boots(**answered("prove", {"proofs": [nothing]})))
    assert not row.differences
    assert row.unproven == ("debian-12: SYN queue: takes 300 s",)


def test_what_is_asked_on_a_system_are_rules_of_the_releases() -> None:
    assert set(ask.QUESTIONS) | set(ask.UNASKED) == {change.name for change in releases.CHANGES}
    assert not set(ask.QUESTIONS) & set(ask.UNASKED)


def test_rules_that_were_asked_alone_are_told_by_kernel() -> None:
    kept = {"system": "6.1.0-50\n4096\n"} | answered("releases", {"syn-queue": True, "port-step": False, "other": None})
    told = "debian-12, 6.1.0-50: there: syn-queue; not there: port-step; no answer: other"
    assert table.rules("debian-12", kept) == told


def test_systems_are_named() -> None:
    assert [system.name for system in systems.named([])] == list(systems.DEFAULT)
    assert systems.named(["debian-13-16k"])[0].machine.program == "qemu-system-aarch64"
