"""The configuration that a unit starts its program with, read where no option names one."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hosttune.errors import RefusedError, UsageError
from hosttune.host import Host, is_image
from hosttune.host.live import LiveHost
from hosttune.model import Configuration
from hosttune.options import Options
from hosttune.profile.load import Profile
from hosttune.programs import command_line, configuration
from hosttune.programs.given import Given
from hosttune.programs.started import Seen
from hosttune.resolve import systemd_command
from hosttune.workflows import trust


@dataclass(frozen=True, slots=True)
class Started:
    """What a unit's program is started with, None where no file that is read here is part of it; and what to note."""

    configuration: Configuration | None = None
    notes: tuple[str, ...] = ()


def read(host: Host, options: Options, profiles: Sequence[Profile], unit: str, idle: bool = False) -> Started:
    """Return what the unit of --service, or in an image that of the role, starts its program with.

    That of the role also on a machine where its programs were sought and are `idle`. Nobody has named those files:
    where they cannot be read, or others than root could write them and this verb writes, that is a note.
    """
    named = options.backend or options.backends_from or options.pid is not None or options.process_name
    theirs = any(profile.workload.get("backends") for profile in profiles)
    if not unit or named or theirs or not isinstance(host, LiveHost) or not (options.service or idle or is_image(host)):
        return Started()
    wanted, notes = given(host, unit)
    if wanted is None:
        return Started(notes=notes)
    try:
        known = configuration.read(wanted)
        trust.weigh(known.doubts)
    except (UsageError, RefusedError) as error:
        return Started(notes=(*notes, f"{error}; nothing of it is counted"))
    return Started(known.configuration, notes)


def environment(host: Host, unit: str) -> Mapping[str, str]:
    """Return what a start of the unit sets for its program, which files that were named may ask for."""
    if not unit or not isinstance(host, LiveHost):
        return {}
    return systemd_command.of_unit(host, unit, now=not is_image(host)).environment


def given(host: LiveHost, unit: str) -> tuple[Given | None, tuple[str, ...]]:
    """Return the files, the environment and what else a start of the unit gives its program; and what to note.

    None where it starts nothing whose files are read here. Of a machine that runs, what lies in /run counts.
    """
    started = systemd_command.of_unit(host, unit, now=not is_image(host))
    for command in started.commands:
        program = command_line.shelf_of(command.argv[0])
        arguments = command_line.given_by(program, command.argv)
        if not arguments.files:
            continue
        directory = posixpath.normpath(posixpath.join(started.directory, arguments.prefix))
        made = Given(
            Seen(host, started.root) if started.root else host,
            tuple(posixpath.join(directory, path) for path in arguments.files),
            environment=started.environment,
            prefix=directory if arguments.prefix else "",
            overrides=arguments.overrides,
            named=f"{unit} ({command.where}):",
            resolves=not (started.root or is_image(host)),
            program=program,
        )
        return made, started.notes
    return None, ()
