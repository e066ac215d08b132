"""What nginx's command line says of its configuration (src/core/nginx.c, ngx_get_options(), ngx_process_options())."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hosttune.programs.command_line import Arguments

# it writes its role over its command line, and joins the words with blanks: src/os/unix/ngx_process_cycle.c
_TITLE = re.compile(r"nginx: \S+ process ")
_CONFIGURATION = "/etc/nginx/nginx.conf"  # what distributions and nginx.org build in: --conf-path
_PREFIX = "/usr/share/nginx"  # Debian, Fedora: --prefix
_OWN = re.compile(r"(/.*)/sbin/nginx")  # built from source: all below one directory, auto/options
_OF_SYSTEM = ("", "/usr")
_VALUED = "pceg"
_ALONE = "?hvVtTq"


def command(argv: Sequence[str]) -> Arguments:
    """Return the file of -c, the prefix of -p, and the directives of -g; the title of a master is read as well."""
    words = list(argv)
    if title := _TITLE.match(words[0]):
        words = [part for word in words for part in word.split(" ")][len(title[0].split()) :]
    given: dict[str, list[str]] = {letter: [] for letter in _VALUED}
    at: list[str] | None = None
    for word in words[1:]:
        letter = word[1:2] if word[:1] == "-" else ""
        if letter and (letter in _VALUED or not word[1:].strip(_ALONE)):
            # of -c FILE the value is the next word, of -cFILE the rest of this one
            at = given[letter] if letter in _VALUED else None
            if at is not None:
                at.append(word[2:])
        elif at is not None:
            at[-1] = f"{at[-1]} {word}".lstrip(" ")
    own = _OWN.fullmatch(words[0]) if words else None
    built = own[1] if own and own[1] not in _OF_SYSTEM else ""
    path = (given["c"] or [""])[-1]
    prefix = (given["p"] or [""])[-1] or built or (_PREFIX if path and not path.startswith("/") else "")
    default = f"{built}/conf/nginx.conf" if built else _CONFIGURATION
    if given["p"] and given["p"][-1] and not path and built:
        default = "conf/nginx.conf"
    return Arguments((path,) if path else (), prefix, tuple(filter(None, given["g"])), (default,))
