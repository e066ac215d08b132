"""What a container lacks for its role, as options or a file of what makes it; nothing is written.

A container that is named, or that this runs in, is judged as it is. On a host it is one that would be made: a network
namespace is made for the look, which has what the kernel gives a new one, and nobody has given it descriptors yet.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hosttune.changes.backends import prlimit
from hosttune.changes.planned import Planned
from hosttune.changes.request import Request
from hosttune.changes.value import meet, pair
from hosttune.changes.value import text as written
from hosttune.errors import HostError, RefusedError, UsageError
from hosttune.facts import kinds
from hosttune.facts import machine as machines
from hosttune.facts import where as places
from hosttune.facts.where import Came
from hosttune.host import Host, text
from hosttune.host.aside import Aside
from hosttune.host.live import LiveHost
from hosttune.model import Change, Finding, Report, Shortfall, Site, Unknown, Value, Verdict, Where
from hosttune.model.acting import Emission
from hosttune.options import ApplyOptions, Options
from hosttune.render import containers, outcome, where_words
from hosttune.workflows import apply, apply_plan, examine, loading, opening, single_values, trust, write_scope


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is judged, for whom; `nofile` are the limits to give a container that is not made yet."""

    host: Host
    where: Where
    loaded: loading.Target
    nofile: tuple[int, int] | None = None

    def report(self, changes: Sequence[Change] = ()) -> Report:
        """Examine it, as it is with some changes made."""
        host = Planned(self.host, changes) if changes else self.host
        loaded = self.loaded
        return examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, "", where=self.where)


def emitted(wish: apply.Wish, given: str) -> Emission:
    """Return what lacks, in the format of FORMAT[=NAME]; raises UsageError, ProfileError, RefusedError."""
    format, name = containers.asked(given)
    wish = apply.settled(wish)
    _check(wish, format)
    with trust.writing(), loading.standpoint(wish.options, wish.place) as point:
        judged = point.look(lambda host, view: _there(host, view.came, wish))
        if judged.where.contained or not judged.where.initial:
            return point.look(lambda host, view: _emission(judged, wish, format, name))
        if not isinstance(judged.host, LiveHost) or loading.names_a_process(wish.options):
            what = "that is no container" if isinstance(judged.host, LiveHost) else "the snapshot is of a host"
            raise UsageError(f"--emit {format}: {what}; leave it out to see what a new container lacks here")
        nofile = point.look(lambda host, view: _asked_of_a_unit(judged.report()))
        with Aside() as thread:
            return thread.call(lambda: _emission(_new(wish, nofile), wish, format, name))


def _check(wish: apply.Wish, format: str) -> None:
    """Raise UsageError for options that say how this host is written."""
    how = wish.how
    taken = {name: getattr(how, name) for name in ("key", "leave", "reserve_listeners", "allow_key")}
    if how != ApplyOptions(**taken):
        raise UsageError(
            f"--emit {format}: nothing is written; of the options of an apply only --key, --except, --allow-key and "
            "--reserve-listeners go with it"
        )
    single_values.check(wish.options, how.key)
    if wish.place.root != "/":
        raise UsageError(f"--emit {format} and --root: an image has no network; leave out one of the two")


def _there(host: Host, came: Came, wish: apply.Wish) -> _Judged:
    """Return what the options name, seen from where they lead."""
    loaded = _loaded(host, wish, wish.options, came)
    return _Judged(host, places.gather(host, machines.gather(host), came), loaded)


def _loaded(host: Host, wish: apply.Wish, options: Options, came: Came) -> loading.Target:
    """Return the role on a host, or the values that are asked for one by one."""
    loaded = dataclasses.replace(loading.load(host, options, came.process), came=came)
    if not wish.how.key:
        return loaded
    only = single_values.profile(opening.open_profiles([], [])[0], wish.how.key, options)
    return dataclasses.replace(loaded, profiles=[only])


def _new(wish: apply.Wish, nofile: tuple[int, int] | None) -> _Judged:
    """Return a container that would be made, for which this thread enters a new network namespace.

    What is around it (its ways to backends) and in it (its program) is not known.
    """
    from hosttune.host import netns

    left = netns.enter_new()
    came = Came(left.identity, left.inherited)
    host = opening.open_host("/", "")
    options = dataclasses.replace(wish.options, backend=(), backends_from=(), source=(), service="", user=())
    loaded = _loaded(host, wish, options, came)
    nobody = dataclasses.replace(loaded.programs, unit="", users=(), pid=None)
    where = places.gather(host, machines.gather(host), came)
    where = dataclasses.replace(where, site=Site.CONTAINER, inside=False, loaded=False)
    return _Judged(host, where, dataclasses.replace(loaded, programs=nobody), nofile)


