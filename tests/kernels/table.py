"""The table: what each boot kept, read into a row, and every row that differs with the rule that says why."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from hosttune import releases
from tests.kernels.rounds import Boots
from tests.vm.guest import stable_sysctls

HEAD = (
    "system", "kernel", "page", "user land", "check, capacity", "prove", "releases", "apply, again", "reboot",
    "rollback",
)  # fmt: skip
REFUSED = 3
"""Exit code of a verb that could not tell; 0 and 1 are answers of check, capacity and prove."""


@dataclass(frozen=True)
class Difference:
    """Something that is not as it should be: on which system, in which step, what, and the rule that says why."""

    system: str
    step: str
    what: str
    rule: str = ""


@dataclass(frozen=True)
class Known:
    """A difference that a rule explains: text that the system's name and kernel, the step and the difference have."""

    system: str
    step: str
    what: str
    rule: str

    def explains(self, difference: Difference, kernel: str) -> bool:
        """Say whether the rule is about this difference; each field is a pattern (re.search)."""
        return all(
            re.search(pattern, text)
            for pattern, text in (
                (self.system, f"{difference.system} {kernel}"),
                (self.step, difference.step),
                (self.what, difference.what),
            )
        )


KNOWN: tuple[Known, ...] = ()
"""Rules beyond those of hosttune.releases, by which the forecasts themselves go."""


@dataclass(frozen=True)
class Row:
    """One line of the table, and what differs; `unproven` are proofs without a result, with the reason."""

    cells: tuple[str, ...]
    differences: tuple[Difference, ...]
    unproven: tuple[str, ...] = ()


def read(system: str, boots: Boots, known: tuple[Known, ...] = KNOWN) -> Row:
    """Return the row of a system from what its three boots kept."""
    first, second, third = boots
    kernel, page, pretty, python, systemd = (first["system"].splitlines() + [""] * 5)[:5]
    proofs = _json(first, "prove").get("proofs", [])
    count = {word: sum(verdict(proof) == word for proof in proofs) for word in ("agrees", "differs", "could not")}
    applied = _json(first, "apply").get("changes", [])
    steps = {
        "check, capacity": _consistent(first),
        "prove": _proven(first, proofs),
        "releases": _releases(first, kernel),
        "apply, again": _again(first),
        "reboot": _rebooted(first, second, applied),
        "rollback": _rolled_back(first, second, third),
    }
    found = [Difference(system, step, what) for step, whats in steps.items() for what in whats]
    explained = tuple(_explained(difference, kernel, known) for difference in found)
    bad = {step: len(whats) for step, whats in steps.items()}
    again = f"{len(applied)} changes, then none" if not bad["apply, again"] else f"{bad['apply, again']} wrong"
    cells = (
        system, kernel, f"{int(page) // 1024} KiB" if page.isdecimal() else "",
        ", ".join(part for part in (pretty, " ".join(systemd.split()[:2]), python) if part),
        "consistent" if not bad["check, capacity"] else f"{bad['check, capacity']} differ",
        f"{count['agrees']} agree, {count['differs']} differ, {count['could not']} no result",
        _tally(first, kernel), again, f"{bad['reboot']} differences",
        "exact" if not bad["rollback"] else f"{bad['rollback']} left",
    )  # fmt: skip
    unproven = tuple(f"{system}: {p['what']}: {_why(p)}" for p in proofs if verdict(p) == "could not")
    return Row(cells, explained, unproven)


def rules(system: str, boot: dict[str, str]) -> str:
    """Return in a line which rules of hosttune.releases a boot found in its kernel."""
    answers = _json(boot, "releases")
    told = [
        f"{word}: {', '.join(names)}"
        for has, word in ((True, "there"), (False, "not there"), (None, "no answer"))
        if (names := [name for name, answer in answers.items() if answer is has])
    ]
    return f"{system}, {(boot['system'].splitlines() or [''])[0]}: {'; '.join(told) or 'the rules were not measured'}"


