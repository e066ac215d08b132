"""`check --all-namespaces` on the command line: what goes with it, and what each format says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import verbs

ROOT = Path(__file__).parents[2]
STOCK = str(ROOT / "tests/hosts/debian12-stock.json")


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (("--role", "lb"), "--role and --all-namespaces: no namespace is compared with a role; leave one of them out"),
        (("--connections", "5"), "--connections and --all-namespaces: no namespace is compared with a role; "),
        (("--netns", "blue"), "--netns and --all-namespaces: one, or all of them; leave one of them out"),
        (("--root", "/"), ""),
        (("--root", "/etc"), "--root and --all-namespaces: an image has no network namespaces; "),
        (("--format", "nagios"), "--format nagios: unknown; choose table, html, json, markdown, prometheus or svg"),
        (("--fail-on", "bad"), "--fail-on bad: unknown; "),
        (("--textfile", "x.txt"), "--textfile x.txt: node_exporter reads only files that end in .prom; "),
    ],
)
def test_what_does_not_go_with_it_is_one_line(args: tuple[str, ...], line: str) -> None:
    done = verbs.hosttune("check", "--all-namespaces", *args)
    assert (done.returncode == 2) is bool(line) and done.stderr.count("\n") == bool(line)
    assert done.stderr.startswith(f"hosttune: {line}" if line else "")


@pytest.mark.parametrize("format", ["table", "markdown", "html", "svg"])
def test_a_recording_of_before_is_unknown(format: str) -> None:
    done = verbs.hosttune("check", "--all-namespaces", "--snapshot", STOCK, "--format", format)
    assert done.returncode == 3 and "UNKNOWN: the network namespaces could not be listed" in done.stdout


def test_its_metrics_say_that_the_run_failed() -> None:
    done = verbs.hosttune("check", "--all-namespaces", "--snapshot", STOCK, "--format", "prometheus")
    assert 'hosttune_run_success{verb="check-all-namespaces"} 0' in done.stdout
    done = verbs.hosttune("check", "--all-namespaces", "--snapshot", "/no/such", "--format", "prometheus")
    assert done.returncode == 2 and 'hosttune_run_success{verb="check-all-namespaces"} 0' in done.stdout


def test_a_file_of_metrics_stands_beside_that_of_a_check(tmp_path: Path) -> None:
    (tmp_path / "check.prom").write_text('hosttune_run_success{verb="check"} 1\n')
    done = verbs.hosttune("check", "--all-namespaces", "--textfile", str(tmp_path / "node.prom"), "--format", "json")
    assert done.returncode in (0, 1, 3) and json.loads(done.stdout)["schema"] == "hosttune/node/1"
    assert 'hosttune_run_success{verb="check-all-namespaces"} 1' in (tmp_path / "node.prom").read_text()
    done = verbs.hosttune("check", "--all-namespaces", "--textfile", str(tmp_path / "other.prom"))
    assert done.returncode == 2 and "node.prom beside it has the metrics" in done.stderr


def test_watch_refuses_a_program_beside_it() -> None:
    done = verbs.hosttune("watch", "--once", "--all-namespaces", "--pid", "1")
    assert done.returncode == 2 and done.stderr.startswith("hosttune: --all-namespaces: of this host; leave out")
