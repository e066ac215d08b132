"""Say what a key is and which role wants what of it."""

from __future__ import annotations

import difflib

from hosttune.errors import UsageError
from hosttune.facts import kinds, machine
from hosttune.findings.judge import wanted
from hosttune.host.live import LiveHost
from hosttune.model import Subject
from hosttune.printable import clean, cleaned
from hosttune.profile import load, merge
from hosttune.resolve.sysctl_value import display, normalise, valid_key
from hosttune.workflows.opening import LOCAL, open_profiles


def run(key: str, files: list[str]) -> None:
    """Print it; raises UsageError where no profile tells of the key."""
    profiles = [p for name in load.names(LOCAL) for p in open_profiles([name], [])] + (
        open_profiles([], files) if files else []
    )
    about = {subject: told for profile in profiles for subject, told in profile.about.items()}
    subjects = _subjects(key, list(about))
    host = LiveHost()
    here = machine.gather(host)
    for subject in subjects:
        told = cleaned(about[subject])
        print(f"{Subject.parse(subject).label}\n  {told['what']}")
        for label, name in (
            ("unit", "unit"),
            ("default", "default"),
            ("too low", "too_low"),
            ("too high", "too_high"),
            ("holds", "scope"),
            ("source", "source"),
        ):
            print(f"  {label:<9} {told[name]}")
        if "legal" in told:
            print("  {:<9} {:,} to {:,}".format("legal", *told["legal"]))
        if value := kinds.now(host, Subject.parse(subject)):
            print(f"  {'here now':<9} {clean(value)}")
        for profile in profiles:
            active, _ = merge.requirements([profile], merge.workload([profile]), here)
            for one in active:
                if str(one.subject) == subject:
                    print(f"  {clean(profile.name)}: {wanted(one)}: {clean(one.why)}")


def _subjects(key: str, known: list[str]) -> list[str]:
    if key in kinds.names():
        return [subject for subject in known if subject.startswith(f"{key}:")]
    name = key.removeprefix("sysctl:")
    subject = f"sysctl:{display(normalise(name))}" if valid_key(name) else name
    for candidate in (subject, key):
        if candidate in known:
            return [candidate]
    near = difflib.get_close_matches(subject, known, 1, 0.4)
    hint = f"did you mean {near[0].removeprefix('sysctl:')}?" if near else "`hosttune profile show lb` lists keys"
    raise UsageError(f"{key!r}: no profile tells of it; {hint}")
