"""Trivy (Aqua Security): vulnerabilities, secrets and the image's config, by the ``trivy`` on PATH.

Its own licence findings are not asked for: 700 of the 735 it has for a Debian image are about Debian itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from modelway.adapters import process
from modelway.core.report import Database, Read, Report
from modelway.errors import NotEvaluated
from modelway.scanners import tool, trivy_report
from modelway.scanners.archive_file import image_file
from modelway.scanners.means import Means
from modelway.scanners.reading import Wrong, unreadable
from modelway.scanners.tool import Tool

NAME = "trivy"
GENERATION = 1
TOOL = Tool(
    name=NAME,
    least=(0, 50),
    install="install Trivy by a version and a checksum you have checked (release archives of"
    " github.com/aquasecurity/trivy), never by a tag: in March 2026 a release and nearly all tags of its"
    " action were malicious (GHSA-69fq-xp46-6x23)",
)
_ALL = "UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL"


@dataclass(frozen=True, slots=True)
class Trivy:
    """Implements ``ports.Scanner``."""

    say: Callable[[str], None]

    def fingerprint(self) -> str:
        """Its version and its advisories, brought up to date first; without a network, those it has."""
        version = tool.version(TOOL)
        brought = process.run(
            [NAME, "image", "--download-db-only", "--no-progress"], say=self.say, timeout=tool.TIMEOUT
        )
        updated = _updated()
        if updated is None:
            raise NotEvaluated(
                "Trivy has no advisories",
                seen=brought.tail or f"exit status {brought.code}",
                cure="let it reach its database, or name a mirror of your own in TRIVY_DB_REPOSITORY.",
            )
        return f"{NAME}-{GENERATION} {version} {updated.isoformat()}"

    def scan(self, archive: BinaryIO, /, *, platform: str) -> Report:
        """Let Trivy read the archive; its severities and statuses are all asked for."""
        fingerprint = self.fingerprint()
        with image_file(archive, platform=platform) as image:
            finished = tool.run(_command(image.path), folder=image.folder, say=self.say)
            if finished.code != 0 or not finished.raw.strip():
                raise tool.failed(TOOL, finished)
            try:
                found = trivy_report.read(finished.raw)
            except Wrong as error:
                raise unreadable(NAME, error, TOOL.words) from error
            packages = tuple(found.packages.values())
            updated = _updated()
            return Report(
                scanner=NAME,
                tool=f"Trivy {fingerprint.split()[1]}",
                fingerprint=fingerprint,
                subject=tool.same_image(TOOL, found.subject, image),
                platform=image.platform,
                distro=tool.distro(found.family, found.release),
                layers=image.layers,
                packages=packages,
                findings=tuple(found.findings),
                database=Database(sources=("trivy-db",), built=updated, as_of=updated) if updated else None,
                read=(
                    *tool.inventory(packages),
                    Read(area="secrets", count=len(image.layers)),
                    Read(area="image-config", count=found.checks),
                ),
            )


def _command(archive: Path) -> list[str]:
    """Nothing hides a finding: the empty folder has no ``.trivyignore``, ``tool.run`` no variable."""
    return [
        *(NAME, "image", "--input", str(archive), "--format", "json", "--list-all-pkgs"),
        *("--scanners", "vuln,secret", "--image-config-scanners", "misconfig,secret"),
        *("--severity", _ALL, "--ignore-unfixed=false", "--skip-db-update", "--no-progress"),
        *("--exit-code", "0", "--timeout", "30m"),
    ]


def _updated() -> datetime | None:
    """The day of its advisories."""
    said = process.run([NAME, "version", "--format", "json"], timeout=tool.TIMEOUT)
    try:
        return datetime.fromisoformat(json.loads(said.out)["VulnerabilityDB"]["UpdatedAt"])
    except (ValueError, KeyError, TypeError):
        return None


def open_scanner(means: Means) -> Trivy:
    """The scanner; it has advisories of its own."""
    return Trivy(means.say)