def verdict(proof: dict[str, Any]) -> str:
    """Return what became of a proof as its JSON tells it."""
    return str(proof["verdict"]).lower().replace("_", " ")


def markdown(rows: list[Row]) -> str:
    """Return the table, what differs and what has no result."""
    lines = [_line(HEAD), _line(("---",) * len(HEAD)), *(_line(row.cells) for row in rows)]
    return "\n".join([*lines, "", *_below(rows)])


def text(rows: list[Row]) -> str:
    """Return the same for a terminal: a system a paragraph."""
    lines = [f"{name:17}{cell}" for row in rows for name, cell in zip(HEAD, row.cells, strict=True)]
    paragraphs = ["\n".join(lines[at : at + len(HEAD)]) for at in range(0, len(lines), len(HEAD))]
    return "\n\n".join([*paragraphs, "\n".join(_below(rows))])


def _below(rows: list[Row]) -> list[str]:
    differences = [difference for row in rows for difference in row.differences]
    without = sum(not difference.rule for difference in differences)
    lines = [f"{len(differences):,} rows differ, {without:,} of them without a rule that says why."]
    lines += ["", *(f"- {d.system}, {d.step}: {d.what}: {d.rule or 'no rule says why'}" for d in differences)]
    return lines + [f"- no result: {line}" for row in rows for line in row.unproven]


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _explained(difference: Difference, kernel: str, known: tuple[Known, ...]) -> Difference:
    rule = next((rule.rule for rule in known if rule.explains(difference, kernel)), "")
    return Difference(difference.system, difference.step, difference.what, rule)


def _json(boot: dict[str, str], name: str) -> dict[str, Any]:
    try:
        answer = json.loads(boot.get(name, ""))
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _ran(boot: dict[str, str], name: str, codes: tuple[int, ...]) -> list[str]:
    """Return what is wrong with how a command ended: its exit code, no answer."""
    code = boot.get(f"{name}-code", "").strip()
    said = boot.get(f"{name}-errors", "").strip().replace("\n", " ")[:200]
    if code not in {str(number) for number in codes}:
        return [f"{name} ended with exit code {code or 'none'}: {said}"]
    return [] if _json(boot, name) else [f"{name} gave no answer: {said}"]


def _consistent(boot: dict[str, str]) -> list[str]:
    """Return what check and capacity, asked one after the other, say differently, or what they do not say at all."""
    wrong = [*_ran(boot, "check", (0, 1)), *_ran(boot, "capacity", (0, 1))]
    check, capacity = ({b["id"]: b for b in _json(boot, name).get("bounds", [])} for name in ("check", "capacity"))
    for id in sorted(check.keys() | capacity.keys()):
        one, other = (_number(bounds.get(id)) for bounds in (check, capacity))
        # what is free of the memory moves between two questions
        near = isinstance(one, int) and isinstance(other, int) and "memory" in id and abs(one - other) < one // 10
        if one != other and not near:
            wrong.append(f"{id}: check {one}, capacity {other}")
    return wrong


def _number(bound: dict[str, Any] | None) -> int | str | None:
    """Return the number of a bound, "unknown" where it has none, None where there is no such bound."""
    if bound is None:
        return None
    return bound["hard"] if isinstance(bound["hard"], int) else "unknown"


def _proven(boot: dict[str, str], proofs: list[dict[str, Any]]) -> list[str]:
    wrong = _ran(boot, "prove", (0, 1))
    for proof in proofs:
        if verdict(proof) == "differs":
            failed = f", {proof['failed']}" if proof["failed"] else ""
            notes = f" ({'; '.join(proof['notes'])})" if proof["notes"] else ""
            wrong.append(f"{proof['what']}, {proof['setting']}: {proof['predicted']} predicted, "
                         f"{proof['measured']} measured{failed}{notes}")  # fmt: skip
    return wrong