def _asked_of_a_unit(report: Report) -> tuple[int, int] | None:
    """Return the descriptors that the role asks for its service, whatever that has here."""
    asked = [f.requirement for f in report.findings if f.requirement and f.subject.kind == "nofile"]
    limits = [both for each in asked if (both := pair(meet(each, None)))]
    return max((soft, max(soft, hard)) for soft, hard in limits) if limits else None


def _emission(judged: _Judged, wish: apply.Wish, format: str, name: str) -> Emission:
    report = judged.report()
    allowed = apply_plan.allowed(wish.how.allow_key)
    base = Request(runtime=True, persist=False, live=True, allow=allowed)
    request, findings = apply_plan.request(
        judged.host, judged.loaded, report, base, wish.how.leave, wish.how.reserve_listeners
    )
    lacks = write_scope.shortfall(report, findings, loading.role_words(wish.options))
    lost = () if judged.where.initial else _lost(findings, {key for key, _ in lacks.sysctls})
    lacks = dataclasses.replace(lacks, sysctls=(*lacks.sysctls, *lost), nofile=lacks.nofile or judged.nofile)
    _refuse(judged, report, request, findings)
    name = name or judged.where.container.name or report.roles[-1]
    text = containers.text(format, lacks, name)
    notes = containers.head(format, lacks, name) if text else []
    notes = [*notes, *_too_many(judged.host, lacks), *_host_keys(lacks), *_unseen(judged, report.findings)]
    # what one value is for is not known, and so not how many connections are wanted
    capacity = "" if wish.how.key else outcome.capacity(report, judged.report(_changes(judged, lacks)))
    first = ": ".join(filter(None, (wish.command, capacity)))
    head = containers.commented(format, [first, *notes]) if text else []
    return Emission("".join(f"{line}\n" for line in head) + text, capacity, tuple(notes), bool(head))


def _lost(findings: Sequence[Finding], named: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Return what holds in a container by what was written into it, and what a new one would not have."""
    values: dict[str, Value] = {}
    for finding in findings:
        key, reading, requirement = finding.subject.name, finding.reading, finding.requirement
        if not (reading and requirement and kinds.of_namespace(finding.subject)) or finding.verdict is not Verdict.OK:
            continue
        at_boot = values.get(key, reading.boot)
        made = None if isinstance(at_boot, Unknown) else meet(requirement, at_boot)
        if made is not None and made != at_boot:
            values[key] = made
    return tuple((key, written(value)) for key, value in values.items() if key not in named)


def _refuse(judged: _Judged, report: Report, request: Request, findings: tuple[Finding, ...]) -> None:
    """Raise RefusedError for what an apply in there would refuse; who may write there is another question."""
    if judged.where.initial:
        return
    scope = write_scope.narrow(report, findings, request, "", inside=True)
    shown = Planned(judged.host)
    plan = apply_plan.plan(shown, shown, scope.request, scope.findings, judged.loaded.profiles, shown_only=True)
    if wrong := write_scope.unclosed(plan.refusals):
        raise RefusedError("\n".join(wrong))


def _changes(judged: _Judged, lacks: Shortfall) -> list[Change]:
    """Return what the container made anew has otherwise."""
    made = [Change("sysctl", key, None, value) for key, value in lacks.sysctls]
    process = judged.where.process
    if lacks.nofile and process is not None:
        with contextlib.suppress(HostError):
            soft, hard = lacks.nofile
            made.append(Change("prlimit", prlimit.target_of(judged.host, process), None, f"{soft} {hard}"))
    return made


def _too_many(host: Host, lacks: Shortfall) -> list[str]:
    """Return that the host gives no process so many descriptors, and what raises that (proc_sys_fs(5), nr_open)."""
    most = text(host, "/proc/sys/fs/nr_open").strip()
    if not lacks.nofile or not most.isdecimal() or lacks.nofile[1] <= int(most):
        return []
    hard = lacks.nofile[1]
    return [f"first on the host, where fs.nr_open is {int(most):,}:\n  hosttune apply --key fs.nr_open={hard}"]


def _unseen(judged: _Judged, findings: Sequence[Finding]) -> list[str]:
    """Return that descriptors were not judged, where no process is known that the role asks them for."""
    if judged.nofile or any(kinds.of_process(f.subject) for f in findings) or not _asks_nofile(judged):
        return []
    return ["its descriptors were not judged: name it, or a process of it (--container, --pid)"]


def _asks_nofile(judged: _Judged) -> bool:
    return any(row.subject.startswith("nofile:") for profile in judged.loaded.profiles for row in profile.rows)


def _host_keys(lacks: Shortfall) -> list[str]:
    return ["\n".join(where_words.host_keys(lacks))] if lacks.host else []
