"""The contract of a release: what may only grow until the first number of the version does (the page `stability`).

`HOSTTUNE_UPDATE_GOLDEN=1 pytest tests/test_contract.py` writes what was added to tests/contract.json; what was removed
or changed only where the major version is another than that of the file.
"""

from __future__ import annotations

import copy
import json
import os
import re
from functools import cache
from pathlib import Path

import pytest

from hosttune import __version__, docs
from tests import contract

FILE = Path(__file__).with_name("contract.json")
REPO = FILE.parents[1]


@cache
def now() -> dict[str, contract.Rows]:
    return contract.contract()


def test_the_contract_holds() -> None:
    held = json.loads(FILE.read_text())
    broken, added = contract.differences(held["contract"], now())
    major = __version__.partition(".")[0] != held["version"].partition(".")[0]
    if os.environ.get("HOSTTUNE_UPDATE_GOLDEN") == "1" and (major or not broken):
        FILE.write_text(json.dumps({"version": __version__, "contract": now()}, indent=1, ensure_ascii=False) + "\n")
        return
    if broken:
        pytest.fail(
            f"{len(broken)} promises of {held['version']} do not hold. A document gets the next number of its "
            "schema, and hosttune the next major version:\n" + "\n".join(broken),
            pytrace=False,
        )
    if added:
        pytest.fail(
            f"{len(added)} additions, which are allowed: write them down with HOSTTUNE_UPDATE_GOLDEN=1:\n"
            + "\n".join(added),
            pytrace=False,
        )


@pytest.mark.parametrize(
    ("part", "row", "said"),
    [
        ("documents", "hosttune/report/1: .findings", "list of Finding"),
        ("documents", "hosttune/report/1: Verdict=DRIFT", "value"),
        ("files", "profile: Head.name", "string (required)"),
        ("files", "hosttune/journal/3: .id", "integer"),
        ("options", "check: --role", "value"),
        ("exit codes", "apply 5", ""),
        ("library", "hosttune.check", "returns Report"),
        ("library", "hosttune.errors.UsageError", "HosttuneError"),
        ("metrics", "hosttune_check_status", "{hosttune_check_status,role}"),
    ],
)
def test_what_goes_or_changes_breaks_it(part: str, row: str, said: str) -> None:
    assert now()[part][row] == said
    without = copy.deepcopy(now())
    del without[part][row]
    broken, added = contract.differences(now(), without)
    assert broken == [f"{part}: removed: {row} {said}".rstrip()] and not added
    other = copy.deepcopy(now())
    other[part][row] = "another"
    assert contract.differences(now(), other) == ([f"{part}: changed: {row}: was {said}, is another"], [])


def test_what_comes_does_not_break_it_unless_it_is_asked_for() -> None:
    more = copy.deepcopy(now())
    more["library"]["hosttune.check: more"] = "bool = False"
    more["library"]["hosttune.measure"] = "returns Report"
    more["library"]["hosttune.measure: 1. place"] = "Place (required)"
    more["documents"]["hosttune/report/1: Finding.more"] = "string"
    broken, added = contract.differences(now(), more)
    assert not broken and len(added) == 4
    more["library"]["hosttune.check: token"] = "str (required)"
    more["files"]["profile: Head.token"] = "string (required)"
    more["files"]["profile: Whole.token"] = "string (required)"
    assert contract.differences(now(), more)[0] == [
        "files: added: profile: Head.token string (required)",
        "library: added: hosttune.check: token str (required)",
    ]


def test_every_part_is_in_it_and_every_metric_is_documented() -> None:
    assert all(len(rows) > 10 for rows in now().values())
    assert contract.documented(docs.source("metrics")) == {*now()["metrics"]}


def test_the_version_is_that_of_the_newest_release_in_the_changelog() -> None:
    heads = re.findall(r"^## \[([^]]+)\](?: - (\d{4}-\d{2}-\d{2}))?$", (REPO / "CHANGELOG.md").read_text(), re.M)
    assert heads[0] == ("Unreleased", "") and heads[1][0] == __version__ and all(date for _, date in heads[1:])
