"""The texts of errnos are those that C libraries and runtimes print, and a line is found with any of them."""

from __future__ import annotations

import ctypes.util
import errno
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.diagnosis import errnos, log_reading
from hosttune.errors import ProfileError
from hosttune.model.programs import LogLine
from hosttune.profile.load import shipped
from hosttune.programs import errno_texts, knowledge
from tests import needs

ROWS = {row["name"]: row for row in tomllib.loads((shipped() / "errnos" / "texts.toml").read_text())["errno"]}
OWN_WORDS = re.compile(
    "local address already in use|onnection refused because (?:there are )?too many|ut of memory: Kill"
)
"""Of HAProxy, MongoDB and the kernel: no errno's."""


def libc() -> str:
    return os.confstr("CS_GNU_LIBC_VERSION") or ""


def test_every_errno_that_can_be_named_has_texts() -> None:
    assert set(errnos.ERRNOS) - {"none"} <= set(ROWS)
    assert all(ROWS[name]["glibc"] and ROWS[name]["musl"] for name in ROWS)
    assert [name for name in ROWS if not hasattr(errno, name)] == []


def test_glibc_says_the_same() -> None:
    if not libc().startswith("glibc"):
        pytest.skip(f"this is {libc() or 'another C library'}, not glibc")
    assert {name: row["glibc"] for name, row in ROWS.items()} == {n: os.strerror(getattr(errno, n)) for n in ROWS}


@pytest.mark.slow
def test_musl_says_the_same(tmp_path: Path) -> None:
    needs.need("musl-gcc")
    numbers = ", ".join(str(getattr(errno, name)) for name in ROWS)
    source = f"""#include <stdio.h>
#include <string.h>
int main(void) {{
    int errnos[] = {{{numbers}}};
    for (unsigned n = 0; n < sizeof errnos / sizeof *errnos; n++) puts(strerror(errnos[n]));
}}"""
    program = tmp_path / "texts"
    subprocess.run(["musl-gcc", "-static", "-x", "c", "-", "-o", program], input=source, text=True, check=True)
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [row["musl"] for row in ROWS.values()] == printed


def test_libuv_says_the_same() -> None:
    library = ctypes.util.find_library("uv")
    if library is None:
        pytest.skip("no libuv")
    strerror = ctypes.CDLL(library).uv_strerror
    strerror.restype = ctypes.c_char_p
    own = {name: strerror(-getattr(errno, name)).decode() for name, row in ROWS.items() if row["libuv"]}
    assert own == {name: ROWS[name]["libuv"] for name in own}


@pytest.mark.slow
def test_erlang_says_the_same() -> None:
    needs.need("erl")
    atoms = ",".join(name.lower() for name in ROWS)
    asks = f"[io:put_chars([inet:format_error(E), 10]) || E <- [{atoms}]], halt()."
    done = subprocess.run(["erl", "-noshell", "-eval", asks], capture_output=True, text=True, check=True, timeout=60)
    assert [row["erlang"] for row in ROWS.values()] == done.stdout.splitlines()


ALL = [(name, text) for name, every in errno_texts.texts().items() for text in every]


@given(st.sampled_from(ALL), st.sampled_from(list(ROWS)), st.booleans())
def test_a_text_is_found_as_its_own_errno_and_as_no_other(named: tuple[str, str], sought: str, lower: bool) -> None:
    name, text = named
    written = f"accept: {text[:1].lower() if lower else text[:1].upper()}{text[1:]}"
    row = errno_texts.spelt_out(LogLine((), "", pattern=f"accept: {{{sought}}}"))
    assert bool(re.search(row.expression, written)) is (name == sought)
    assert any(mark in written for mark in row.sought) >= (name == sought)


@pytest.mark.parametrize("text", errno_texts.texts()["EMFILE"])
def test_a_line_with_an_errno_is_announced_in_glibcs_words_and_found_in_any(text: str) -> None:
    row = errno_texts.spelt_out(LogLine((), "", line="accept4() failed (24: {EMFILE})"))
    assert row.line == "accept4() failed (24: Too many open files)"
    assert row.sought == ("accept4() failed (24: ",)
    assert re.search(row.expression, f"[crit] 7#7: accept4() failed (24: {text})")


def test_an_errno_may_begin_a_mark_or_end_it() -> None:
    row = LogLine((), "", mark="accept: {EMFILE}")
    assert "accept: no file descriptors available" in errno_texts.spelt_out(row).sought
    assert errno_texts.spelt_out(LogLine((), "", mark="{EPERM} by")).sought[0] == "peration not permitted by"
    with pytest.raises(ProfileError, match="begin or end it"):
        errno_texts.spelt_out(LogLine((), "", mark="a {EMFILE} b"))


def test_an_errno_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ProfileError, match="EFOO"):
        errno_texts.spelt_out(LogLine((), "", pattern="accept: {EFOO}"))


def test_no_row_has_the_text_of_an_errno_written_out() -> None:
    words = [text[1:] for row in ROWS.values() for text in (row["glibc"], row["musl"])]
    written = []
    for path in (shipped() / "programs").glob("*.toml"):
        for row in tomllib.loads(path.read_text()).get("log", ()):
            said = "\n".join([row.get("line", ""), row.get("mark", ""), *row.get("marks", ()), row.get("pattern", "")])
            written += [(path.stem, word) for word in words if word in OWN_WORDS.sub("", said)]
    assert written == []


@pytest.mark.parametrize("known", [known for known in knowledge.every() if known.log], ids=lambda known: known.name)
def test_a_line_of_a_program_is_known_in_musls_words_too(known: knowledge.KnownProgram) -> None:
    for row in known.log:
        example = row.example or row.line
        for name, text in errno_texts.texts().items():
            other = example.replace(text[0], ROWS[name]["musl"])
            hits = log_reading.recognise(other.encode(), (known,))
            if other != example and row.causes:
                assert [(hit.causes, hit.errno) for hit in hits] == [(row.causes, row.errno)], other
