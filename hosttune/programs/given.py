"""What a program is started with, and the files of it: those that are named, those of a directory, below a root."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from hosttune import registry
from hosttune.errors import HostError, UsageError
from hosttune.host import Host, named_file
from hosttune.host.live import LiveHost
from hosttune.host.owners import Doubt
from hosttune.host.reading import TooLargeError, size_text
from hosttune.model import Reason
from hosttune.programs import knowledge

LARGEST = 16 << 20
"""Bytes of one file: 80,000 long server lines."""
LARGEST_ALL = 32 << 20
"""Bytes of all files of one configuration, those that others include too."""
MOST_FILES = 10_000
"""Files of one configuration: some directories have one for each of a thousand sites."""

_OPTION = "--backends-from"
SHELVES = "hosttune.programs.shelves"
_MOST = f"at most {size_text(LARGEST)} of one file are read"
_MOST_ALL = f"at most {size_text(LARGEST_ALL)} of one configuration are read"


class Texts(dict[str, str]):
    """What was read, by path; `size` is that of all."""

    size = 0


@dataclass(frozen=True, slots=True)
class Given:
    """What a program is started with: its files in order, and what else decides what they come to.

    `paths` may be directories until `expanded`. `environment` is what it finds set, `prefix` the directory that
    relative paths of its files are meant from ("" for the program's own default), `overrides` are the directives of its
    command line, as lines of its own grammar. `named` is how a person came to the files, for messages. `resolves`:
    names are asked of this machine's resolver, or of what a snapshot recorded of it. `program` is its name in
    profiles/programs where that is known, "" where the files' content tells it. `doubts` collects what lets others than
    root write a file that was read (see `named_file`), `texts` what was read: each file once.
    """

    host: Host
    paths: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    overrides: tuple[str, ...] = ()
    named: str = _OPTION
    resolves: bool = True
    program: str = ""
    doubts: list[Doubt] = field(default_factory=list)
    texts: Texts = field(default_factory=Texts)

    def text(self, path: str) -> str:
        """Return the text of a file as the host sees it, bounded in size; raises UsageError."""
        try:
            return self.held(path)
        except (HostError, OSError) as error:
            raise UsageError(f"{self.named} {self._why(path, error)}") from error

    def glob(self, pattern: str) -> list[str]:
        """Return the sorted paths that match as the host sees it; of a relative pattern they are relative too."""
        if pattern.startswith("/") or self.root != "/":
            return self.host.glob(pattern)
        try:
            here = f"{os.getcwd()}/"
        except OSError:  # it was removed
            return []
        return [path.removeprefix(here) for path in self.host.glob(glob.escape(here) + pattern)]

    @property
    def root(self) -> str:
        """The root of an image, "/" for a machine."""
        return self.host.root if isinstance(self.host, LiveHost) else "/"

    def held(self, path: str) -> str:
        """Return a text; raises HostError or OSError where it cannot be read, UsageError where it is too much."""
        if path not in self.texts:
            text = self._read(path)
            if len(text) > LARGEST:
                raise UsageError(f"{self.named} {path}: {len(text):,} bytes; {_MOST}")
            size = self.texts.size + len(text)
            if size > LARGEST_ALL:
                raise UsageError(f"{self.named} {path}: {size:,} bytes with the files before it; {_MOST_ALL}")
            if len(self.texts) == MOST_FILES:
                raise UsageError(f"{self.named} {path}: more than {MOST_FILES:,} files of one configuration")
            self.texts[path], self.texts.size = text, size
        return self.texts[path]

    def _read(self, path: str) -> str:
        if not isinstance(self.host, LiveHost):
            return self.host.read(path)
        file = self.host.given(path, LARGEST)
        self.doubts.extend(file.doubts)
        return file.data.decode("utf-8", "surrogateescape")

    def _why(self, path: str, error: HostError | OSError) -> str:
        """Return what is wrong with a file that cannot be read, and what to do."""
        if self.root != "/" and _is_absent(error):
            meant = "; the path is taken inside --root" if self.named == _OPTION else ""
            return f"{path}: absent below {self.root}{meant}"
        if isinstance(error, HostError) and error.reason is Reason.NOT_RECORDED:
            return f"{path}: not in the snapshot; name the backends with --backend"
        if isinstance(error, TooLargeError):
            return f"{path}: {error.size:,} bytes; {_MOST}"
        instead = "; name an haproxy.cfg or nginx.conf" if self.named == _OPTION else ""
        return f"{path}: {named_file.why(error)}{instead}"


def expanded(given: Given) -> Given:
    """Return it with files in place of directories, each path as the host names it; raises UsageError.

    Of a directory HAProxy reads each *.cfg that is a file and no hidden one, in the order of their bytes (management
    manual, `-f`; src/haproxy.c seeks the first ".cfg" of a name, so that "a.cfg.cfg" is none). No other program takes
    one: it is the main file that lies in it (nginx.conf), else all files that end as that does.
    """
    given = replace(given, resolves=given.resolves and given.root == "/")
    return replace(given, paths=tuple(path for named in given.paths for path in _files(given, _inside(given, named))))


def _inside(given: Given, path: str) -> str:
    """Return a path as it is called below the root of an image; it may be written with that root before it."""
    if given.root == "/":
        return path
    inside = f"/{path.lstrip('/')}"
    if given.glob(glob.escape(inside)):
        return inside
    with contextlib.suppress(OSError):
        whole = above = os.path.abspath(path)
        while above != "/":
            if os.path.exists(above) and os.path.samefile(above, given.root):
                return os.path.normpath(f"/{os.path.relpath(whole, above)}")
            above = os.path.dirname(above)
    return inside


def _files(given: Given, path: str) -> list[str]:
    """Return the files of a directory, or the path itself where it is none, or cannot be read."""
    top = path.rstrip("/")
    names = [found.rpartition("/")[2] for found in given.glob(f"{glob.escape(top)}/*")]
    if not names and not _is_directory(given, path):
        return [path]
    tried = []
    for what, taken in _of_directory(names):
        files = [f"{top}/{name}" for name in sorted(taken, key=os.fsencode)]
        if files := [file for file in files if not _is_directory(given, file)]:
            return files
        tried.append(what)
    raise UsageError(f"{given.named} {path}: a directory without {' or '.join(tried)} in it; name the files")


def _of_directory(names: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield what may be the configuration in a directory, and the names that are it; the likeliest first."""
    every = (registry.load(SHELVES, name) for name in registry.names(SHELVES))
    ends = [shelf.DIRECTORY for shelf in every if hasattr(shelf, "DIRECTORY")]
    for end in ends:
        yield f"*{end}", [name for name in names if 0 < name.find(end) == len(name) - len(end)]
    mains = [known.deploy.file for known in knowledge.every() if known.deploy and known.deploy.file]
    for main in mains:
        if not main.endswith(tuple(ends)):
            yield main, [main] if main in names else []
    for end in dict.fromkeys(os.path.splitext(main)[1] for main in mains):
        if end not in ends:
            yield f"*{end}", [name for name in names if name.endswith(end)]


def _is_directory(given: Given, path: str) -> bool:
    try:
        given.held(path)
    except (HostError, OSError) as error:
        return named_file.why(error) == "a directory"
    except UsageError:  # too large, which is said where it is read
        pass
    return False


def _is_absent(error: HostError | OSError) -> bool:
    if isinstance(error, HostError):
        return error.reason is Reason.ABSENT
    return error.errno in (errno.ENOENT, errno.ENOTDIR)
