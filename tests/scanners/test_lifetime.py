"""A release nobody mends any more is a finding of its own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from modelway.core.findings import Kind
from modelway.scanners.builtin.lifetime import ended, ending


def on(day: str) -> datetime:
    """A day, in UTC."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("distro", "day", "over"),
    [
        ("Debian:11", "2026-08-31", False),
        ("Debian:11", "2026-09-01", True),
        ("Ubuntu:22.04:LTS", "2026-11-25", False),
        ("Amazon Linux:2", "2026-07-01", True),
        ("Wolfi", "2100-01-01", False),
        ("", "2100-01-01", False),
    ],
)
def test_a_release_is_over_after_its_last_day(distro: str, day: str, *, over: bool) -> None:
    found = list(ended(distro, on(day)))
    assert [one.kind for one in found] == [Kind.END_OF_LIFE] * over
    assert all(distro in one.title for one in found)


def test_the_last_months_are_noted() -> None:
    assert list(ending("Debian:11", on("2026-05-01"))) == []
    [note] = ending("Debian:11", on("2026-07-01"))
    assert "2026-08-31" in note
    assert list(ending("Debian:11", on("2026-09-01"))) == []
