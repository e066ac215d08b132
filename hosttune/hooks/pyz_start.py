"""The start of hosttune.pyz: the wheels for this Python are unpacked once, and hosttune starts from there.

It lies alone in the archive: nothing but the standard library, and little of that, for each start goes through it.
Whoever can write where it unpacks can make root run anything, so it takes only a directory that nobody else can write.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from typing import NoReturn

ROOTS = "/var/cache/hosttune"
_LEFT = ".new-"
_HOUR = 3600
_CANNOT = 3


def ready(name: str, targets: Mapping[str, Sequence[str]]) -> None:
    """Make hosttune importable; `targets` has the wheels of each platform, `name` is that of the build: 1.0.0-5f2a."""
    archive = os.path.dirname(os.path.abspath(__file__))
    # such as cpython-311-x86_64-linux-gnu: what a compiled module has in its name, so which of them this Python loads
    target = EXTENSION_SUFFIXES[0].strip(".").removesuffix(".so")
    if target not in targets:
        _end(f"it holds nothing for this Python, {target}, but for {', '.join(targets)}; run it with one of these")
    try:
        site = _site(archive, f"{name}-{target}", targets[target])
    except KeyboardInterrupt:
        _end("interrupted", 130)
    sys.path[:] = [site, *(path for path in sys.path if path != archive)]


def _site(archive: str, name: str, wheels: Sequence[str]) -> str:
    """Return the directory with everything in it, unpacked before or now."""
    refused = []
    for given in _places():
        place = given
        try:
            if not os.path.isdir(os.path.join(place, name)):
                _make(place)
            # what is judged is what is used: a link on the way may point elsewhere the next moment
            place = os.path.realpath(place)
            site = os.path.join(place, name)
            why = _unfit(place)
            if not why:
                if not os.path.isdir(site):
                    _unpack(archive, wheels, place, site)
                return site
        except OSError as error:
            why = os.strerror(error.errno or 0)
        refused.append(f"{given}: {why}")
    if not os.environ.get("HOSTTUNE_CACHE"):
        for place in _passing():
            try:
                return _for_once(archive, wheels, place)
            except OSError as error:
                refused.append(f"{place}: {error.strerror or error}")
    _end(f"no place to unpack it: {'; '.join(refused)}; set HOSTTUNE_CACHE to a directory that only you may write")


def _places() -> Iterator[str]:
    """Yield where it may be kept from one start to the next, the best first."""
    given = os.environ.get("HOSTTUNE_CACHE")
    if given:
        yield os.path.abspath(given)
        return
    # of root not below HOME: sudo may leave that of the user
    if os.geteuid() == 0:
        yield ROOTS
        return
    kept = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(kept):
        yield os.path.join(kept, "hosttune")
    home = os.path.expanduser("~")
    # some users have none, such as /nonexistent
    if os.path.isdir(home):
        yield os.path.join(home, ".cache", "hosttune")


def _passing() -> list[str]:
    """Return where it may be for one run, should there be no other place: a read-only system, a user without home."""
    given = os.environ.get("TMPDIR", "")
    return [given] * os.path.isabs(given) + ["/tmp", "/var/tmp", "/dev/shm"]


def _make(place: str) -> None:
    mask = os.umask(0o022)
    try:
        os.makedirs(place, exist_ok=True)
    finally:
        os.umask(mask)


def _unfit(place: str) -> str:
    """Return why nothing can be started from a directory: another one may write it, or it is noexec; "" if it can."""
    if os.statvfs(place).f_flag & os.ST_NOEXEC:
        return "mounted noexec"
    # who owns / can do anything; in a user namespace that need not be 0
    trusted = {0, os.geteuid(), os.stat("/").st_uid}
    others = 0o022 if os.geteuid() == 0 else 0o002
    path, inner = os.path.realpath(place), True
    while True:
        state = os.lstat(path)
        writable = state.st_mode & (0o022 if inner else others)
        # in a sticky directory nobody renames what is another's
        if state.st_uid not in trusted or (writable and (inner or not state.st_mode & 0o1000)):
            return f"others than you may write {path}"
        if path == "/":
            return ""
        path, inner = os.path.dirname(path), False


def _unpack(archive: str, wheels: Sequence[str], place: str, site: str) -> None:
    """Make `site`, whole or not at all; of two that do it at once one wins, and the other takes what is there."""
    import shutil
    import tempfile

    _sweep(place)
    fresh = tempfile.mkdtemp(prefix=_LEFT, dir=place)
    try:
        _extract(archive, wheels, fresh)
        # else a crash of the host could leave the name, and files without their bytes
        os.sync()
        os.rename(fresh, site)
    except OSError:
        if not os.path.isdir(site):
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _sweep(place: str) -> None:
    """Remove what interrupted runs left."""
    import shutil
    import time

    with os.scandir(place) as entries:
        for entry in entries:
            if entry.name.startswith(_LEFT) and entry.stat(follow_symlinks=False).st_mtime < time.time() - _HOUR:
                shutil.rmtree(entry.path, ignore_errors=True)


def _for_once(archive: str, wheels: Sequence[str], place: str) -> str:
    """Return a new directory below `place` with everything in it, that goes when this process ends."""
    import atexit
    import shutil
    import tempfile

    site = tempfile.mkdtemp(prefix="hosttune-", dir=os.path.realpath(place))
    me = os.getpid()
    # not by a child that was forked
    atexit.register(lambda: shutil.rmtree(site, ignore_errors=True) if os.getpid() == me else None)
    why = _unfit(site)
    if why:
        raise OSError(0, why)
    _extract(archive, wheels, site)
    return site


def _extract(archive: str, wheels: Sequence[str], directory: str) -> None:
    import io
    import zipfile
    import zlib

    mask = os.umask(0o022)
    try:
        os.chmod(directory, 0o755)
        with zipfile.ZipFile(archive) as outer:
            for wheel in wheels:
                with zipfile.ZipFile(io.BytesIO(outer.read(f"wheels/{wheel}"))) as files:
                    files.extractall(directory)
        # Python would make these with the umask of whoever runs it, and load what others then put into them
        for folder, _, _ in os.walk(directory):
            if not folder.endswith(".dist-info"):
                os.makedirs(os.path.join(folder, "__pycache__"), exist_ok=True)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        _end(f"{archive} is damaged ({error}); fetch it again")
    finally:
        os.umask(mask)


def _end(text: str, code: int = _CANNOT) -> NoReturn:
    """Leave with one line on stderr; the code is not one that says how the host is."""
    # a path may hold what a terminal would obey
    line = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    sys.stderr.write(f"hosttune.pyz: {line}\n")
    sys.exit(code)
