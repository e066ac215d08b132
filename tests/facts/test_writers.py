"""What keeps the files from being applied is told."""

from __future__ import annotations

from pathlib import Path

from hosttune.facts import writers
from hosttune.host.live import LiveHost


def test_a_masked_loader_is_told_in_an_image_without_devices(tmp_path: Path) -> None:
    mask = tmp_path / "etc/systemd/system/systemd-sysctl.service"
    mask.parent.mkdir(parents=True)
    mask.symlink_to("/dev/null")
    assert "no sysctl.d file is applied at boot" in writers.warnings(LiveHost(str(tmp_path)))[0]
