"""What a shell offers as the value of an option or argument. A shell waits for it: each imports what it needs late."""

from __future__ import annotations

from hosttune.terminal.offers import DIRECTORIES, FILES, Offered, choice, directories, files, listed, several

__all__ = ["DIRECTORIES", "FILES", "choice", "directories", "files", "listed", "several"]


def roles(incomplete: str) -> list[str]:
    """Offer the profiles that can be a role, those of this host too."""
    from hosttune.profile import load
    from hosttune.workflows.opening import LOCAL

    return list(load.names(LOCAL))


def pages(incomplete: str) -> Offered:
    """Offer the pages of the documentation."""
    from hosttune import docs

    return list(docs.topics().items())


def topologies(incomplete: str) -> Offered:
    """Offer the topologies that ship, and files."""
    from hosttune.planning.topology import load

    return [*load.names(), *files(incomplete)]


def sysctls(incomplete: str) -> list[str]:
    """Offer the sysctls that profiles describe."""
    return sorted(text.removeprefix("sysctl:") for text in _known() if text.startswith("sysctl:"))


def subjects(incomplete: str) -> list[str]:
    """Offer what `explain` knows: each kind with all its subjects, and those that have a name of their own."""
    from hosttune.facts import kinds
    from hosttune.profile import described

    known = {*_known(), *described.read()}
    keys = sorted(text.removeprefix("sysctl:") for text in known if text.startswith("sysctl:"))
    others = sorted(text for text in known if not text.startswith(("sysctl:", "nofile:")))
    return [*(kind for kind in kinds.names() if kind != "sysctl"), *keys, *others]


def _known() -> set[str]:
    from hosttune.profile import load
    from hosttune.workflows.opening import LOCAL

    return {subject for name in load.names(LOCAL) for subject in load.load(name, LOCAL).about}


def container_formats(incomplete: str) -> list[str]:
    """Offer the formats in which `apply` says what a container lacks."""
    from hosttune import registry

    return list(registry.names("hosttune.render.containers"))


def written(incomplete: str) -> list[str]:
    """Offer the kinds that `apply` can write, with commas between several."""
    from hosttune.changes import kinds

    return several(*kinds.only())(incomplete)


def experiments(incomplete: str) -> list[str]:
    """Offer what `prove` can make happen, with commas between several."""
    from hosttune import registry

    return several(*registry.names("hosttune.proofs.experiments"))(incomplete)