def _why(proof: dict[str, Any]) -> str:
    reason = next((proof[name] for name in ("measured", "predicted") if isinstance(proof[name], dict)), {})
    return str(reason.get("detail", ""))


def _rules(boot: dict[str, str], kernel: str) -> dict[str, tuple[bool, bool | None]]:
    """Return, for each rule that was measured, whether the kernel has it and what its release says; None: nothing."""
    measured = {name: has for name, has in _json(boot, "releases").items() if isinstance(has, bool)}
    known = {change.name: change for change in releases.CHANGES}
    return {name: (has, releases.holds(known[name], kernel)) for name, has in measured.items() if name in known}


def _releases(boot: dict[str, str], kernel: str) -> list[str]:
    """Return the rules of hosttune.releases that the kernel has otherwise than its release says."""
    words = {True: "there", False: "not there"}
    rules = _rules(boot, kernel)
    wrong = [
        f"{name}: {words[has]}, by its release {words[said]}"
        for name, (has, said) in rules.items()
        if said is not None and said != has
    ]
    return wrong if rules else ["the rules were not measured"]


def _tally(boot: dict[str, str], kernel: str) -> str:
    rules = _rules(boot, kernel).values()
    hidden = sum(said is None for _, said in rules)
    right = sum(said == has for has, said in rules)
    return f"{right} of {len(rules)} as its release says" + (f", {hidden} not told by it" if hidden else "")


def _again(boot: dict[str, str]) -> list[str]:
    """Return what the second apply, or the check after the first, finds to do."""
    wrong = [*_ran(boot, "apply", (0,)), *_ran(boot, "again", (0,)), *_ran(boot, "check-applied", (0, 1))]
    wrong += [f"{r['subject']}: {r['verdict']} after apply" for r in _json(boot, "apply").get("results", [])
              if r["verdict"] != "OK"]  # fmt: skip
    wrong += ["the second apply changed something"] if _json(boot, "again").get("changed") else []
    return wrong + _failing(boot, "check-applied")


def _failing(boot: dict[str, str], name: str) -> list[str]:
    rows = _json(boot, name).get("findings", [])
    return [f"{f['id']}: {f['verdict']}: {f['because']}" for f in rows if f["verdict"] in ("FAIL", "DRIFT")]


def _rebooted(first: dict[str, str], second: dict[str, str], applied: list[dict[str, Any]]) -> list[str]:
    """Return what a reboot made of what apply wrote."""
    wrong = [*_ran(second, "check-rebooted", (0, 1)), *_failing(second, "check-rebooted")]
    before, after = stable_sysctls(first["sysctls-applied"]), stable_sysctls(second["sysctls-rebooted"])
    keys = {change["target"] for change in applied if change["backend"] == "sysctl"}
    wrong += [f"{key}: {before.get(key)} before the reboot, {after.get(key)} after it" for key in sorted(keys)
              if before.get(key, "").split() != after.get(key, "").split()]  # fmt: skip
    return wrong + _lines("etc", first["etc-applied"], second["etc-rebooted"])


def _rolled_back(first: dict[str, str], second: dict[str, str], third: dict[str, str]) -> list[str]:
    """Return what is not as it was before apply: at once, and after one more reboot."""
    wrong = _ran(second, "rollback", (0,))
    for boot, when in ((second, "back"), (third, "third")):
        wrong += _lines(f"etc ({when})", first["etc-stock"], boot[f"etc-{when}"])
        before, after = stable_sysctls(first["sysctls-stock"]), stable_sysctls(boot[f"sysctls-{when}"])
        wrong += [f"{key} ({when}): {before[key]} was, {after[key]} is" for key in sorted(before.keys() & after.keys())
                  if before[key] != after[key]]  # fmt: skip
    return wrong


def _lines(name: str, before: str, after: str) -> list[str]:
    changed = set(before.splitlines()) ^ set(after.splitlines())
    return [f"{name}: {line}" for line in sorted(changed)]
