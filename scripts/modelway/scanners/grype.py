"""Grype (Anchore): vulnerabilities of OS and language packages, by the ``grype`` on PATH."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from modelway.adapters import process
from modelway.core.report import Database, Report
from modelway.errors import NotEvaluated
from modelway.scanners import grype_report, tool
from modelway.scanners.archive_file import image_file
from modelway.scanners.means import Means
from modelway.scanners.reading import Node, Wrong, unreadable
from modelway.scanners.tool import Tool

NAME = "grype"
GENERATION = 1
TOOL = Tool(
    name=NAME,
    least=(0, 74),
    install="install Grype by a version and a checksum you have checked (release archives of"
    " github.com/anchore/grype)",
    asks=("version",),
)
_OWN = {
    "GRYPE_DB_AUTO_UPDATE": "false",
    "GRYPE_DB_VALIDATE_AGE": "false",
    "GRYPE_CHECK_FOR_APP_UPDATE": "false",
}
"""The age of its advisories is judged by the policy; it does not replace them half-way."""


@dataclass(frozen=True, slots=True)
class Grype:
    """Implements ``ports.Scanner``."""

    say: Callable[[str], None]

    def fingerprint(self) -> str:
        """Its version and its advisories, brought up to date first; without a network, those it has."""
        version = tool.version(TOOL)
        brought = process.run([NAME, "db", "update"], say=self.say, timeout=tool.TIMEOUT)
        built = _built()
        if built is None:
            raise NotEvaluated(
                "Grype has no advisories",
                seen=brought.tail or f"exit status {brought.code}",
                cure="let it reach its database, or name a mirror of your own in GRYPE_DB_UPDATE_URL;"
                " `grype db import FILE` takes one from a file.",
            )
        return f"{NAME}-{GENERATION} {version} {built.isoformat()}"

    def scan(self, archive: BinaryIO, /, *, platform: str) -> Report:
        """Let Grype read the archive. Its own ignore rules are told, and judged by the policy."""
        fingerprint = self.fingerprint()
        with image_file(archive, platform=platform) as image:
            settings = image.folder / "settings.yaml"
            settings.write_text("{}\n")  # instead of the user's, which may hide findings
            argv = [NAME, f"docker-archive:{image.path}", "--output", "json", "--config", str(settings)]
            finished = tool.run(
                [*argv, "--only-fixed=false", "--only-notfixed=false"],
                folder=image.folder,
                say=self.say,
                variables=_OWN,
            )
            if not finished.raw.strip():
                raise tool.failed(TOOL, finished)
            try:
                found = grype_report.read(finished.raw)
            except Wrong as error:
                raise unreadable(NAME, error, TOOL.words) from error
            packages, built = tuple(found.packages.values()), found.built or _built()
            return Report(
                scanner=NAME,
                tool=f"Grype {found.version}",
                fingerprint=fingerprint,
                subject=tool.same_image(TOOL, found.subject, image),
                platform=image.platform,
                distro=tool.distro(found.family, found.release),
                layers=image.layers,
                packages=packages,
                findings=tuple(found.findings),
                database=Database(sources=("grype-db",), built=built, as_of=built) if built else None,
                read=tool.inventory(packages),
                notes=(
                    *found.notes,
                    "Grype names packages with findings only: how many it read, it does not say.",
                ),
            )


def _built() -> datetime | None:
    """The day of its advisories."""
    said = process.run([NAME, "db", "status", "--output", "json"], timeout=tool.TIMEOUT, variables=_OWN)
    try:
        return grype_report.built(Node(json.loads(said.out)))
    except (ValueError, AttributeError):
        return None


def open_scanner(means: Means) -> Grype:
    """The scanner; it has advisories of its own."""
    return Grype(means.say)
