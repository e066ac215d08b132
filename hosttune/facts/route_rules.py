"""The rules of routing that go by what is not known of a program, and with which attributes a route is to be asked for.

net/core/fib_rules.c, fib_rule_match(): a rule may ask for the mark, the user and the device of a socket, and
fib4_rule_match() for its type of service.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Caller

Rule = Mapping[str, Any]
_TCP = 6
_TABLES = {253: "default", 254: "main", 255: "local"}
_KNOWN: WeakKeyDictionary[object, tuple[Rule, ...]] = WeakKeyDictionary()
_HINTS = {"mark": "--mark", "uids": "--user, --service or --pid", "oif": "--device"}


@dataclass(frozen=True, slots=True)
class Variant:
    """A program as it may be: what is set on its sockets, and by which rule that matters; "" for as far as known."""

    rule: str
    hint: str
    destination: str
    mark: int | None
    uid: int
    device: str
    tos: int

    def asked(self) -> dict[str, Any]:
        """Return the part of a question to the kernel that is the same for every destination."""
        fields = {"mark": self.mark or None, "device": self.device or None, "tos": self.tos or None}
        return {"uid": self.uid} | {name: value for name, value in fields.items() if value is not None}

    def concerns(self, address: str) -> bool:
        """Say whether the rule is about a destination."""
        if not self.destination:
            return True
        network = ipaddress.ip_network(self.destination, strict=False)
        return ipaddress.ip_address(address) in network


def read(host: Host) -> tuple[Rule, ...]:
    """Return the rules of this host; () where they cannot be known, as of a recording that was made without them.

    They are asked for once for as long as the host's files do not change.
    """
    still = getattr(host, "still", None)
    known = _KNOWN.get(still) if still is not None else None
    if known is None:
        try:
            known = tuple(host.probe("rules"))
        except HostError:
            known = ()
        if still is not None:
            _KNOWN[still] = known
    return known


def ours(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return those that may concern the connections of a program, and ask for more than a table for all."""
    return tuple(rule for rule in rules if _ours(rule))


def _ours(rule: Rule) -> bool:
    # what this host sends comes from lo
    if rule.get("iif", "lo") != "lo" or rule.get("l3mdev") or rule.get("protocol", _TCP) not in (0, _TCP):
        return False
    return any(name in rule for name in ("mark", "uids", "oif", "tos", "sports", "dports", "protocol", "source"))


def asks(rules: Iterable[Rule], name: str) -> bool:
    """Say whether any rule goes by an attribute: mark, uids, oif, source, dports."""
    return any(name in rule for rule in rules)


def known(caller: Caller) -> Variant:
    """Return a program with what is known of it; what is not is taken as unset, its user as root."""
    return Variant("", "", "", caller.mark, caller.uid or 0, caller.device or "", 0)


def variants(rules: Iterable[Rule], caller: Caller, version: int) -> tuple[Variant, ...]:
    """Return the program as it would be if a rule held for it, or did not, that goes by what is not known of it."""
    base = known(caller)
    made: dict[tuple[object, ...], Variant] = {}
    for rule in rules:
        if rule["family"] != version or rule.get("source"):
            continue  # a program that names no source has none yet when its route is looked for
        fields, missing = _differing(rule, caller)
        if not missing:
            continue
        variant = Variant(
            told(rule),
            next((_HINTS[name] for name in missing if name in _HINTS), ""),
            rule.get("destination", ""),
            fields.get("mark", base.mark),
            fields.get("uid", base.uid),
            fields.get("device", base.device),
            fields.get("tos", 0),
        )
        # rules that lead to one table from one place are alike
        key = (rule["action"], rule["table"], rule["invert"], variant.destination, *sorted(missing))
        made.setdefault(key, variant)
    return tuple(made.values())


def _differing(rule: Rule, caller: Caller) -> tuple[dict[str, Any], list[str]]:
    """Return the attributes with which a rule decides otherwise than without, and which of them are not known."""
    fields: dict[str, Any] = {}
    missing = []
    if "mark" in rule and caller.mark is None:
        held = rule["mark"] & rule["mask"]
        # where no mark is what it asks for, any other one is what it does not
        fields["mark"] = held or rule["mask"] & -rule["mask"]
        missing.append("mark")
    if "uids" in rule and caller.uid is None:
        first, last = rule["uids"]
        fields["uid"] = first if first else min(last + 1, (1 << 32) - 2)
        missing.append("uids")
    if "oif" in rule and caller.device is None:
        fields["device"] = rule["oif"]
        missing.append("oif")
    if "tos" in rule:
        fields["tos"] = rule["tos"]
        missing.append("tos")
    return fields, missing


def told(rule: Rule) -> str:
    """Return a rule as ip-rule(8) takes it, its priority first."""
    words = [f"ip{' -6' * (rule['family'] == 6)} rule {rule['priority']}:", *["not"] * rule["invert"]]
    for name, word in (("source", "from"), ("destination", "to"), ("oif", "oif")):
        words += [word, rule[name]] if rule.get(name) else []
    if "tos" in rule:
        words += ["tos", f"{rule['tos']:#x}"]
    if "mark" in rule:
        full = rule["mask"] == 0xFFFFFFFF
        words += ["fwmark", f"{rule['mark']:#x}" + ("" if full else f"/{rule['mask']:#x}")]
    for name, word in (("uids", "uidrange"), ("sports", "sport"), ("dports", "dport")):
        if name in rule:
            low, high = rule[name]
            words += [word, f"{low}-{high}" if low != high or name == "uids" else f"{low}"]
    table = rule["table"]
    words += ["lookup", _TABLES.get(table, str(table))] if rule["action"] == "lookup" else [rule["action"]]
    return " ".join(words)
