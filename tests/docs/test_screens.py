"""What the pages show is what the program prints; `HOSTTUNE_UPDATE_GOLDEN=1 pytest tests/docs` writes it anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import pages

SHOWN = [name for name, path in pages.ALL.items() if pages.screens(path.read_text(encoding="utf-8"))]
PICTURE = pages.REPO / "hosttune/docs/check.svg"
DRAWN = "hosttune check --role lb --connections 200000 --snapshot debian12-stock.json --format svg"


@pytest.mark.parametrize("name", SHOWN)
def test_each_screen_is_what_is_printed(name: str, tmp_path: Path) -> None:
    path = pages.ALL[name]
    text = path.read_text(encoding="utf-8")
    here = pages.place(tmp_path)
    if pages.UPDATE:
        text = pages.renewed(text, here)
        path.write_text(text, encoding="utf-8")
        return
    for screen in pages.screens(text):
        assert screen == pages.printed(screen, here)


def test_the_picture_is_what_is_drawn(tmp_path: Path) -> None:
    drawn = pages.run(DRAWN, pages.place(tmp_path))
    if pages.UPDATE:
        PICTURE.write_text(drawn, encoding="utf-8")
    assert PICTURE.read_text(encoding="utf-8") == drawn
    assert f"]({PICTURE.relative_to(pages.REPO)})" in (pages.REPO / "README.md").read_text()


def test_the_front_page_and_several_pages_have_a_screen() -> None:
    assert {"README.md", "hosttune/docs/check.md", "hosttune/docs/diagnose.md", "hosttune/docs/plan.md"} <= {*SHOWN}


def test_a_screen_that_is_another_is_found(tmp_path: Path) -> None:
    wrong = "$ hosttune profile list\nlb  A balancer\n"
    now = pages.printed(wrong, pages.place(tmp_path))
    assert now != wrong and now.startswith("$ hosttune profile list\n") and "TCP load balancer" in now
    assert pages.renewed(f"a\n```console\n{wrong}```\nb\n", tmp_path) == f"a\n```console\n{now}```\nb\n"
