"""kingfisher (MongoDB): secrets in the image's files, by the ``kingfisher`` on PATH.

It is run with ``--redact --no-validate``: without the first it prints secrets in clear, without the second
it logs in with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from modelway.core.findings import Evidence, Finding, Kind, Location, Severity
from modelway.core.report import Read, Report
from modelway.errors import NotEvaluated
from modelway.scanners import tool
from modelway.scanners.archive_file import image_file
from modelway.scanners.means import Means
from modelway.scanners.reading import Node, Wrong, document, first_line, unreadable
from modelway.scanners.tool import Tool

NAME = "kingfisher"
GENERATION = 1
TOOL = Tool(
    name=NAME,
    least=(2, 14),
    install="install kingfisher by a version and a checksum you have checked (github.com/mongodb/kingfisher;"
    " or `pip install kingfisher-bin==2.14.0`, MongoDB's own)",
)
_UNDONE = ("scan_partial", "scan_failed", "fetch_failed", "pending")
_OPTIONS = ("--redact", "--no-validate", "--no-update-check", "--no-limits", "--format", "json")
"""With its limits 2.14 refuses an archive whose layers unpack to a few hundred megabytes: "did not contain
Docker image layers"."""


@dataclass(slots=True)
class Found:
    """What a report holds."""

    findings: list[Finding]
    looked: int
    """Files it looked through."""


@dataclass(frozen=True, slots=True)
class Kingfisher:
    """Implements ``ports.Scanner``."""

    say: Callable[[str], None]

    def fingerprint(self) -> str:
        """Its version, which has its rules in it."""
        return f"{NAME}-{GENERATION} {tool.version(TOOL)}"

    def scan(self, archive: BinaryIO, /, *, platform: str) -> Report:
        """Let kingfisher unpack the archive; exit status 200 is how it says that it found something."""
        fingerprint = self.fingerprint()
        with image_file(archive, platform=platform) as image:
            out = image.folder.parent / "report.json"
            finished = tool.run(
                [NAME, "scan", "docker", "--archive", str(image.path), *_OPTIONS, "--output", str(out)],
                folder=image.folder,
                say=lambda _: self.say("kingfisher is looking for secrets"),
            )
            if not out.is_file():
                raise tool.failed(TOOL, finished)
            try:
                found = read(out.read_bytes())
            except Wrong as error:
                raise unreadable(NAME, error, TOOL.words) from error
            return Report(
                scanner=NAME,
                tool=f"kingfisher {fingerprint.split()[1]}",
                fingerprint=fingerprint,
                subject=image.config,
                platform=image.platform,
                layers=image.layers,
                findings=tuple(found.findings),
                read=(Read(area="secrets", count=found.looked),),
            )


def read(raw: bytes) -> Found:
    """kingfisher's report; raises ``reading.Wrong``, and ``NotEvaluated`` where it was not finished."""
    report = document(raw)
    summary = report.inner("audit").inner("summary")
    undone = [name for name in _UNDONE if summary.count(name)]
    if undone:
        raise NotEvaluated(
            "kingfisher did not look through the whole image",
            seen=", ".join(f"{name}: {summary.count(name)}" for name in undone),
            cure="see what it says above, then scan again.",
        )
    findings = [_finding(one) for one in report.each("findings", needed=True)]
    return Found(findings, report.inner("metadata").inner("summary").count("blobs_scanned"))


def _finding(one: Node) -> Finding:
    """A secret. Where the snippet is not redacted, it is not shown."""
    rule, inner = one.inner("rule"), one.inner("finding")
    snippet = inner.text("snippet")
    return Finding(
        kind=Kind.SECRET,
        id=rule.text("id") or rule.text("name", needed=True),
        location=_location(inner),
        severity=Severity.UNKNOWN,
        title=first_line(rule.text("description") or rule.text("name")),
        evidence=Evidence(snippet) if snippet.startswith("[REDACTED") else None,
        remark=f"confidence {inner.text('confidence')}" if inner.text("confidence") else "",
    )


def _location(inner: Node) -> Location:
    """``image.tar | app/file``: which layer has it kingfisher does not say."""
    _, _, file = inner.text("path", needed=True).rpartition(" | ")
    return Location(file=f"/{file.lstrip('/')}", line=inner.line("line"))


def open_scanner(means: Means) -> Kingfisher:
    """The scanner."""
    return Kingfisher(means.say)
