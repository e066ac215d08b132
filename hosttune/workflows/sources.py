"""Give a host source addresses, or take them away."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from hosttune.changes import journal
from hosttune.changes.planned import Planned
from hosttune.changes.record import Record, Status
from hosttune.changes.request import AddressFacts, Request
from hosttune.errors import HostError, RefusedError, UsageError
from hosttune.facts import links
from hosttune.facts import machine as machines
from hosttune.facts import where as places
from hosttune.host import Host
from hosttune.host.live import LiveHost
from hosttune.model.acting import Answer, Applied, SourcesChanged
from hosttune.options import Place, SourceOptions
from hosttune.render import sources
from hosttune.workflows import addressing, apply_plan, carrying, confirming, opening, trust, write_scope


@dataclass(frozen=True, slots=True)
class Wish:
    """What `sources add` and `sources remove` are asked; `command` is how the caller would write it."""

    how: SourceOptions
    place: Place
    remove: bool = False
    command: str = ""
    dry_run: bool = False


def change(wish: Wish, agree: carrying.Agree | None = None) -> SourcesChanged:
    """Change the addresses of the host that the options name, or say what would be done; raises as `apply`."""
    how, image = wish.how, wish.place.root != "/"
    verb = "remove" if wish.remove else "add"
    if not how.addresses and not how.anyip:
        raise UsageError(f"sources {verb}: name addresses, or --anyip PREFIX; `hosttune sources plan` finds some")
    if how.runtime_only and how.persist_only:
        raise UsageError("--runtime-only and --persist-only: together they leave nothing to write; name one")
    if image and how.runtime_only:
        raise UsageError("--root: nothing runs in an image; leave out --runtime-only")
    confirming.within(how, wish.place)
    host = LiveHost(wish.place.root)
    with host.remembering():
        return on(host, wish, agree)


def on(host: LiveHost, wish: Wish, agree: carrying.Agree | None = None) -> SourcesChanged:
    """Change the addresses of a host, or say what would be done."""
    with trust.writing():
        applied = carrying.carry_out(_Change(host, wish), agree)
    assert isinstance(applied, SourcesChanged)
    return applied


class _Change(carrying.Task[carrying.Draft]):
    def __init__(self, host: LiveHost, wish: Wish) -> None:
        self.host, self._wish = host, wish
        self.command, self.reason, self.dry_run = wish.command, wish.how.reason, wish.dry_run
        self.within = confirming.within(wish.how, wish.place)
        self._where = places.gather(host, machines.gather(host))
        self._request, self._notes = write_scope.lasting(self._where, _request(host, wish))
        self._ours = _ours(host) if wish.remove else set()

    def draft(self, links: AddressFacts | None) -> carrying.Draft:
        """Look at the host and plan; `links` are what an earlier look saw of addresses."""
        host, request = self.host, self._request
        links = links or addressing.facts(host, request, force=self._wish.how.force, ours=self._ours)
        plan = apply_plan.plan(host, Planned(host), request, (), opening.open_profiles([], []), links, self.dry_run)
        refusals = tuple(r.replace("--add-address: ", "") for r in plan.refusals)
        plan = dataclasses.replace(plan, refusals=refusals, notes=plan.notes + (self._notes if plan.changes else ()))
        plan = confirming.adjusted(host, plan, self.within)
        return carrying.Draft(where=self._where, request=request, plan=plan, links=links)

    def idle(self, draft: carrying.Draft) -> Applied:
        """Return why there is nothing to do."""
        nothing = "no such address is here" if self._wish.remove else "they are here already"
        layers = "" if draft.request.persist else " (--runtime-only)"
        return dataclasses.replace(self.planned(draft), nothing=f"Nothing to do: {nothing}{layers}.")

    def planned(self, draft: carrying.Draft) -> SourcesChanged:
        """Return what the draft comes to."""
        return SourcesChanged(
            **carrying.changes_of(draft.plan),
            root=self._wish.place.root,
            verb="remove" if self._wish.remove else "add",
            persist=draft.request.persist,
            answers=tuple(Answer(address, mac) for address, mac in sorted(draft.links.answers.items())),
        )

    def done(self, draft: carrying.Draft, record: Record) -> Applied:
        """Return what was changed, and what the peers have to know."""
        return dataclasses.replace(self.planned(draft), routes=_returning(self.host, draft.request.anyip))


def _request(host: Host, wish: Wish) -> Request:
    """Return what is asked for; raises UsageError."""
    how = wish.how
    prefixes = addressing.prefixes(how.anyip)
    base = Request(
        runtime=not how.persist_only and wish.place.root == "/",
        persist=not how.runtime_only,
        only=("addresses",),
    )
    try:
        if wish.remove:
            gone = tuple(addressing.present(host, how.addresses))
            return dataclasses.replace(base, remove=gone, remove_anyip=prefixes)
        come = addressing.addresses(addressing.completed(host, how.addresses))
        return dataclasses.replace(base, addresses=come, anyip=prefixes)
    except UsageError as error:
        raise UsageError(str(error).replace("--add-address ", "")) from error


def _ours(host: LiveHost) -> set[str]:
    """Return the addresses that an apply in force has added; none where the journal is not to be read."""
    try:
        standing = [r for r in journal.records(host) if r.status in (Status.APPLIED, Status.PARTLY)]
    except RefusedError:
        return set()
    return {c.target for r in standing for c in r.changes if c.backend == "address" and c.after is not None}


def _returning(host: Host, prefixes: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return what the peers of each prefix have to know, with the address that they reach this host by."""
    if not prefixes:
        return ()
    try:
        interfaces = links.gather(host)
    except HostError:
        return tuple(sources.return_route(prefix, _UNNAMED) for prefix in prefixes)
    return tuple(sources.return_route(prefix, _first(interfaces, ":" in prefix)) for prefix in prefixes)


_UNNAMED = "THIS-HOST"


def _first(interfaces: links.Links, six: bool) -> str:
    """Return the address that others reach this host by: the first of where its default route leads, or of its one
    interface; a word in its place where that is unknown.
    """
    others = [link for link in interfaces.links.values() if not link.loopback and link.addresses]
    names = [default.interface for default in interfaces.defaults] or [link.name for link in others][: len(others) == 1]
    for name in names:
        for address in interfaces.links[name].addresses:
            if (":" in address) == six and not address.startswith("fe80"):
                return address.partition("/")[0]
    return _UNNAMED
