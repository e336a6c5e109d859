"""How long distributions are mended: a release nobody mends has no advisories any more, and looks clean.

The last day of security updates, those everybody gets: Debian's LTS (debian.csv of distro-info-data,
eol-lts), Ubuntu's standard support (ubuntu.csv there, eol), alpinelinux.org/releases, Red Hat's life cycle
policy (end of maintenance; AlmaLinux and Rocky follow it), AWS's pages of Amazon Linux 2 and 2023. As of
November 2026; Debian's and Ubuntu's were read there, the others' are from their announcements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from modelway.core.findings import Finding, Fixable, Kind, Location, Severity

ID = "end-of-life"
_SOON = 90
_ENDS: Mapping[str, str] = {
    "Debian:8": "2020-06-30",
    "Debian:9": "2022-06-30",
    "Debian:10": "2024-06-30",
    "Debian:11": "2026-08-31",
    "Debian:12": "2028-06-30",
    "Debian:13": "2030-06-30",
    "Ubuntu:16.04:LTS": "2021-04-30",
    "Ubuntu:18.04:LTS": "2023-05-31",
    "Ubuntu:20.04:LTS": "2025-05-29",
    "Ubuntu:22.04:LTS": "2027-06-01",
    "Ubuntu:23.10": "2024-07-11",
    "Ubuntu:24.04:LTS": "2029-05-31",
    "Ubuntu:24.10": "2025-07-10",
    "Ubuntu:25.04": "2026-01-15",
    "Ubuntu:25.10": "2026-07-09",
    "Ubuntu:26.04:LTS": "2031-05-29",
    "Alpine:v3.16": "2024-05-23",
    "Alpine:v3.17": "2024-11-22",
    "Alpine:v3.18": "2025-05-09",
    "Alpine:v3.19": "2025-11-01",
    "Alpine:v3.20": "2026-04-01",
    "Alpine:v3.21": "2026-11-01",
    "Alpine:v3.22": "2027-05-01",
    "Alpine:v3.23": "2027-11-01",
    "AlmaLinux:8": "2029-05-31",
    "AlmaLinux:9": "2032-05-31",
    "Rocky Linux:8": "2029-05-31",
    "Rocky Linux:9": "2032-05-31",
    "Red Hat:enterprise_linux:7": "2024-06-30",
    "Red Hat:enterprise_linux:8": "2029-05-31",
    "Red Hat:enterprise_linux:9": "2032-05-31",
    "Amazon Linux:2": "2026-06-30",
    "Amazon Linux:2023": "2029-06-30",
}


def ended(distro: str, today: datetime) -> Iterator[Finding]:
    """A finding where a release got its last updates before today."""
    ends = _ENDS.get(distro)
    if ends and date.fromisoformat(ends) < today.date():
        yield Finding(
            kind=Kind.END_OF_LIFE,
            id=ID,
            location=Location(file="/etc/os-release"),
            fixable=Fixable.YES,
            severity=Severity.HIGH,
            severity_source="modelway",
            title=f"{distro} has had no security updates since {ends}: build on a newer release",
            published=f"{ends}T00:00:00+00:00",
        )


def ending(distro: str, today: datetime) -> Iterator[str]:
    """A note where it will get its last updates soon."""
    left = (date.fromisoformat(_ENDS[distro]) - today.date()).days if distro in _ENDS else _SOON
    if 0 <= left < _SOON:
        yield f"{distro} gets its last security updates on {_ENDS[distro]}: plan for a newer release."
