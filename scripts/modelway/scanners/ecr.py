"""ECR's own scan of a pushed image: a ``ports.RegistryScan``. When to believe it ``core.ecr_scan`` says.

Not in ``SCANNERS``: it sees an image only once it is in the registry.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, cast

from modelway.adapters import aws
from modelway.adapters.aws_errors import code, translated
from modelway.core.config import RegistrySpec
from modelway.core.ecr_scan import Look, Scanning, Setup, Sighting
from modelway.core.image import Digest
from modelway.core.json import JsonObject
from modelway.errors import NotEvaluated
from modelway.ports import Clock
from modelway.scanners import inspector_report
from modelway.scanners.reading import Node, Wrong, unreadable

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

    from modelway.adapters.aws import Accounts

_PAGE = 1000


@dataclass(frozen=True)
class EcrScanner:
    """Implements ``ports.RegistryScan``."""

    accounts: Accounts
    spec: RegistrySpec
    clock: Clock

    @cached_property
    def _ecr(self) -> ECRClient:
        session = self.accounts.session(self.spec.account, self.spec.region, self.spec.push_role)
        return session.client("ecr", config=aws.patient())

    def setup(self) -> Setup:
        """Which scanner the registry has, and what of it is on for the repository."""
        with translated(f"read how {self.spec.repository} is scanned", service="ecr"):
            registry = self._ecr.get_registry_scanning_configuration()["scanningConfiguration"]
            told = self._ecr.batch_get_repository_scanning_configuration(
                repositoryNames=[self.spec.repository]
            )
        here = next(iter(told.get("scanningConfigurations", [])), None)
        if here is None:
            raise NotEvaluated(
                f"ECR does not say how {self.spec.repository} is scanned",
                seen=str(told.get("failures", [])),
                cure="push the image first: scripts/run push CONFIG",
            )
        frequency = here.get("scanFrequency", "MANUAL")
        enhanced = registry.get("scanType") == "ENHANCED"
        return Setup(
            scanning=Scanning.ENHANCED if enhanced else Scanning.BASIC,
            on_push=frequency == "SCAN_ON_PUSH" or (here.get("scanOnPush", False) and not enhanced),
            continuous=frequency == "CONTINUOUS_SCAN",
        )

    def start(self, digest: Digest, /) -> None:
        """Ask for a basic scan. ECR takes one request a day for an image; the scan of before then stands."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        with translated(f"scan {digest}", service="ecr"):
            try:
                self._ecr.start_image_scan(
                    repositoryName=self.spec.repository, imageId={"imageDigest": str(digest)}
                )
            except ClientError as error:
                if code(error) == "UnsupportedImageTypeException":
                    raise NotEvaluated(
                        f"ECR does not scan images such as {digest}",
                        seen=str(error),
                        cure="take scan.ecr out, and list `trivy` or `grype` in scan.scanners.",
                    ) from error
                if code(error) != "LimitExceededException":
                    raise

    def look(self, digest: Digest, /) -> Sighting:
        """What ECR says of the image now, all pages of it."""
        found = inspector_report.Read()
        raw: list[JsonObject] = []
        first, count, listed = Node({}), 0, False
        try:
            for page in self._pages(digest):
                raw.append(page.inner("imageScanFindings").value)
                first = first if first.value else page
                count += inspector_report.read_ecr(page, found)
                listed |= _listed(page)
        except Wrong as error:
            raise unreadable("Amazon ECR", error, "API version 2015-09-21") from error
        return Sighting(
            look=_look(first, self.clock.now(), count, _hash(raw), listed=listed),
            packages=tuple(found.packages.values()),
            findings=tuple(found.findings),
            notes=tuple(found.notes),
        )

    def _pages(self, digest: Digest) -> Iterator[Node]:
        """The answer's pages; none where ECR knows of no scan."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        pages = self._ecr.get_paginator("describe_image_scan_findings").paginate(
            repositoryName=self.spec.repository,
            imageId={"imageDigest": str(digest)},
            PaginationConfig={"PageSize": _PAGE},
        )
        with translated(f"read ECR's scan of {digest}", service="ecr"):
            try:
                for page in pages:
                    yield Node(cast("JsonObject", json.loads(json.dumps(page, default=_text))))
            except ClientError as error:
                if code(error) != "ScanNotFoundException":
                    raise


def _text(value: object) -> str:
    """A time as JSON has it."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _listed(page: Node) -> bool:
    """Whether there is a list of findings. An enhanced scan nobody may read comes as ``findings: []``."""
    inner = page.inner("imageScanFindings").value
    if page.inner("imageScanStatus").text("status") == "ACTIVE":
        return "enhancedFindings" in inner
    return "enhancedFindings" in inner or "findings" in inner


def _hash(pages: list[JsonObject]) -> str:
    """The same for the same findings, whenever they were observed again."""
    kept = [
        {key: one for key, one in page.items() if key in {"findings", "enhancedFindings"}} for page in pages
    ]
    return sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _look(first: Node, at: datetime, count: int, fingerprint: str, *, listed: bool) -> Look:
    """The answer without its findings."""
    status, inner = first.inner("imageScanStatus"), first.inner("imageScanFindings")
    counts = inner.inner("findingSeverityCounts")
    return Look(
        at=at,
        status=status.text("status"),
        description=status.text("description"),
        completed=_time(inner, "imageScanCompletedAt"),
        advisories=_time(inner, "vulnerabilitySourceUpdatedAt"),
        read=count,
        counted=sum(counts.count(name) for name in counts.value),
        listed=listed,
        fingerprint=fingerprint,
    )


def _time(inner: Node, key: str) -> datetime | None:
    text = inner.text(key)
    return datetime.fromisoformat(text) if text else None


def open_scan(accounts: Accounts, spec: RegistrySpec, clock: Clock) -> EcrScanner:
    """ECR's scan of the images of a repository."""
    return EcrScanner(accounts, spec, clock)
