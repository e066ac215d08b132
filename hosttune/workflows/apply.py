"""Make a host ready for its role: check, plan, write, check again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hosttune import printable
from hosttune.changes.planned import Planned
from hosttune.changes.record import Record
from hosttune.changes.request import AddressFacts, Request
from hosttune.errors import UsageError
from hosttune.facts import machine as machines
from hosttune.facts import where as places
from hosttune.facts.where import HERE, Came
from hosttune.host import Host
from hosttune.host.live import LiveHost
from hosttune.model import Change, Finding, Report
from hosttune.model.acting import Applied, Result
from hosttune.options import ApplyOptions, Options, Place
from hosttune.printable import clean
from hosttune.render import outcome, script
from hosttune.workflows import (
    addressing,
    apply_plan,
    carrying,
    confirming,
    contained,
    examine,
    loading,
    look_again,
    opening,
    single_values,
    trust,
    write_scope,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What an apply is asked; `command` is how the caller would write it."""

    options: Options
    place: Place
    how: ApplyOptions
    command: str = ""
    dry_run: bool = False


def apply(wish: Wish, agree: carrying.Agree | None = None) -> Applied:
    """Open the host that the options name and make it ready, or say what would be done.

    Raises UsageError, ProfileError, RefusedError, ApplyError, StoppedError.
    """
    wish = settled(wish)
    check(wish)
    with _opened(wish) as (host, came):
        return on(host, wish, agree, came)


def on(host: Host, wish: Wish, agree: carrying.Agree | None = None, came: Came = HERE) -> Applied:
    """Make a host ready; `came`: how this run came to where it looks from."""
    with trust.writing():
        return carrying.carry_out(_Apply(host, wish, came), agree)


def as_script(wish: Wish) -> str:
    """Return a shell script that does the same; raises as `apply`, and RefusedError where it would be refused."""
    wish = settled(wish)
    confirming.within(wish.how, wish.place, script=True)
    check(dataclasses.replace(wish, dry_run=True))
    with _opened(wish) as (host, came):
        return script_on(host, wish, came)


def script_on(host: Host, wish: Wish, came: Came = HERE) -> str:
    """Return the script for a host."""
    with trust.writing():
        draft = _Apply(host, wish, came).draft(None)
    plan = carrying.for_another(draft.plan)
    carrying.refuse(plan, wish.command)
    top = host.root if isinstance(host, LiveHost) and not host.runs else "/"
    return script.render(plan, wish.command, top, draft.where)


def settled(wish: Wish) -> Wish:
    """Return the same with the process that a container began with, where one was named; raises UsageError."""
    return dataclasses.replace(wish, options=contained.settled(wish.options, wish.place))


@contextmanager
def _opened(wish: Wish) -> Iterator[tuple[Host, Came]]:
    place = wish.place
    with loading.view(wish.options, place.netns, place.snapshot, place.root) as view:
        host = opening.open_host(place.root, place.snapshot)
        with opening.remembering(host):
            yield host, view.came


