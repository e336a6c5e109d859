"""What is in an image, and what was found in it, as a CycloneDX bill of materials (1.6, JSON).

Equal inventories give equal documents but for the time, and the serial number says so: it is made of the
document itself. Source: cyclonedx.org/docs/1.6/json.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from modelway import __version__
from modelway.core import told
from modelway.core.finding_json import filled
from modelway.core.findings import Origin, Package, Rating, Severity
from modelway.core.json import Json, JsonObject, sha256
from modelway.core.merge import Merged
from modelway.core.policy import Judged, Ruling, Verdict
from modelway.core.purl import purl

MEDIA_TYPE = "application/vnd.cyclonedx+json"
PREDICATE = "https://cyclonedx.org/bom"
"""Under this an SBOM is attached as an in-toto statement (github.com/in-toto/attestation, cyclonedx.md)."""
SPEC = "1.6"
_IMAGE = "image"
_METHODS = (
    ("CVSS:4.0", "CVSSv4"),
    ("CVSS:3.1", "CVSSv31"),
    ("CVSS:3.0", "CVSSv3"),
    ("AV:", "CVSSv2"),
)


def sbom(merged: Merged, *, name: str) -> JsonObject:
    """What is in an image; ``name`` is the model's."""
    refs = references(merged.packages)
    body: dict[str, Json] = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "version": 1,
        "metadata": {
            "tools": {"components": list(_tools(merged))},
            "component": _image(merged, name),
            "properties": _properties({"image:layer": [one.diff_id for one in merged.layers]}),
        },
        "components": [*_distribution(merged.distro), *_components(merged, refs)],
        "dependencies": [{"ref": _IMAGE, "dependsOn": sorted(refs.values())}],
    }
    body["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, sha256(body)).urn
    return body


def at(document: JsonObject, made: datetime | None) -> JsonObject:
    """The same document with its time, or without any."""
    metadata = document.get("metadata")
    said = metadata if isinstance(metadata, Mapping) else {}
    kept = {key: one for key, one in said.items() if key != "timestamp"}
    if made:
        kept["timestamp"] = made.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**document, "metadata": kept}


def with_findings(document: JsonObject, merged: Merged, verdict: Verdict) -> JsonObject:
    """A bill of materials that says what was found in it, too, and what the policy says of that."""
    refs = references(merged.packages)
    return {**document, "vulnerabilities": [_vulnerability(one, refs) for one in verdict.judged]}


def references(packages: Sequence[Package]) -> dict[Package, str]:
    """What each package is called within a document: the same name and version may lie in several places."""
    return {one: f"package:{number}" for number, one in enumerate(sorted(packages, key=_order), start=1)}


def _order(one: Package) -> tuple[str, ...]:
    return one.ecosystem, one.name, one.version, one.path, repr(one)


def _tools(merged: Merged) -> Iterator[JsonObject]:
    yield {"type": "application", "name": "modelway", "version": __version__}
    for report in merged.reports:
        if report.tool:
            name, _, version = report.tool.rpartition(" ")
            yield filled({"type": "application", "name": name or version, "version": version if name else ""})


def _image(merged: Merged, name: str) -> JsonObject:
    """The image: named by its config's digest, which is known before and after it is pushed."""
    return {
        "bom-ref": _IMAGE,
        "type": "container",
        "name": name,
        "version": str(merged.subject),
        "properties": _properties(
            {"image:config": [str(merged.subject)], "image:platform": [merged.platform]}
        ),
    }


def _distribution(distro: str) -> Iterator[JsonObject]:
    name, _, version = distro.partition(":")
    if name:
        yield filled(
            {"type": "operating-system", "bom-ref": "distribution", "name": name, "version": version}
        )


def _components(merged: Merged, refs: Mapping[Package, str]) -> Iterator[JsonObject]:
    whose = {layer.diff_id: layer.origin for layer in merged.layers}
    for package, ref in refs.items():
        origin = whose.get(package.layer, Origin.UNKNOWN)
        yield filled(
            {
                "type": "library",
                "bom-ref": ref,
                "name": package.name,
                "version": package.version,
                "purl": purl(package, merged.distro),
                "licenses": list(_licences(package.licences)),
                "properties": _properties(
                    {
                        "package:path": [package.path],
                        "package:layer": [package.layer],
                        "package:origin": ["" if origin is Origin.UNKNOWN else str(origin)],
                        "package:source": [
                            " ".join(filter(None, (package.source_name, package.source_version)))
                        ],
                        "package:owner": [package.owner],
                    }
                ),
            },
            always=("type", "name"),
        )


def _licences(names: Sequence[str]) -> Iterator[JsonObject]:
    """As the metadata has them: which words are SPDX's is not ours to say."""
    for name in dict.fromkeys(" ".join(name.split()) for name in names):
        if name:
            yield {"license": {"name": name}}


def _properties(named: Mapping[str, Iterable[str]]) -> list[Json]:
    """Properties under our own names, those that say something."""
    return [
        {"name": f"modelway:{name}", "value": value}
        for name, values in named.items()
        for value in values
        if value
    ]


def _vulnerability(one: Judged, refs: Mapping[Package, str]) -> JsonObject:
    """A finding; one that is in no package is the image's."""
    finding, said = one.finding, told.told(one)
    ref = refs.get(finding.package, _IMAGE) if finding.package else _IMAGE
    return filled(
        {
            "id": finding.id,
            "references": [
                {"id": name, "source": {"name": name.partition("-")[0]}} for name in finding.aliases
            ],
            "ratings": [_rating(rating) for rating in finding.ratings],
            "description": finding.title,
            "recommendation": f"install {finding.fixed_in}" if finding.fixed_in else finding.remark,
            "advisories": [{"url": url} for url in finding.urls],
            "published": _moment(finding.published),
            "updated": _moment(finding.modified),
            "analysis": _analysis(one),
            "affects": [{"ref": ref}],
            "properties": _properties(
                {
                    "finding:kind": [str(finding.kind)],
                    **{f"finding:{key}": [str(value)] for key, value in said.json.items()},
                    "finding:source": finding.sources,
                    "finding:exploited": [finding.exploited.source if finding.exploited else ""],
                    "finding:evidence": [finding.evidence.masked if finding.evidence else ""],
                }
            ),
        }
    )


def _analysis(one: Judged) -> JsonObject:
    """Whether it was accepted; whether it can be exploited here nobody looked at, so no state is given."""
    response: list[Json] = ["will_not_fix"] if one.ruling is Ruling.WAIVED else []
    return filled({"response": response, "detail": told.why(one)})


def _rating(one: Rating) -> JsonObject:
    """A rating; what CycloneDX calls ``info`` is Debian's ``negligible``."""
    method = next((word for prefix, word in _METHODS if one.vector.startswith(prefix)), "other")
    severity = "info" if one.severity is Severity.NEGLIGIBLE else str(one.severity)
    return filled(
        {
            "source": {"name": one.source},
            "score": one.score,
            "severity": severity,
            "method": method,
            "vector": one.vector,
        }
    )


def _moment(text: str) -> str:
    """A time as the schema wants it; nothing where it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
