"""What a key is and which role wants what of it; what a profile requires; whether a profile file holds."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hosttune.errors import UsageError
from hosttune.facts import kinds, machine
from hosttune.findings import judge
from hosttune.host import Host
from hosttune.host.live import LiveHost
from hosttune.model import Explanation, Machine, Requirement, RoleRequirements, Subject, ValidProfile, Wanted
from hosttune.options import Options
from hosttune.profile import keys, load, merge, schema
from hosttune.resolve.sysctl_value import display, normalise, valid_key
from hosttune.workflows import trust
from hosttune.workflows.opening import LOCAL, open_profiles


def explain(key: str, files: Sequence[str]) -> tuple[Explanation, ...]:
    """Return what is known of a key, or of each kind of `nofile`; raises UsageError where no profile describes it."""
    profiles = [p for name in load.names(LOCAL) for p in open_profiles([name], [])]
    profiles += open_profiles([], list(files)) if files else []
    about = {subject: table for profile in profiles for subject, table in profile.about.items()}
    host = LiveHost()
    local = machine.gather(host)
    required = [wanted for profile in profiles for wanted in _wanted(profile.name, _required(profile, local))]
    return tuple(
        _explained(
            subject, about[subject], host, [role for role in required if str(role.requirement.subject) == subject]
        )
        for subject in _subjects(key, list(about))
    )


def _required(profile: load.Profile, local: Machine) -> tuple[Requirement, ...]:
    return merge.requirements([profile], merge.workload([profile]), local)[0]


def _wanted(role: str, required: Iterable[Requirement]) -> tuple[Wanted, ...]:
    return tuple(Wanted(role, requirement, judge.wanted(requirement)) for requirement in required)


def _explained(subject: str, table: dict[str, Any], host: Host, roles: Sequence[Wanted]) -> Explanation:
    words = {name: str(table[name]) for name in ("what", "unit", "default", "too_low", "too_high", "scope", "source")}
    address = Subject.parse(subject)
    legal = (table["legal"][0], table["legal"][1]) if "legal" in table else None
    return Explanation(subject=address, legal=legal, now=kinds.now(host, address), roles=tuple(roles), **words)


def _subjects(key: str, known: list[str]) -> list[str]:
    if key in kinds.names():
        return [subject for subject in known if subject.startswith(f"{key}:")]
    name = key.removeprefix("sysctl:")
    subject = f"sysctl:{display(normalise(name))}" if valid_key(name) else name
    for candidate in (subject, key):
        if candidate in known:
            return [candidate]
    last = [candidate for candidate in known if re.split(r"[.:]", candidate)[-1] == name]
    if len(last) == 1:
        return last
    # a part of a name is like every other that is as short
    near = last or difflib.get_close_matches(subject, known, 1, 0.8)
    hint = (
        f"did you mean {' or '.join(each.removeprefix('sysctl:') for each in near)}?"
        if near
        else "`hosttune profile show lb` lists keys"
    )
    raise UsageError(f"{key!r}: no profile tells of it; {hint}")


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
