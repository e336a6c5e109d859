"""Packages and findings as JSON and back; what is empty is not written."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from modelway.core import decode
from modelway.core.decode import Wrong
from modelway.core.findings import (
    BroughtBy,
    Epss,
    Evidence,
    Exploited,
    Finding,
    Fixable,
    Kind,
    Location,
    Origin,
    Package,
    Place,
    Rating,
    Severity,
)
from modelway.core.json import Json, JsonObject

_Word = TypeVar("_Word", bound=StrEnum)


def package_json(one: Package) -> JsonObject:
    """A package."""
    return filled(
        {
            "ecosystem": one.ecosystem,
            "name": one.name,
            "version": one.version,
            "source_name": one.source_name,
            "source_version": one.source_version,
            "path": one.path,
            "layer": one.layer,
            "owner": one.owner,
            "purl": one.purl,
            "licences": list(one.licences),
        },
        always=("ecosystem", "name", "version"),
    )


def package_of(raw: JsonObject) -> Package:
    """Read a package; raises ``Wrong``."""
    return Package(
        ecosystem=decode.text(raw, "ecosystem"),
        name=decode.text(raw, "name"),
        version=decode.text(raw, "version"),
        source_name=decode.soft_text(raw, "source_name"),
        source_version=decode.soft_text(raw, "source_version"),
        path=decode.soft_text(raw, "path"),
        layer=decode.soft_text(raw, "layer"),
        owner=decode.soft_text(raw, "owner"),
        purl=decode.soft_text(raw, "purl"),
        licences=decode.soft_texts(raw, "licences"),
    )


def finding_json(one: Finding, packages: Mapping[Package, int]) -> JsonObject:
    """A finding; its package by its number in the report."""
    return filled(
        {
            "kind": str(one.kind),
            "id": one.id,
            "aliases": list(one.aliases),
            "package": packages[one.package] if one.package else None,
            "location": location_json(one.location) if one.location else None,
            "fixed_in": one.fixed_in,
            "fixed_versions": list(one.fixed_versions),
            "fixable": str(one.fixable),
            "severity": str(one.severity),
            "severity_source": one.severity_source,
            "ratings": [rating_json(rating) for rating in one.ratings],
            "title": one.title,
            "urls": list(one.urls),
            "published": one.published,
            "modified": one.modified,
            "exploited": _exploited_json(one.exploited) if one.exploited else None,
            "epss": _epss_json(one.epss) if one.epss else None,
            "malware": one.malware,
            "inexact": one.inexact,
            "evidence": _evidence_json(one.evidence) if one.evidence else None,
            "remark": one.remark,
            "sources": list(one.sources),
            "origin": "" if one.origin is Origin.UNKNOWN else str(one.origin),
            "brought_by": _brought_by_json(one.brought_by) if one.brought_by else None,
        },
        always=("kind", "id", "fixable", "severity"),
    )


def finding_of(raw: JsonObject, packages: tuple[Package, ...]) -> Finding:
    """Read a finding of a report with these packages; raises ``Wrong``."""
    location, exploited = decode.soft_object(raw, "location"), decode.soft_object(raw, "exploited")
    epss, evidence = decode.soft_object(raw, "epss"), decode.soft_object(raw, "evidence")
    brought_by = decode.soft_object(raw, "brought_by")
    return Finding(
        kind=word(raw, "kind", Kind),
        id=decode.text(raw, "id"),
        aliases=decode.soft_texts(raw, "aliases"),
        package=_package_at(raw, packages),
        location=location_of(location) if location else None,
        fixed_in=decode.soft_text(raw, "fixed_in"),
        fixed_versions=decode.soft_texts(raw, "fixed_versions"),
        fixable=word(raw, "fixable", Fixable),
        severity=word(raw, "severity", Severity),
        severity_source=decode.soft_text(raw, "severity_source"),
        ratings=tuple(rating_of(one) for one in decode.soft_objects(raw, "ratings")),
        title=decode.soft_text(raw, "title"),
        urls=decode.soft_texts(raw, "urls"),
        published=decode.soft_text(raw, "published"),
        modified=decode.soft_text(raw, "modified"),
        exploited=_exploited_of(exploited) if exploited else None,
        epss=_epss_of(epss) if epss else None,
        malware=decode.soft_flag(raw, "malware"),
        inexact=decode.soft_flag(raw, "inexact"),
        evidence=_evidence_of(evidence) if evidence else None,
        remark=decode.soft_text(raw, "remark"),
        sources=decode.soft_texts(raw, "sources"),
        origin=word(raw, "origin", Origin) if "origin" in raw else Origin.UNKNOWN,
        brought_by=_brought_by_of(brought_by) if brought_by else None,
    )


def filled(raw: Mapping[str, Json], always: tuple[str, ...] = ()) -> JsonObject:
    """Without what is empty, but for these keys."""
    return {
        key: value
        for key, value in raw.items()
        if key in always or not (value is None or value is False or value in ("", []) or value == {})
    }


def word(raw: JsonObject, key: str, words: type[_Word]) -> _Word:
    """One of an enumeration's words; raises ``Wrong``."""
    try:
        return words(decode.text(raw, key))
    except ValueError as error:
        raise Wrong(f"{key}: {error}") from error


