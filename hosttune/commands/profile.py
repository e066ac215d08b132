"""List, show and validate profiles."""

from __future__ import annotations

from pathlib import Path

from hosttune.facts import machine
from hosttune.findings.judge import wanted
from hosttune.host.live import LiveHost
from hosttune.printable import clean, cleaned
from hosttune.profile import keys, load, merge, schema
from hosttune.workflows import trust
from hosttune.workflows.opening import LOCAL, open_profiles


def show_all() -> None:
    """Print a line a profile."""
    for name in load.names(LOCAL):
        print(f"{name:<18}{clean(load.load(name, LOCAL).title)}")


def show(name: str, connections: int | None, rate: int | None) -> None:
    """Print what a profile requires on this host, at that workload."""
    profiles = open_profiles([name], [])
    workload = merge.workload(profiles, connections=connections, rate=rate)
    active, waived = cleaned(merge.requirements(profiles, workload, machine.gather(LiveHost())))
    print(f"{clean(profiles[0].name)}: {clean(profiles[0].title)}")
    print(f"at {workload.connections:,} connections and {workload.rate:,} new ones per second")
    for key, why in profiles[0].why.items():
        print(f"{key} {getattr(workload, key)}: {clean(why)}")
    for one in active:
        print(f"\n{one.subject}\n  set it {wanted(one)}   [{one.severity}]\n  why: {one.why}\n  source: {one.source}")
    for one in waived:
        print(f"\n{one.subject}\n  waived: {one.waived}")


def validate(files: list[str]) -> None:
    """Check each file; raises ProfileError or UsageError with one line for the first that is wrong."""
    for file in files:
        schema.validate(file, load.document(Path(file)))
        profile = load.load_file(Path(file), LOCAL)
        trust.weigh(profile.doubts)
        print(f"{clean(file)}: right, {len(profile.rows)} rows with those it extends")
        for key in _foreign(profile):
            print(f"{clean(file)}: {key} concerns none of {keys.PURPOSE}: `apply` takes it with --allow-key {key} only")


def _foreign(profile: load.Profile) -> list[str]:
    """Return the sysctls that `apply` does not take without being told."""
    rows = [row for row in profile.rows if row.subject.startswith("sysctl:") and not row.table.get("drop")]
    names = dict.fromkeys(row.subject.removeprefix("sysctl:") for row in rows)
    return [name for name in names if not keys.is_known(name)]
