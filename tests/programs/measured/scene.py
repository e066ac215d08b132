"""A configuration with what is known of it in a header: lines of `#:` (`<!--: -->` in XML), a key and words.

`shell` puts the usual lines there, so that a file has only what it is about. The keys:

- `stops N`: the first client that is not carried meets N others; N is the first bound that is predicted.
- `carries N`: so many are carried in the end, whoever failed before. Without `stops` it is the first bound; with it,
  the bound `ports:all`. `carries any`: how many there are in the end is no matter.
- `first KIND`: the kind of the first bound. `bound ID`: it is held against this bound, not the first: several
  entries or sections are each a bound by themselves, and clients here use all of them.
- `ports P...`: where backends listen, 9001 by default; on every address of both families, or ADDRESS:PORT.
- `enter ADDRESS:PORT...`: where clients enter, in turn; 127.0.0.1:7000 by default.
- `files NAME...`: what the program is started with, in order; this file alone by default. `beside NAME...` lies there
  too: NAME is a file or directory beside this one.
- `environment NAME=VALUE...`, `hosts ADDRESS NAME...`, `dns NAME ADDRESS...` (a name server at 127.0.0.1:5353).
- `ask OPTION...`: more options of `hosttune capacity`; {pid} is that of the program, which then runs already.
- `offer N`: clients beyond those that are carried, 60 by default. `speak`: they send a request first (HTTP).
- `unused NAME...`: sections with servers to which nothing leads.
- `wait SECONDS`: until clients come, after the program listens.
- `silent`: the line that is announced for the bound is one of an end of a connection, and these stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
PROGRAMS = {"haproxy": "cfg", "nginx": "conf", "mosquitto": "conf", "tsung": "xml"}
_LINE = re.compile(r"(?m)^(?:#|<!--):[ \t]*([a-z]+)[ \t]*(.*?)[ \t]*(?:-->)?$")
_STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
_HAPROXY = """global
 log stdout format raw local0
defaults
 mode {}
 log global
 option {}log
 retries 1
 timeout connect 200ms
 timeout client 1m
 timeout server 1m"""
_NGINX = f"load_module {_STREAM};\npid nginx.pid;\nuser root;\nerror_log stderr;"
SHELLS = {
    ("haproxy", ""): _HAPROXY.format("tcp", "tcp"),
    ("haproxy", "http"): _HAPROXY.format("http", "http"),
    ("nginx", ""): f"{_NGINX}\nworker_processes 1;\nevents {{\n    worker_connections 4096;\n}}",
    ("nginx", "bare"): _NGINX,
}


@dataclass(frozen=True)
class Scene:
    """One configuration; `keys` are the words of each line of its header, by key, those of a repeated one together."""

    path: Path
    keys: dict[str, list[list[str]]] = field(hash=False)

    @property
    def program(self) -> str:
        return self.path.parent.name

    @property
    def name(self) -> str:
        return f"{self.program}/{self.path.stem}"

    def words(self, key: str, *default: str) -> list[str]:
        return [word for line in self.keys[key] for word in line] if key in self.keys else [*default]

    def number(self, key: str) -> int | None:
        words = self.words(key)
        return int(words[0]) if words and words != ["any"] else None

    @property
    def enters(self) -> list[tuple[str, int]]:
        pairs = (one.rpartition(":") for one in self.words("enter", "127.0.0.1:7000"))
        return [(address, int(port)) for address, _, port in pairs]

    @property
    def text(self) -> str:
        """The text as the program gets it, with its shell in place."""
        return _LINE.sub(
            lambda one: SHELLS[self.program, one[2]] if one[1] == "shell" else one[0], self.path.read_text()
        )


def scene(path: Path) -> Scene:
    keys: dict[str, list[list[str]]] = {}
    for key, words in _LINE.findall(path.read_text()):
        keys.setdefault(key, []).append(words.split())
    return Scene(path, keys)


def every() -> list[Scene]:
    """Return all scenes in the order of their names."""
    return [scene(path) for program, end in PROGRAMS.items() for path in sorted((HERE / program).glob(f"*.{end}"))]


def of(name: str) -> Scene:
    program, _, stem = name.partition("/")
    return scene(HERE / program / f"{stem}.{PROGRAMS[program]}")
