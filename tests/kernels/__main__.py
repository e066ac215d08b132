"""Boot real systems of several kernels and print the table of what hosttune said and did on each.

python -m tests.kernels [NAME...] [--markdown] [--keep DIRECTORY] [--rules] [--list]. Exit code 1 where a row differs
and no rule says why, 2 for wrong use, 3 where a system could not be had.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from tests.differential.roots import RootUnavailable
from tests.kernels import rounds, systems, table


def main(words: list[str]) -> int:
    """Play the systems that are named and print what came of it; what each boot kept is left where `--keep` says."""
    options = _options(words)
    if options.list:
        for system in systems.SYSTEMS:
            kernel = f"{system.kernel} of {system.kernel_suite or system.suite}"
            print(f"{system.name:25} {system.suite}, {kernel}, {system.arch}")
        return 0
    try:
        chosen = systems.named(options.names)
    except KeyError as error:
        print(f"{error}: no such system; --list names them", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("it takes root: roots are built and mounted", file=sys.stderr)
        return 2
    rows, missing = [], []
    for system in chosen:
        print(f"{system.name} ...", file=sys.stderr, flush=True)
        try:
            if options.rules:
                with tempfile.TemporaryDirectory(prefix="hosttune-kernels-") as directory:
                    print(table.rules(system.name, rounds.asked(system, Path(directory))), flush=True)
                continue
            boots = _boots(system, options.keep, options.again)
        except (RootUnavailable, AssertionError) as error:
            missing.append(f"{system.name} could not be had: {error}")
            continue
        rows.append(table.read(system.name, boots))
    if not options.rules:
        print(table.markdown(rows) if options.markdown else table.text(rows))
    print("\n".join(missing), file=sys.stderr, end="\n" if missing else "")
    differs = any(not difference.rule for row in rows for difference in row.differences)
    return 1 if differs else 3 if missing else 0


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kernels", description="The kernels' table.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: {', '.join(systems.DEFAULT)}")
    parser.add_argument("--markdown", action="store_true", help="the table as the page `prove` has it")
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="keep what the boots answered")
    parser.add_argument("--again", action="store_true", help="with --keep: read what was kept, boot only what was not")
    parser.add_argument("--rules", action="store_true", help="boot once, ask only which rules the kernel has")
    parser.add_argument("--list", action="store_true", help="the systems, and nothing else")
    return parser.parse_args(words)


def _boots(system: systems.System, keep: Path | None, again: bool) -> rounds.Boots:
    """Return what the boots of a system kept, from the file of an earlier run where that is asked for."""
    file = keep / f"{system.name}.json" if keep else None
    if file and again and file.exists():
        first, second, third = json.loads(file.read_text())
        return first, second, third
    with tempfile.TemporaryDirectory(prefix="hosttune-kernels-") as directory:
        boots = rounds.play(system, Path(directory))
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(boots))
    return boots


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