def location_json(one: Location) -> JsonObject:
    """A location."""
    body: dict[str, Json] = {"place": str(one.place), "file": one.file, "layer": one.layer}
    return filled({**body, "line": one.line or None, "deleted": one.deleted}, always=("place", "file"))


def location_of(raw: JsonObject) -> Location:
    """Read a location; raises ``Wrong``."""
    return Location(
        place=word(raw, "place", Place),
        file=decode.text(raw, "file"),
        line=decode.soft_integer(raw, "line"),
        layer=decode.soft_text(raw, "layer"),
        deleted=decode.soft_flag(raw, "deleted"),
    )


def rating_json(one: Rating) -> JsonObject:
    """A rating."""
    return {
        "source": one.source,
        "severity": str(one.severity),
        "score": one.score,
        "vector": one.vector,
    }


def rating_of(raw: JsonObject) -> Rating:
    """Read a rating; raises ``Wrong``."""
    return Rating(
        source=decode.text(raw, "source"),
        severity=word(raw, "severity", Severity),
        score=decode.number(raw, "score"),
        vector=decode.text(raw, "vector"),
    )


def _package_at(raw: JsonObject, packages: tuple[Package, ...]) -> Package | None:
    if "package" not in raw:
        return None
    number = decode.integer(raw, "package")
    if number >= len(packages):
        raise Wrong(f"package {number} is not in the report")
    return packages[number]


def _exploited_json(one: Exploited) -> JsonObject:
    return filled({"source": one.source, "added": one.added, "due": one.due}, always=("source",))


def _exploited_of(raw: JsonObject) -> Exploited:
    return Exploited(
        source=decode.text(raw, "source"),
        added=decode.soft_text(raw, "added"),
        due=decode.soft_text(raw, "due"),
    )


def _epss_json(one: Epss) -> JsonObject:
    return {"score": one.score, "percentile": one.percentile, "day": one.day}


def _epss_of(raw: JsonObject) -> Epss:
    score = decode.number(raw, "score")
    if score is None:
        raise Wrong("epss has no score")
    return Epss(score=score, percentile=decode.number(raw, "percentile"), day=decode.text(raw, "day"))


def _evidence_json(one: Evidence) -> JsonObject:
    return filled({"masked": one.masked, "fingerprint": one.fingerprint}, always=("masked",))


def _evidence_of(raw: JsonObject) -> Evidence:
    return Evidence(decode.text(raw, "masked"), decode.soft_text(raw, "fingerprint"))


def _brought_by_json(one: BroughtBy) -> JsonObject:
    return {"file": one.file, "line": one.line, "text": one.text}


def _brought_by_of(raw: JsonObject) -> BroughtBy:
    return BroughtBy(
        file=decode.text(raw, "file"), line=decode.integer(raw, "line"), text=decode.text(raw, "text")
    )
