"""ECR's scans of pushed images: their states over time, and findings by the builtin scanner.

moto answers every image with one made-up finding, at once, and knows no states; ``tests/rehearsal/
test_ecr_scan.py`` shows it. Here basic and enhanced scanning take their time, as ``POST /_rehearse/ecr-scan``
says; the clock of a scan starts with the first look at it, or with StartImageScan.
"""

from __future__ import annotations

import fnmatch
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from moto.ecr.exceptions import ImageNotFoundException, LimitExceededException, ScanNotFoundException
from moto.ecr.models import ECRBackend, Image, Repository, ecr_backends

from modelway.core.json import Json, JsonObject
from modelway.core.report import Report
from modelway.errors import NotEvaluated
from modelway.rehearsal import ecr_scan_answers, images
from modelway.rehearsal.context import Context
from modelway.rehearsal.ecr_request import Asked, ImageId, Output, named_repository, page
from modelway.rehearsal.ecr_scanner import Scanner
from modelway.rehearsal.images import EcrError
from modelway.rehearsal.registry_client import Client

_UNSCANNABLE = frozenset({"UNSUPPORTED_IMAGE", "IMAGE_SIZE_EXCEEDED", "FAILED", "LIMIT_EXCEEDED"})
_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How every scan goes, in seconds of the rehearsal's clock; the control's payload."""

    unknown: float = 2.0
    """So long ECR knows of no scan."""
    pending: float = 3.0
    scanning: float = 10.0
    empty: float = 0.0
    """So long it says that the scan is over, and has no findings yet."""
    ends: str = ""
    """A status to end with instead: ``UNSUPPORTED_IMAGE``, say."""

    @classmethod
    def parse(cls, given: JsonObject) -> Self:
        """Read the payload; raises ``ValueError``."""
        unknown = given.keys() - {"unknown", "pending", "scanning", "empty", "ends"}
        if unknown:
            msg = f"unknown keys in a scan's course: {', '.join(sorted(unknown))}"
            raise ValueError(msg)
        ends = str(given.get("ends", ""))
        if ends and ends not in _UNSCANNABLE:
            msg = f"a scan cannot end with {ends}; it can with {', '.join(sorted(_UNSCANNABLE))}"
            raise ValueError(msg)
        bare = cls()
        return cls(
            unknown=float(str(given.get("unknown", bare.unknown))),
            pending=float(str(given.get("pending", bare.pending))),
            scanning=float(str(given.get("scanning", bare.scanning))),
            empty=float(str(given.get("empty", bare.empty))),
            ends=ends,
        )

    def status(self, seconds: float, over: str) -> str:
        """ECR's word after so long; empty where it knows of no scan yet."""
        for word, lasts in (("", self.unknown), ("PENDING", self.pending), ("IN_PROGRESS", self.scanning)):
            if seconds < lasts:
                return word
            seconds -= lasts
        return self.ends or over

    def early(self, seconds: float) -> bool:
        """Whether the findings have not come yet."""
        return seconds < self.unknown + self.pending + self.scanning + self.empty


