"""Make the lines again with the real programs: `python -m tests.programs.lines [--root DIR] [-v] [PROGRAM...]`.

--root is a tree of Debian with the packages (debootstrap(8)); else what is not installed here is left out. Prints a
table; -v shows all that a program wrote where its line did not come. Exit 1 where one did not.
"""

from __future__ import annotations

import argparse
import os
import time

from hosttune.diagnosis import log_reading
from hosttune.programs import knowledge
from tests import needs
from tests.programs.lines import play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.programs.lines")
    parser.add_argument("--root", default="")
    parser.add_argument("-v", action="store_true")
    parser.add_argument("program", nargs="*")
    options = parser.parse_args()
    wanted = [one for one in play.every() if one.scene and (not options.program or one.program in options.program)]
    failed = 0
    for one in wanted:
        lacking = [name for name in one.programs if not there(name, options.root)]
        start = time.monotonic()
        found, text = ("", "") if lacking else play.written(one, options.root)
        took = time.monotonic() - start
        state = f"lacks {' '.join(one.packages)}" if lacking else "ok" if found else "MISSING"
        failed += state == "MISSING"
        print(f"{one.program:14} {state:8} {took:4.1f} s  {one.told:40} {found or one.line}", flush=True)
        if state == "MISSING" and options.v:
            for line in text.splitlines()[-40:]:
                print("    |", line)
            for hit in log_reading.recognise(text.encode(), knowledge.every()):
                print("    =", hit.program, hit.causes, hit.errno, hit.call, hit.numbers, hit.line)
    print(f"{len(wanted)} lines of {len({one.program for one in wanted})} programs, {failed} did not come")
    return int(bool(failed))


def there(program: str, root: str) -> bool:
    """Say whether a program is installed, here or in a tree."""
    if not root:
        return bool(needs.where(program))
    places = [program] if program.startswith("/") else [f"{place}/{program}" for place in play.PLACES]
    return any(os.path.lexists(root + place) for place in places)


if __name__ == "__main__":
    raise SystemExit(main())
