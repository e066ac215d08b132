"""Print or write what other tools take to run hosttune."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from hosttune import __version__
from hosttune.errors import UsageError
from hosttune.options import ApplyOptions, Cluster, Options
from hosttune.printable import clean, word
from hosttune.terminal import file_tree, flat_files, metrics_file, presenting, streams


def ansible(output: str) -> None:
    """Write the collection into a directory of its own and say how to use it."""
    from hosttune.hooks import ansible

    written = file_tree.write("-o", output, ansible.files(__version__))
    output = word(output)
    print(f"{len(written)} files of the collection hosttune.hosttune {ansible.semantic(__version__)} in {output}")
    print(f"  use it as it is:  ANSIBLE_COLLECTIONS_PATH={output} ansible-doc hosttune.hosttune.hosttune")
    print(f"  or install it:    ansible-galaxy collection install {output}/{ansible.TREE}")


def cloud_init(options: Options, spec: str, sha256: str, no_sha256: bool, every: float, also: Sequence[str]) -> None:
    """Print the document, and what is to be known of it on standard error."""
    from hosttune.workflows import first_boot

    origin = first_boot.Origin(spec=spec, sha256=sha256, no_sha256=no_sha256)
    text, notes = first_boot.user_data(options, origin, presenting.command(), every=every, also=also)
    print(text, end="")
    for note in notes:
        presenting.tell(clean(note))


def systemd(options: Options, every: float, fail_on: str, strict: bool, textfile: str, output: str) -> None:
    """Print both units, or put them into the directory of --output."""
    from hosttune.hooks import systemd
    from hosttune.workflows import check_units, elsewhere, opening

    elsewhere.printable("--output", output)
    if textfile.isprintable() and textfile.startswith("/"):
        metrics_file.named(textfile)
    place = check_units.of_this_host(options, sys.argv[0])
    texts = check_units.units(
        options, place, presenting.command(), every=every, fail_on=fail_on, strict=strict, textfile=textfile
    )
    if output:
        flat_files.put("--output", output, texts, systemd.MARK)
        print(*(clean(os.path.join(output, name)) for name in texts), f"then: {systemd.START}", sep="\n")
    else:
        print(systemd.printed(texts), end="")
    if not check_units.runs(place.program):
        presenting.tell(f"the unit runs {place.program}, which is not on this host; install it there")
    if why := check_units.without_systemd(opening.open_host("/", "")):
        presenting.tell(why)


def prometheus(output: str) -> None:
    """Put both files into a directory, and say what takes them."""
    from hosttune.hooks import prometheus

    flat_files.put("--output", output, prometheus.files(), prometheus.MARK)
    rules, dashboard = (clean(os.path.join(output, name)) for name in prometheus.files())
    print(f"{rules}: name it in rule_files of prometheus.yml, then check config and reload")
    print(f"{dashboard}: import it in Grafana")


def kubernetes(options: Options, cluster: Cluster, how: ApplyOptions, every: float, output: str) -> None:
    """Put the manifests and the recipe of their image into a directory, and say what takes them."""
    from hosttune.hooks import kubernetes
    from hosttune.workflows import cluster_files, elsewhere

    elsewhere.printable("--output", output)
    texts, notes = cluster_files.files(options, cluster, how, presenting.command(), every=every)
    flat_files.put("--output", output, texts, kubernetes.MARK)
    print(*kubernetes.steps(word(output), texts), sep="\n")
    for note in notes:
        presenting.tell(clean(note))


def pyz(output: str, python: Sequence[str], arch: Sequence[str], libc: Sequence[str]) -> None:
    """Write the file, and say for what hosts it is."""
    from hosttune.workflows import one_file

    one_file.check(python, arch, libc)
    one_file.check_output(output, sys.argv[0])
    built = one_file.build(python, arch, libc)
    streams.to_file("--output", output, built.data, 0o777)
    for target, why in built.missing.items():
        presenting.tell(f"left out {target}: {why}")
    print(f"{clean(output)}: {os.path.getsize(output) / 1e6:.1f} MB, for", *built.targets, sep="\n  ")


def man(command: Any, directory: str) -> None:
    """Write the pages of a command and all below it, formats and concepts; `command` is what typer makes of an app."""
    from hosttune.hooks import man
    from hosttune.manual import concepts, verb
    from hosttune.workflows import file_formats

    formats = [file_formats.profile(), file_formats.topology()]
    pages = man.pages(verb.verb(command, "hosttune"), __version__, formats, concepts.PAGE)
    where = man.above(directory)
    flat_files.put("DIR", where, {f"{man.folder(page)}/{page}": text for page, text in pages.items()}, man.MARK)
    print(f"{clean(where)}: {len(pages)} pages; `man hosttune` shows the first where MANPATH has it")


def completion(shell: str) -> None:
    """Print the script of a shell."""
    from hosttune.hooks import completion

    if shell not in completion.SHELLS:
        raise UsageError(f"hook completion {shell}: no script for this shell; choose {', '.join(completion.SHELLS)}")
    print(completion.script(shell), end="")


def complete(command: Any, line: str) -> None:
    """Print what can stand at the end of a line, each with a tab and what it is; `command` as in `man`."""
    from hosttune.terminal import candidates

    for offered in candidates.lines(command, line):
        print(offered)
