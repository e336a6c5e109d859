"""syft's JSON report as packages: an inventory, and no word on vulnerabilities.

Fields: anchore/syft, syft/format/syftjson/model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelway.core.findings import Package
from modelway.scanners.reading import Node, document, ecosystem, name_in


@dataclass(slots=True, kw_only=True)
class Read:
    """What a report holds."""

    version: str = ""
    subject: str = ""
    """The image config's digest."""
    family: str = ""
    release: str = ""
    packages: list[Package] = field(default_factory=list)


def read(raw: bytes) -> Read:
    """Everything in a report; raises ``reading.Wrong``."""
    report = document(raw)
    distro, source = report.inner("distro"), report.inner("source")
    about = "metadata" if isinstance(source.value.get("metadata"), Mapping) else "target"
    subject = source.inner(about).text("imageID") if isinstance(source.value.get(about), Mapping) else ""
    return Read(
        version=report.inner("descriptor").text("version"),
        subject=subject,
        family=distro.text("id") or distro.text("name"),
        release=distro.text("versionID") or distro.text("version"),
        packages=[_package(one) for one in report.each("artifacts", needed=True)],
    )


def _package(one: Node) -> Package:
    """One artifact. ``metadata`` has another shape for each kind; only names that mean one thing are read."""
    purl = one.text("purl")
    kind, version = ecosystem(one.text("type"), purl), one.text("version")
    told = one.inner("metadata") if isinstance(one.value.get("metadata"), Mapping) else Node({})
    place = next(one.each("locations"), Node({}))
    source, source_version = _source(kind, told, version)
    return Package(
        ecosystem=kind,
        name=name_in(kind, one.text("name", needed=True)),
        version=version,
        source_name=source,
        source_version=source_version,
        path=place.text("path"),
        layer=place.text("layerID"),
        purl=purl,
        licences=_licences(one),
    )


def _source(kind: str, told: Node, version: str) -> tuple[str, str]:
    """The source package, where the kind has one."""
    match kind:
        case "deb":
            name = told.text("source") or told.text("package")
            return name, (told.text("sourceVersion") or version) if name else ""
        case "apk":
            name = told.text("originPackage")
            return name, version if name else ""
        case _:
            return "", ""


def _licences(one: Node) -> tuple[str, ...]:
    """Texts until syft 0.85, objects since."""
    listed = one.value.get("licenses")
    if isinstance(listed, list) and listed and isinstance(listed[0], Mapping):
        found = [each.text("spdxExpression") or each.text("value") for each in one.each("licenses")]
        return tuple(dict.fromkeys(licence for licence in found if licence))
    return one.texts("licenses")
