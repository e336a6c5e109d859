"""Amazon Inspector's ScanSbom: vulnerabilities of the packages in an SBOM, before anything is pushed.

The SBOM is syft's: AWS gets that, and nothing else of the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from modelway.adapters import aws
from modelway.adapters.aws_errors import translated
from modelway.core.json import JsonObject
from modelway.core.report import Database, Report
from modelway.errors import NotEvaluated
from modelway.scanners import inspector_report, syft_report, syft_tool, tool
from modelway.scanners.archive_file import ImageFile, image_file
from modelway.scanners.means import Means
from modelway.scanners.reading import Node, Wrong, document, unreadable
from modelway.scanners.syft_tool import SYFT

if TYPE_CHECKING:
    from botocore.client import BaseClient

NAME = "inspector"
GENERATION = 1
_FORM = "CYCLONE_DX_1_5"


@dataclass(frozen=True, slots=True)
class Inspector:
    """Implements ``ports.Scanner``."""

    means: Means

    def fingerprint(self) -> str:
        """syft's version and the day: Inspector's advisories have no version one could ask for."""
        today = self.means.clock.now().date()
        return f"{NAME}-{GENERATION} syft-{tool.version(SYFT)} {today}"

    def scan(self, archive: BinaryIO, /, *, platform: str) -> Report:
        """Let syft list the packages, and ask Inspector about them."""
        fingerprint = self.fingerprint()
        with image_file(archive, platform=platform) as image:
            try:
                return self._asked(image, fingerprint)
            except Wrong as error:
                raise unreadable("Inspector's ScanSbom", error, "of API version 2023-08-08") from error

    def _asked(self, image: ImageFile, fingerprint: str) -> Report:
        """What Inspector says of the image's packages."""
        listed = syft_report.read(syft_tool.document(image, "syft-json", self.means.say))
        if not listed.packages:
            raise NotEvaluated(
                "syft found no packages in the image, so Inspector has nothing to look up",
                cure="use a base image that keeps its package database.",
            )
        sbom = document(syft_tool.document(image, "cyclonedx-json@1.5", self.means.say))
        self.means.say(f"Inspector looks up {len(listed.packages)} packages")
        found = inspector_report.read_sbom(Node(self._scanned(sbom.value)))
        packages = tuple(dict.fromkeys([*listed.packages, *found.packages.values()]))
        now = self.means.clock.now()
        return Report(
            scanner=NAME,
            tool=f"Amazon Inspector, with syft {listed.version}",
            fingerprint=fingerprint,
            subject=tool.same_image(SYFT, listed.subject, image),
            platform=image.platform,
            distro=tool.distro(listed.family, listed.release),
            layers=image.layers,
            packages=packages,
            findings=tuple(found.findings),
            database=Database(sources=("Amazon Inspector",), built=now, as_of=now),
            read=tool.inventory(listed.packages),
            notes=tuple(found.notes),
        )

    def _scanned(self, sbom: JsonObject) -> JsonObject:
        """ScanSbom's answer; raises ``NotEvaluated`` where it refuses the SBOM."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - keeps --help fast

        spec = self.means.config.registry
        with translated("look packages up in Amazon Inspector", service="inspector-scan"):
            session = self.means.accounts().session(spec.account, spec.region, spec.read_role)
            client = cast("BaseClient", session.client("inspector-scan", config=aws.patient()))
            try:
                answer: JsonObject = client.scan_sbom(sbom=sbom, outputFormat=_FORM)  # type: ignore[attr-defined]
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "ValidationException":
                    raise
                raise NotEvaluated(
                    "Amazon Inspector does not take the image's SBOM, so nothing was judged",
                    seen=str(error),
                    cure="take inspector out of scan.scanners; scan.ecr has Inspector scan the pushed image.",
                ) from error
        return answer


def open_scanner(means: Means) -> Inspector:
    """The scanner, in the registry's account and region."""
    return Inspector(means)