def check(wish: Wish) -> None:
    """Raise UsageError for options that do not go together, or that no host could take."""
    place, how = wish.place, wish.how
    image, recorded = place.root != "/", bool(place.snapshot)
    named = [n for n in ("pid", "process_name", "service") if getattr(wish.options, n) not in (None, "")]
    wrong = (
        (
            how.runtime_only and how.persist_only,
            "--runtime-only and --persist-only: together they leave nothing to write; name one",
        ),
        (
            image and (how.runtime_only or how.live or how.restart),
            "--root: nothing runs in an image; leave out --runtime-only, --live and --restart",
        ),
        (
            place.netns and how.persist_only,
            f"--netns and --persist-only: no file reaches the network namespace {place.netns}; leave out "
            "--persist-only",
        ),
        (
            place.netns and (image or recorded),
            "--netns: an image and a recording have no namespaces; leave out --root and --snapshot",
        ),
        (
            place.netns and named,
            f"--netns and --{''.join(named[:1]).replace('_', '-')}: two network namespaces; name one of the two",
        ),
        (recorded and not wish.dry_run, "--snapshot: a recording cannot be changed; add --dry-run or --script"),
        (
            recorded and how.add_address and not how.persist_only,
            "--add-address: a recording does not name the interfaces; add --persist-only to see the file",
        ),
    )
    for applies, why in wrong:
        if applies:
            raise UsageError(why)
    single_values.check(wish.options, how.key)
    confirming.within(how, place)
    apply_plan.kinds(how.only)
    addressing.addresses(how.add_address)
    apply_plan.allowed(how.allow_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft(carrying.Draft):
    report: Report
    findings: tuple[Finding, ...]


class _Apply(carrying.Task[_Draft]):
    def __init__(self, host: Host, wish: Wish, came: Came) -> None:
        self.host, self._wish = host, wish
        self.command, self.reason, self.dry_run = wish.command, wish.how.reason, wish.dry_run
        self.within = confirming.within(wish.how, wish.place)
        self._loaded = dataclasses.replace(loading.load(host, wish.options, came.process), came=came)
        if wish.how.key:
            only = single_values.profile(opening.open_profiles([], [])[0], wish.how.key, wish.options)
            self._loaded = dataclasses.replace(self._loaded, profiles=[only])

    def draft(self, links: AddressFacts | None) -> _Draft:
        """Look at the host and plan; `links` are what an earlier look saw of addresses."""
        host, how, place, loaded = self.host, self._wish.how, self._wish.place, self._loaded
        where = places.gather(host, machines.gather(host), loaded.came)
        report = examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, self.command, where=where)
        report = dataclasses.replace(report, warnings=loaded.notes + report.warnings)
        base = Request(
            runtime=not how.persist_only and place.root == "/",
            persist=not how.runtime_only,
            only=apply_plan.kinds(how.only),
            live=how.live,
            restart=how.restart,
            addresses=addressing.addresses(how.add_address),
            allow=apply_plan.allowed(how.allow_key),
        )
        request, findings = apply_plan.request(host, loaded, report, base, how.leave, how.reserve_listeners)
        role = self._role()
        scope = write_scope.narrow(report, findings, request, role, bool(place.netns))
        links = links or addressing.facts(host, scope.request)
        world = Planned(host)
        plan = apply_plan.plan(host, world, scope.request, scope.findings, loaded.profiles, links, self.dry_run)
        plan = confirming.adjusted(host, plan, self.within)
        plan = dataclasses.replace(
            # a text of several lines is one of ours
            plan,
            notes=(*map(clean, plan.notes), *scope.notes),
            refusals=(*scope.refusals, *map(clean, plan.refusals)),
        )
        plan = write_scope.closed(plan, report, findings, role)
        return _Draft(
            where=where, request=scope.request, plan=plan, links=links, report=report, findings=scope.findings
        )

    def _role(self) -> str:
        """Return the options that ask for the same elsewhere."""
        asked = [word for text in self._wish.how.key for word in ("--key", text)]
        return " ".join(filter(None, (loading.role_words(self._wish.options), printable.words(asked))))

    def idle(self, draft: _Draft) -> Applied:
        """Return why there is nothing to do."""
        how = self._wish.how
        given = {
            "--only": how.only,
            "--except": how.leave,
            "--runtime-only": how.runtime_only,
            "--persist-only": how.persist_only,
        }
        narrowed = [option for option, value in given.items() if value]
        nothing = look_again.nothing(draft.report, narrowed, bool(how.key))
        return dataclasses.replace(self._base(draft, draft.report), nothing=nothing)

    def planned(self, draft: _Draft) -> Applied:
        """Return what the draft comes to; the capacity is that of the host as planned."""
        host = Planned(self.host, draft.plan.changes)
        after = self._report(host, draft)
        refused = bool(draft.plan.refusals)
        results = () if refused else self._results(host, draft, after, draft.plan.changes)
        return dataclasses.replace(self._base(draft, after), results=results)

    def done(self, draft: _Draft, record: Record) -> Applied:
        """Look at the host again, and return what became of each value."""
        # what waits counts as what a boot brings: that is what is to be confirmed
        host: Host = Planned(self.host, record.pending) if record.pending else self.host
        after = self._report(host, draft)
        results = self._results(host, draft, after, draft.plan.changes if record.confirm else record.changes)
        return dataclasses.replace(self._base(draft, after), results=results)

    def _report(self, host: Host, draft: _Draft) -> Report:
        loaded = self._loaded
        return examine.examine(host, loaded.profiles, loaded.workload, loaded.programs, "", where=draft.where)

    def _results(self, host: Host, draft: _Draft, after: Report, changes: tuple[Change, ...]) -> tuple[Result, ...]:
        """Return what became of each value that was required."""
        findings = look_again.findings(host, self._loaded, draft.request, after.findings)
        return tuple(look_again.results(host, changes, draft.request, draft.findings, findings))

    def _base(self, draft: _Draft, after: Report) -> Applied:
        waiting = () if draft.plan.restart else draft.plan.restarts
        return Applied(
            **carrying.changes_of(draft.plan),
            # what one value is for is not known, and so not how many connections are wanted
            capacity="" if self._wish.how.key else outcome.capacity(draft.report, after, waiting),
            units={f.subject.name: f.requirement.unit for f in draft.findings if f.requirement},
            kernel=bool(after.machine.kernel),
            root=self._wish.place.root,
        )
