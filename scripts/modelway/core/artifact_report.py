"""What was seen in a model artifact, as part of the reports on the image it runs with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from modelway.core.findings import Finding, Place
from modelway.core.report import Report
from modelway.core.version import Artifact

_AREA = "weights:"


def area(artifact: Artifact) -> str:
    """What a report calls the artifact it looked into: by its bytes, wherever they lie."""
    return f"{_AREA}{artifact.sha256}"


def covered(reports: Sequence[Report], artifact: Artifact) -> bool:
    """Whether these very bytes were looked into, to their end or not."""
    areas = [one.area for report in reports for one in report.read]
    areas += [one.area for report in reports for one in report.unread]
    return area(artifact) in areas


def bare(reports: Sequence[Report]) -> tuple[Report, ...]:
    """The reports on the image alone: it may have been scanned with other weights."""
    return tuple(
        replace(
            report,
            findings=tuple(one for one in report.findings if not _of_weights(one)),
            read=tuple(one for one in report.read if not one.area.startswith(_AREA)),
            unread=tuple(one for one in report.unread if not one.area.startswith(_AREA)),
        )
        for report in reports
    )


def folded(reports: Sequence[Report], weights: Report) -> tuple[Report, ...]:
    """The reports on an image with that of its weights in the first of them."""
    first, *others = bare(reports)
    first = replace(
        first,
        findings=(*first.findings, *weights.findings),
        read=(*first.read, *weights.read),
        unread=(*first.unread, *weights.unread),
    )
    return first, *others


def _of_weights(finding: Finding) -> bool:
    return finding.location is not None and finding.location.place is Place.ARTIFACT
