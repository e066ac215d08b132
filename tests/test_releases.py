"""Rules that changed with a release: what a release's name tells, and what it hides."""

from __future__ import annotations

import pytest

from hosttune import releases


@pytest.mark.parametrize(
    ("name", "kernel", "wanted"),
    [
        ("bound-inactive", "6.1.0-50-cloud-amd64", False),
        ("bound-inactive", "6.12.117+deb13-cloud-amd64", True),
        ("time-wait-delay", "6.12.117+deb13-cloud-amd64", False),
        ("time-wait-delay", "6.18.44", True),
        ("port-step", "7.2.13+deb14-cloud-amd64", True),
        ("port-range-option", "6.1.0-50-cloud-amd64", None),  # Debian's number hides which changes it has
        ("port-range-option", "5.10.223", False),
        ("half-closed-kept", "5.10.223", False),
        ("half-closed-kept", "6.1.176", True),
        ("half-closed-kept", "6.1.0-50-cloud-amd64", None),
        ("half-closed-kept", "6.12.117+deb13-cloud-amd64", True),
        ("port-step", "custom", None),
    ],
)
def test_a_release_has_a_change_or_hides_it(name: str, kernel: str, wanted: bool | None) -> None:
    assert releases.holds(releases.named(name), kernel) is wanted


def test_every_change_has_a_name_of_its_own_and_a_source() -> None:
    names = [change.name for change in releases.CHANGES]
    assert len(set(names)) == len(names)
    assert all("/" in change.source and change.before and change.after for change in releases.CHANGES)


def test_an_older_kernel_is_called_one() -> None:
    change = releases.named("time-wait-delay")
    assert releases.older(change, False) == f"older kernel than Linux 6.14: {change.before}"
    assert releases.older(change, None).startswith("perhaps older than Linux 6.14")