@dataclass
class Scans:
    """One method an operation; what it returns is the operation's output."""

    context: Context
    registry: Client
    course: Course = Course()
    begun: dict[str, float] = field(default_factory=dict)
    """When each image's scan began, by path and digest."""
    asked: dict[str, datetime] = field(default_factory=dict)
    """When StartImageScan was called."""
    reports: dict[str, Report | None] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    NAMES = (
        "start_image_scan",
        "describe_image_scan_findings",
        "batch_get_repository_scanning_configuration",
    )

    def __post_init__(self) -> None:
        self.scanner = Scanner(self.context, self.registry)

    def control(self, given: JsonObject) -> Json:
        """Set how scans go, and ``scanning`` of an account: ``{"account": ..., "scan_type": "ENHANCED"}``."""
        where = {"account", "region", "scan_type"}
        rest = {key: value for key, value in given.items() if key not in where}
        self.course = Course.parse(rest)
        if "scan_type" in given:
            backend = ecr_backends[str(given["account"])][str(given.get("region", "eu-west-1"))]
            rule = {
                "scanFrequency": "CONTINUOUS_SCAN",
                "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}],
            }
            rules = [rule] if given["scan_type"] == "ENHANCED" else []
            backend.put_registry_scanning_configuration(str(given["scan_type"]), rules)
        return {}

    # --- operations ---

    def batch_get_repository_scanning_configuration(self, asked: Asked) -> Output:
        """What the registry's rules and the repository's own switch come to."""
        backend = ecr_backends[asked.account][asked.region]
        told, failures = [], []
        for name in asked.texts("repositoryNames"):
            if repository := backend.repositories.get(name):
                told.append(_configuration(backend, repository))
            else:
                failures.append({"repositoryName": name, "failureCode": "REPOSITORY_NOT_FOUND"})
        return {"scanningConfigurations": told, "failures": failures}

    def start_image_scan(self, asked: Asked) -> Output:
        """Once a day for an image, the scan on push included; basic scanning only."""
        repository, image = self._image(asked, "StartImageScan")
        backend = ecr_backends[asked.account][asked.region]
        if _enhanced(backend):
            code, message = "ValidationException", "This feature is disabled: enhanced scanning is on"
            raise EcrError(code, message)
        key, now = _key(repository, image), datetime.now(UTC)
        pushed = _configuration(backend, repository)["scanOnPush"]
        if pushed or now - self.asked.get(key, now - _DAY) < _DAY:
            raise LimitExceededException
        self.asked[key] = now
        self.begun[key] = time.monotonic()
        return {**_named(repository, image), "imageScanStatus": {"status": "IN_PROGRESS"}}

    def describe_image_scan_findings(self, asked: Asked) -> Output:
        """The state of the scan, and its findings in pages."""
        repository, image = self._image(asked, "DescribeImageScanFindings")
        backend, key = ecr_backends[asked.account][asked.region], _key(repository, image)
        here = _configuration(backend, repository)
        if here["scanFrequency"] != "MANUAL" or here["scanOnPush"]:
            self.begun.setdefault(key, time.monotonic())
        seconds = self._seconds(key)
        over = "ACTIVE" if here["scanFrequency"] == "CONTINUOUS_SCAN" else "COMPLETE"
        status = self.course.status(seconds, over) if key in self.begun else ""
        if not status:
            raise ScanNotFoundException(image.image_digest, repository.name, repository.registry_id)
        told: dict[str, object] = {**_named(repository, image), "imageScanStatus": {"status": status}}
        if status != over:
            return told
        if self.course.early(seconds):
            return {**told, **_nothing_yet(backend)}
        report = self._report(repository, image)
        if report is None:
            return {**told, "imageScanStatus": {"status": "UNSUPPORTED_IMAGE"}}
        return {**told, **_findings(asked, backend, report)}

    # --- what is behind them ---

    def _report(self, repository: Repository, image: Image) -> Report | None:
        """The image, scanned once; nothing of what the scanner cannot read."""
        key = _key(repository, image)
        with self.lock:
            if key not in self.reports:
                path = images.path_of(repository)
                try:
                    self.reports[key] = self.scanner.scan(path, image.image_manifest)
                except (NotEvaluated, KeyError, TypeError, ValueError):
                    self.reports[key] = None
            return self.reports[key]

    def _seconds(self, key: str) -> float:
        """How long a scan has been going on, by the rehearsal's clock."""
        return (time.monotonic() - self.begun.get(key, time.monotonic())) * self.context.clock_factor

    @staticmethod
    def _image(asked: Asked, action: str) -> tuple[Repository, Image]:
        """The image a call names."""
        repository, wanted = named_repository(asked, action), ImageId.parse(asked.inner("imageId"))
        image = images.find(repository, tag=wanted.tag, digest=wanted.digest)
        if image is None:
            named = f"{{imageDigest:'{wanted.digest or 'null'}', imageTag:'{wanted.tag or 'null'}'}}"
            raise ImageNotFoundException(named, repository.name, repository.registry_id)
        return repository, image


def _nothing_yet(backend: ECRBackend) -> Output:
    """Before the findings have come: a list of none, and no day."""
    name = "enhancedFindings" if _enhanced(backend) else "findings"
    return {"imageScanFindings": {name: [], "findingSeverityCounts": {}}}


def _findings(asked: Asked, backend: ECRBackend, report: Report) -> Output:
    """One page of what was found."""
    enhanced, now = _enhanced(backend), datetime.now(UTC)
    listed = ecr_scan_answers.findings(report, enhanced=enhanced)
    shown = page(asked, "enhancedFindings" if enhanced else "findings", listed)
    token = {"nextToken": shown.pop("nextToken")} if "nextToken" in shown else {}
    about: dict[str, object] = {
        "imageScanCompletedAt": now,
        "vulnerabilitySourceUpdatedAt": now,
        "findingSeverityCounts": ecr_scan_answers.counts(listed),
    }
    return {"imageScanFindings": {**about, **shown}, **token}


def _key(repository: Repository, image: Image) -> str:
    return f"{images.path_of(repository)}@{image.image_digest}"


def _named(repository: Repository, image: Image) -> dict[str, object]:
    """The image as answers name it."""
    return {
        "registryId": repository.registry_id,
        "repositoryName": repository.name,
        "imageId": {"imageDigest": image.image_digest},
    }


def _enhanced(backend: ECRBackend) -> bool:
    return bool(backend.registry_scanning_configuration.get("scanType") == "ENHANCED")


def _configuration(backend: ECRBackend, repository: Repository) -> dict[str, Json]:
    """How one repository is scanned. moto does not count the repository's own switch."""
    frequency, applied = "MANUAL", []
    for rule in backend.registry_scanning_configuration.get("rules") or []:
        for one in rule["repositoryFilters"]:
            if fnmatch.fnmatchcase(repository.name, one["filter"]) and frequency != "CONTINUOUS_SCAN":
                frequency, applied = rule["scanFrequency"], [one]
    switch = repository.image_scanning_configuration
    own = isinstance(switch, dict) and bool(switch.get("scanOnPush")) and not _enhanced(backend)
    if own and frequency == "MANUAL":
        frequency = "SCAN_ON_PUSH"
    told: Mapping[str, Json] = {
        "repositoryArn": repository.arn,
        "repositoryName": repository.name,
        "scanOnPush": own or frequency == "SCAN_ON_PUSH",
        "scanFrequency": frequency,
        "appliedScanFilters": applied,
    }
    return dict(told)
