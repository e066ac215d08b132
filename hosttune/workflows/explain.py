"""What a key is and which role wants what of it; what a profile requires; whether a profile file holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hosttune.errors import UsageError
from hosttune.facts import kinds, machine
from hosttune.facts.kinds import sysctl
from hosttune.findings import judge
from hosttune.host import Host
from hosttune.host.live import LiveHost
from hosttune.model import Explanation, Machine, Reason, Requirement, RoleRequirements, Subject, ValidProfile, Wanted
from hosttune.options import Options
from hosttune.profile import described, keys, load, merge, schema
from hosttune.resolve.sysctl_value import display, normalise, valid_key
from hosttune.workflows import trust
from hosttune.workflows.opening import LOCAL, open_profiles


def explain(key: str, files: Sequence[str]) -> tuple[Explanation, ...]:
    """Return what is known of a key, or of each kind of `nofile`; raises UsageError where no profile describes it."""
    profiles = [p for name in load.names(LOCAL) for p in open_profiles([name], [])]
    profiles += open_profiles([], list(files)) if files else []
    about = {subject: table for profile in profiles for subject, table in profile.about.items()}
    about = {**described.read(), **about}
    host = LiveHost()
    local = machine.gather(host)
    required = [wanted for profile in profiles for wanted in _wanted(profile.name, _required(profile, local))]
    return tuple(
        _explained(subject, about[table], host, [role for role in required if str(role.requirement.subject) == subject])
        for subject, table in _subjects(key, about).items()
    )


def _required(profile: load.Profile, local: Machine) -> tuple[Requirement, ...]:
    return merge.requirements([profile], merge.workload([profile]), local)[0]


def _wanted(role: str, required: Iterable[Requirement]) -> tuple[Wanted, ...]:
    return tuple(Wanted(role, requirement, judge.wanted(requirement)) for requirement in required)


_NEEDED = ("what", "unit", "default", "scope", "source")
_MORE = ("too_low", "too_high", "since", "gone", "inert", "matters")


def _explained(subject: str, table: dict[str, Any], host: Host, roles: Sequence[Wanted]) -> Explanation:
    words = {name: str(table[name]) for name in _NEEDED} | {name: str(table.get(name, "")) for name in _MORE}
    address = Subject.parse(subject)
    legal = (table["legal"][0], table["legal"][1]) if "legal" in table else None
    return Explanation(subject=address, legal=legal, now=_now(host, address, table), roles=tuple(roles), **words)


def _now(host: Host, subject: Subject, table: dict[str, Any]) -> str:
    """Return the value that it has now, or why there is none."""
    if subject.kind == "sysctl" and (why := sysctl.missing(host, subject.name, _host_wide(table))):
        since = f"; it came with Linux {table['since']}" if table.get("since") and why.reason is Reason.ABSENT else ""
        return f"({why.detail}{since})"
    return kinds.now(host, subject)


def _host_wide(table: dict[str, Any]) -> bool:
    return str(table["scope"]).startswith(("global", "of the host"))


def _subjects(key: str, about: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    """Return the subjects that are meant, each with that of its description; raises UsageError where none is."""
    if key in kinds.names():
        return {subject: subject for subject in about if subject.startswith(f"{key}:")}
    if key in about:
        return {key: key}
    name = key.removeprefix("sysctl:")
    name = display(normalise(name)) if valid_key(name) else name
    if found := described.matching(name, about):
        return found
    close = described.near(name, about)
    hint = f"did you mean {close}?" if close else "write a sysctl as `sysctl -a` lists it, or nofile"
    raise UsageError(f"{key!r}: no description of such a key; {hint}")


def roles() -> dict[str, str]:
    """Return the title of each profile that can be a role, by its name."""
    return {name: load.load(name, LOCAL).title for name in load.names(LOCAL)}


def requirements(options: Options) -> RoleRequirements:
    """Return what the first role that is named requires on this host; raises UsageError or ProfileError."""
    profiles = open_profiles(list(options.role), list(options.profile))
    workload = merge.workload(profiles, connections=options.connections, rate=options.rate)
    required, waived = merge.requirements(profiles, workload, machine.gather(LiveHost()))
    first = profiles[0]
    return RoleRequirements(
        first.name, first.title, workload, _wanted(first.name, required), waived, first.why, first.numbers
    )


def validate(file: str) -> ValidProfile:
    """Return what a profile file has; raises ProfileError or UsageError with one line for what is wrong first."""
    schema.validate(file, load.document(Path(file)))
    profile = load.load_file(Path(file), LOCAL)
    trust.weigh(profile.doubts)
    rows = [row for row in profile.rows if row.subject.startswith("sysctl:") and not row.table.get("drop")]
    names = dict.fromkeys(row.subject.removeprefix("sysctl:") for row in rows)
    foreign = (
        f"{name} concerns none of {keys.PURPOSE}: `apply` takes it with --allow-key {name} only"
        for name in names
        if not keys.is_known(name)
    )
    return ValidProfile(file, len(profile.rows), tuple(foreign))
