"""Build hosttune.pyz: what runs here, at the same versions, as one file for other hosts."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from hosttune import __version__
from hosttune.errors import UsageError
from hosttune.hooks import pyz
from hosttune.model.progress import Step
from hosttune.printable import clean
from hosttune.profile import load
from hosttune.workflows import telling

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ANYWHERE = "-none-any.whl"


@dataclass(frozen=True, slots=True)
class Built:
    """The file, the wheels by the platform that it is for, and why it is for no other."""

    data: bytes
    targets: Mapping[pyz.Target, Sequence[str]]
    missing: Mapping[pyz.Target, str]


def build(pythons: Sequence[str] = (), arches: Sequence[str] = (), libcs: Sequence[str] = ()) -> Built:
    """Return hosttune.pyz for these platforms, all where none is named; raises UsageError."""
    wanted = check(pythons, arches, libcs)
    wheels, held, missing = _gathered(wanted)
    if not held:
        raise UsageError(f"hook pyz: {next(iter(missing.values()))}")
    return Built(pyz.build(__version__, wheels, held), held, missing)


def check(pythons: Sequence[str] = (), arches: Sequence[str] = (), libcs: Sequence[str] = ()) -> Sequence[pyz.Target]:
    """Return the platforms; raises UsageError for one that is unknown, and where no wheel can be fetched."""
    wanted = pyz.targets(
        _known("--python", pythons, pyz.PYTHONS),
        _known("--arch", arches, pyz.ARCHES),
        _known("--libc", libcs, pyz.LIBCS),
    )
    if importlib.util.find_spec("pip") is None:
        raise UsageError(f"hook pyz: pip fetches the wheels, and {sys.executable} has none; python3 -m ensurepip")
    return wanted


def check_output(path: str, started_as: str) -> None:
    """Raise UsageError where the file cannot be written, or what runs is such a file; `started_as` is its path."""
    if zipfile.is_zipfile(started_as):
        raise UsageError(f"hook pyz: {started_as} is such a file; copy it")
    special = os.path.exists(path) and not os.path.isfile(path)
    if not path or special or not os.access(os.path.dirname(os.path.realpath(path)), os.W_OK):
        raise UsageError(f"--output {path!r}: cannot be written; name a file in a directory that you may write")


def _gathered(
    wanted: Sequence[pyz.Target],
) -> tuple[dict[str, bytes], dict[pyz.Target, Sequence[str]], dict[pyz.Target, str]]:
    """Return the wheels, the names of those that a target takes, and why there are none for a target."""
    ours = f"hosttune-{__version__}-py3{_ANYWHERE}"
    wheels, anywhere, pins = {ours: pyz.wheel(dict(_own()))}, [ours], _pins()
    held: dict[pyz.Target, Sequence[str]] = {}
    missing: dict[pyz.Target, str] = {}
    with tempfile.TemporaryDirectory(prefix="hosttune-") as folder:
        for number, target in enumerate(wanted):
            telling.step(Step(f"fetching the wheels of {target.suffix}", number, len(wanted)))
            fetched, why = _fetched(target, pins, Path(folder, target.suffix))
            if why:
                missing[target] = why
                continue
            wheels.update(fetched)
            # what runs anywhere is fetched for the first one only
            anywhere += [name for name in fetched if name.endswith(_ANYWHERE)]
            there = {name.partition("-")[0].lower() for name in anywhere}
            pins = [pin for pin in pins if _wheel_name(pin) not in there]
            held[target] = [*anywhere, *(name for name in fetched if name not in anywhere)]
    telling.step(None)
    return wheels, held, missing


def _known(option: str, given: Sequence[str], known: Sequence[str]) -> Sequence[str]:
    wrong = next((each for each in given if each not in known), None)
    if wrong is not None:
        raise UsageError(f"{option} {wrong}: unknown; choose {', '.join(known[:-1])} or {known[-1]}")
    return given or known


def _own() -> Iterator[tuple[str, bytes]]:
    """Yield the files of hosttune itself, by their path in a wheel: the package, its profiles, its licence."""
    package = Path(__file__).resolve().parent.parent
    for below, at in ((package, "hosttune"), (load.shipped(), "hosttune/_profiles")):
        for path in below.rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                yield f"{at}/{path.relative_to(below)}", path.read_bytes()
    about = f"hosttune-{__version__}.dist-info"
    for file in metadata.files("hosttune") or ():
        if file.name in ("METADATA", "WHEEL") or "licenses" in file.parts:
            yield f"{about}/{file.name}", file.read_binary()


def _pins() -> list[str]:
    """Return what hosttune needs, each at the version that is installed here: NAME==VERSION."""
    pins: dict[str, str] = {}
    open_ = _needs("hosttune")
    while open_:
        name = open_.pop()
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:  # for another system
            continue
        if name not in pins:
            pins[name] = f"{name}=={version}"
            open_ += _needs(name)
    return [pins[name] for name in sorted(pins)]


def _needs(name: str) -> list[str]:
    """Return the packages that one requires, without those of its extras."""
    lines = [line for line in metadata.requires(name) or () if "extra ==" not in line]
    return [match[0].lower().replace("_", "-") for line in lines if (match := _NAME.match(line))]


def _wheel_name(pin: str) -> str:
    """Return the package of NAME==VERSION as it begins the name of a wheel."""
    return re.sub(r"[-_.]+", "_", pin.partition("==")[0])


def _fetched(target: pyz.Target, pins: Sequence[str], folder: Path) -> tuple[Mapping[str, bytes], str]:
    """Return the wheels of a platform by file name, or why there is none; raises UsageError where pip gets nowhere."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(folder), "--implementation", "cp"]
    command += ["--python-version", target.python]
    command += [word for abi in (f"cp{target.digits}", "abi3", "none") for word in ("--abi", abi)]
    command += [word for platform in target.platforms for word in ("--platform", platform)]
    done = subprocess.run([*command, *pins], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        if "connection broken" in done.stderr:
            raise UsageError(f"hook pyz: pip does not reach its index; see what `pip download {pins[0]}` says")
        errors = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        return {}, clean(errors[-1]) if errors else f"pip download ended with {done.returncode}"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}, ""
