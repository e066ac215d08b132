"""What `hosttune apply` was asked, and what cannot be asked of it."""

from __future__ import annotations

from dataclasses import dataclass

from hosttune.errors import UsageError
from hosttune.options import Options
from hosttune.terminal import asking
from hosttune.workflows import addressing, apply_plan, confirming, opening


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `hosttune apply`, as given; `options` are those that `check` has too."""

    options: Options
    dry_run: bool
    script: bool
    yes: bool
    only: str
    leave: list[str] | None
    runtime_only: bool
    persist_only: bool
    live: bool
    restart: bool
    reserve_listeners: bool
    add_address: list[str] | None
    root: str
    snapshot: str
    format: str
    allow_key: list[str] | None = None
    netns: str = ""
    reason: str = ""
    confirm_within: str = ""
    confirm_if: str = ""

    def within(self) -> confirming.Within | None:
        """Return how long it waits to be confirmed, None where it does not; raises UsageError."""
        barred = {
            "--root": self.root != "/",
            "--snapshot": bool(self.snapshot),
            "--persist-only": self.persist_only,
            "--script": self.script,
        }
        return confirming.within(self.confirm_within, self.confirm_if, barred)


def check(asked: Asked) -> None:
    """Raise UsageError for options that do not go together, or that no host could take."""
    opening.check_format(asked.format)
    if asked.runtime_only and asked.persist_only:
        raise UsageError("--runtime-only and --persist-only: together they leave nothing to write; name one")
    if asked.root != "/" and (asked.runtime_only or asked.live or asked.restart):
        raise UsageError("--root: nothing runs in an image; leave out --runtime-only, --live and --restart")
    if asked.netns:
        _check_netns(asked)
    if asked.snapshot and not (asked.dry_run or asked.script):
        raise UsageError("--snapshot: a recording cannot be changed; add --dry-run or --script")
    if asked.snapshot and asked.add_address and not asked.persist_only:
        raise UsageError("--add-address: a recording does not name the interfaces; add --persist-only to see the file")
    if asked.script and (asked.yes or asked.dry_run or asked.format != "table"):
        raise UsageError(
            "--script: it prints a shell script and writes nothing; leave out --yes, --dry-run and --format"
        )
    asking.check(asked.format, told=asked.yes or asked.dry_run or asked.script)
    asked.within()
    apply_plan.kinds(asked.only)
    addressing.addresses(asked.add_address or [])
    apply_plan.allowed(asked.allow_key or [])


def _check_netns(asked: Asked) -> None:
    """Raise UsageError for what cannot go with a network namespace by name."""
    if asked.persist_only:
        raise UsageError(
            f"--netns and --persist-only: no file reaches the network namespace {asked.netns}; leave out --persist-only"
        )
    if asked.root != "/" or asked.snapshot:
        raise UsageError("--netns: an image and a recording have no namespaces; leave out --root and --snapshot")
    named = [name for name in ("pid", "process_name", "service") if getattr(asked.options, name) not in (None, "")]
    if named:
        raise UsageError(f"--netns and --{named[0].replace('_', '-')}: two network namespaces; name one of the two")
