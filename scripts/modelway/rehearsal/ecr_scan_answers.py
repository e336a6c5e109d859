"""What the builtin scanner found, as ECR tells it: basic findings and Inspector's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from modelway.core.findings import Finding, Fixable, Kind, Severity
from modelway.core.json import Json, JsonObject
from modelway.core.report import Report

_BASIC = {Severity.NEGLIGIBLE: "INFORMATIONAL", Severity.UNKNOWN: "UNDEFINED"}
_ENHANCED = {Severity.NEGLIGIBLE: "INFORMATIONAL", Severity.UNKNOWN: "UNTRIAGED"}
_FIX = {Fixable.YES: "YES", Fixable.NO: "NO", Fixable.UNKNOWN: "NO"}
_OS = frozenset({"deb", "apk", "rpm"})


def findings(report: Report, *, enhanced: bool) -> list[JsonObject]:
    """Vulnerabilities: basic scanning looks at the distribution's packages only."""
    found = [one for one in report.findings if one.kind is Kind.VULNERABILITY and one.package]
    if enhanced:
        return [_enhanced(one, report) for one in found]
    return [_basic(one) for one in found if one.package and one.package.ecosystem in _OS]


def counts(listed: Sequence[JsonObject]) -> dict[str, int]:
    """How many of each severity."""
    return dict(Counter(str(one["severity"]) for one in listed))


def _basic(one: Finding) -> JsonObject:
    """One of ``findings``: no fixed version, and the package among the attributes."""
    package = one.package
    if package is None:
        raise TypeError(one)
    told = {
        "package_name": package.source_name or package.name,
        "package_version": package.source_version or package.version,
    }
    attributes: Json = [{"key": key, "value": value} for key, value in told.items()]
    return {
        "name": one.id,
        "description": one.title,
        "uri": next(iter(one.urls), ""),
        "severity": _BASIC.get(one.severity, one.severity.upper()),
        "attributes": attributes,
    }


def _enhanced(one: Finding, report: Report) -> JsonObject:
    """One of ``enhancedFindings``."""
    package = one.package
    if package is None:
        raise TypeError(one)
    epoch, _, rest = package.version.rpartition(":")
    version, _, release = rest.rpartition("-") if package.ecosystem in _OS else (rest, "", "")
    packages: Json = [
        {
            "name": package.name,
            "epoch": int(epoch or 0),
            "version": version,
            **({"release": release} if release else {}),
            "arch": report.platform.partition("/")[2].upper(),
            "packageManager": "OS" if package.ecosystem in _OS else "PYTHONPKG",
            "filePath": package.path.lstrip("/"),
            "fixedInVersion": one.fixed_in or "NotAvailable",
        }
    ]
    scores = [r for r in one.ratings if r.score is not None]
    cvss: Json = [
        {"baseScore": r.score, "scoringVector": r.vector, "source": "NVD", "version": r.vector[5:8]}
        for r in scores
        if r.vector.startswith("CVSS:")
    ]
    details: JsonObject = {
        "vulnerabilityId": one.id,
        "source": "NVD",
        "sourceUrl": next(iter(one.urls), ""),
        "relatedVulnerabilities": list(one.aliases),
        "referenceUrls": list(one.urls),
        "cvss": cvss,
        "vulnerablePackages": packages,
    }
    return {
        "type": "PACKAGE_VULNERABILITY",
        "status": "ACTIVE",
        "title": f"{one.id} - {package.name}",
        "description": one.title,
        "severity": _ENHANCED.get(one.severity, one.severity.upper()),
        "score": max((r.score or 0.0 for r in scores), default=0.0),
        "fixAvailable": _FIX[one.fixable],
        "packageVulnerabilityDetails": details,
    }
