"""When ECR's own scan of a pushed image may be believed: looks at it go in, what to do next comes out.

ECR has two scanners. *Basic* scans once and rests at ``COMPLETE``. *Enhanced* (Amazon Inspector) rests at
``ACTIVE`` where it scans continuously, at ``COMPLETE`` where it scanned on push, and may say either before
its findings have arrived. Facts: the ECR API reference, ScanStatus and DescribeImageScanFindings;
aws/aws-sdk issues 288 and 289 (a complete scan whose findings come later).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeAlias

from modelway.core.findings import Finding, Package

Mode: TypeAlias = Literal["auto", "basic", "enhanced"]
MODES: tuple[Mode, ...] = ("auto", "basic", "enhanced")

RECORD_WITHIN = 300.0
"""Seconds ECR gets to know of a scan at all. It takes seconds to a minute after a push."""
SETTLE = 20.0
"""Seconds between two equal answers of the enhanced scanner."""
EMPTY_SETTLE = 60.0
"""Seconds an answer without findings has to stay so."""
UNDATED_SETTLE = 120.0
"""The same where nothing says when the scan ended: AWS's own images wait as long before they believe it."""
PAUSE = 5.0
"""Seconds between two looks."""


class Scanning(StrEnum):
    """Which of ECR's scanners a registry has."""

    BASIC = "basic"
    ENHANCED = "enhanced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How a repository is scanned.

    GetRegistryScanningConfiguration tells the scanner, BatchGetRepositoryScanningConfiguration the rest.
    """

    scanning: Scanning
    on_push: bool
    continuous: bool = False
    """Whether a rule of the registry scans this repository again whenever an advisory is new."""

    @property
    def covered(self) -> bool:
        """Whether anything scans this repository unasked."""
        return self.on_push or self.continuous


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One answer of DescribeImageScanFindings."""

    seconds: float = 0.0
    """Since the first look, as waits count them."""
    at: datetime
    status: str
    """ECR's own word; empty where it knows of no scan."""
    description: str = ""
    completed: datetime | None = None
    advisories: datetime | None = None
    """When ECR's advisories were newest."""
    read: int = 0
    """Findings in all pages of the answer."""
    counted: int = 0
    """Findings by ECR's own count."""
    listed: bool = False
    """Whether the answer has a list of findings, be it empty: without the right to read Inspector's there is
    none (aws/aws-cli issue 6759)."""
    fingerprint: str = ""
    """The same for the same findings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A look, and what it showed."""

    look: Look
    packages: tuple[Package, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EcrScan:
    """What a config wants of ECR's scan."""

    mode: Mode = "auto"
    """Which scanner the registry must have; ``auto`` takes either."""
    timeout: timedelta = timedelta(minutes=15)
    """How long a result is awaited."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again after a pause."""

    why: str


@dataclass(frozen=True, slots=True)
class Start:
    """Ask for a basic scan: nothing else starts one."""

    why: str


@dataclass(frozen=True, slots=True)
class Done:
    """The last look is the result."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hopeless:
    """There will be no result."""

    what: str
    cure: str


Next: TypeAlias = "Wait | Start | Done | Hopeless"

_ENDS = {
    "FAILED": (
        "the scan failed",
        "run the same command again; a basic scan of an image can be repeated once a day. Where it fails"
        " again, ask AWS support, or scan with the adapters `trivy` or `grype` and take scan.ecr out",
    ),
    "UNSUPPORTED_IMAGE": (
        "ECR cannot scan this image: neither its scanner knows the distribution, or it is no image at all",
        "use a base image ECR supports (docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html),"
        " or take scan.ecr out and list an adapter that can read it in scan.scanners: `trivy` or `grype`",
    ),
    "IMAGE_SIZE_EXCEEDED": (
        "the image is larger than ECR scans",
        "make it smaller (weights belong into model_artifact, not into the image), or take scan.ecr out"
        " and list `trivy` or `grype` in scan.scanners, which know no such limit",
    ),
    "SCAN_ELIGIBILITY_EXPIRED": (
        "ECR stopped scanning this image: it was pushed, or last pulled, too long ago",
        "lengthen the registry's re-scan duration in Amazon Inspector, or build and push the image again",
    ),
    "FINDINGS_UNAVAILABLE": (
        "ECR has no findings to give for this image",
        "see that Amazon Inspector is on in this account and region, then run the same command again",
    ),
    "LIMIT_EXCEEDED": (
        "the account has used up its scans",
        "wait, or raise the quota of Amazon ECR in Service Quotas, then run the same command again",
    ),
    "IMAGE_ARCHIVED": (
        "the image is archived, and archived images are not scanned",
        "restore it (aws ecr update-image-storage-class), then run the same command again",
    ),
}
"""Every status after which ECR will say no more, in words, with its cure."""
_WAITING = frozenset({"PENDING", "IN_PROGRESS"})


def unfit(setup: Setup, mode: Mode) -> Hopeless | None:
    """Why a registry's scanner is not the one the config counts on; nothing where it is."""
    if mode in {"auto", setup.scanning}:
        return None
    return Hopeless(
        what=f"the registry has {setup.scanning} scanning, and scan.ecr.mode counts on {mode}",
        cure=f"turn {mode} scanning on (aws ecr put-registry-scanning-configuration --scan-type"
        f" {mode.upper()}), or write scan.ecr.mode: {setup.scanning}",
    )


def after(setup: Setup, looks: Sequence[Look], *, timeout: timedelta, started: bool) -> Next:
    """What to do after these looks; at least one. ``started``: whether this run asked for a scan."""
    last = looks[-1]
    if last.status in _ENDS:
        what, cure = _ENDS[last.status]
        said = f" ({last.description})" if last.description else ""
        return Hopeless(what=f"{what}{said}", cure=cure)
    found = _not_found(setup, last, started=started) if not last.status else _found(setup, looks)
    if isinstance(found, Wait) and last.seconds >= timeout.total_seconds():
        return Hopeless(
            what=f"ECR's scan was not over after {last.seconds:.0f} s: {found.why}",
            cure="run the same command again: it goes on waiting; or lengthen scan.ecr.timeout",
        )
    return found


def _not_found(setup: Setup, last: Look, *, started: bool) -> Next:
    """ECR knows of no scan: normal for the first seconds after a push."""
    if not setup.covered and setup.scanning is Scanning.BASIC and not started:
        return Start("scan on push is off")
    if not setup.covered and setup.scanning is Scanning.ENHANCED:
        return Hopeless(
            what="no rule of the registry's enhanced scanning is about this repository, so nothing scans it",
            cure="add a rule with SCAN_ON_PUSH or CONTINUOUS_SCAN that matches it"
            " (aws ecr put-registry-scanning-configuration), then push again",
        )
    if last.seconds >= RECORD_WITHIN:
        return Hopeless(
            what=f"ECR still knows of no scan of this image after {last.seconds:.0f} s",
            cure="see the registry's scanning configuration (aws ecr get-registry-scanning-configuration)"
            " and, for enhanced scanning, that Amazon Inspector is on in this account and region",
        )
    return Wait("ECR knows of no scan yet")


def _found(setup: Setup, looks: Sequence[Look]) -> Next:
    """There is a scan, and it may have a result."""
    last = looks[-1]
    if last.status in _WAITING:
        return Wait(f"the scan is {last.status.lower().replace('_', ' ')}")
    if last.status not in {"COMPLETE", "ACTIVE"}:
        return Hopeless(
            what=f"ECR says {last.status!r}, which this release of modelway does not know",
            cure="use a newer release of modelway",
        )
    if last.read < last.counted:
        return Wait(f"{last.read} of {last.counted} findings have come")
    if not last.listed:
        return Wait(
            f"{last.status.lower()}, and no list of findings with it: none has come, or this identity may not"
            " read them (inspector2:ListFindings)"
        )
    if setup.scanning is Scanning.BASIC and last.status == "COMPLETE":
        if last.completed or last.read:
            return Done("the basic scan is complete")
        return _settled(looks, UNDATED_SETTLE)
    if last.read:
        return _settled(looks, SETTLE)
    return _settled(looks, EMPTY_SETTLE if last.completed or last.advisories else UNDATED_SETTLE)


def _settled(looks: Sequence[Look], seconds: float) -> Next:
    """Whether the answer has stayed the same for so long."""
    last = looks[-1]
    since = last.seconds
    for look in reversed(looks):
        if (look.status, look.fingerprint) != (last.status, last.fingerprint):
            break
        since = look.seconds
    stayed = last.seconds - since
    if stayed >= seconds:
        return Done(f"the answer stayed the same for {stayed:.0f} s")
    return Wait(f"{last.status.lower()} with {last.read} findings: an answer may still grow")


def as_of(look: Look) -> datetime:
    """The day a result speaks for: a continuous scan for now, a single one for its advisories."""
    if look.status == "ACTIVE":
        return look.at
    return look.advisories or look.completed or look.at
