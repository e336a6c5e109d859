"""Reports as JSON and back. ``schemas/report.schema.json`` describes what is written here.

What was written by earlier versions stays readable: it is attached to images that still serve.
"""

from __future__ import annotations

from collections import Counter

from modelway.core import decode
from modelway.core.decode import Wrong
from modelway.core.finding_json import filled, finding_json, finding_of, package_json, package_of
from modelway.core.findings import Finding, Origin, Package
from modelway.core.json import Json, JsonObject, sha256
from modelway.core.report import Database, ImageLayer, Read, Report, Unread

SCHEMA_VERSION = 2
_FIRST = 1


def report_json(report: Report) -> JsonObject:
    """A report as JSON, with the digest of everything else in it."""
    packages = {package: number for number, package in enumerate(report.packages)}
    body: dict[str, Json] = {
        "schema_version": SCHEMA_VERSION,
        "scanner": report.scanner,
        "tool": report.tool,
        "fingerprint": report.fingerprint,
        "subject": str(report.subject),
        "platform": report.platform,
        "distro": report.distro,
        "database": database_json(report.database) if report.database else None,
        "layers": [_layer_json(one) for one in report.layers],
        "packages": [package_json(one) for one in report.packages],
        "findings": [finding_json(one, packages) for one in report.findings],
        "read": [{"area": one.area, "count": one.count} for one in report.read],
        "unread": [unread_json(one) for one in report.unread],
        "notes": list(report.notes),
    }
    return {**body, "digest": f"sha256:{sha256(body)}"}


def report_of(value: Json) -> Report:
    """Read a report; raises ``Wrong`` when it is not one, or was altered."""
    raw = decode.an_object(value, "the report")
    body = {key: one for key, one in raw.items() if key != "digest"}
    version = raw.get("schema_version")
    if version not in (_FIRST, SCHEMA_VERSION) or not isinstance(version, int):
        raise Wrong(f"schema_version is neither {_FIRST} nor {SCHEMA_VERSION}: a newer modelway wrote it")
    if decode.text(raw, "digest") != _digest(body):
        raise Wrong("the report was altered: its digest is another")
    return _first(raw) if version == _FIRST else _report(raw)


def _report(raw: JsonObject) -> Report:
    packages = tuple(package_of(one) for one in decode.objects(raw, "packages"))
    return Report(
        scanner=decode.text(raw, "scanner"),
        tool=decode.text(raw, "tool"),
        fingerprint=decode.text(raw, "fingerprint"),
        subject=decode.digest(raw, "subject"),
        platform=decode.text(raw, "platform"),
        distro=decode.text(raw, "distro"),
        database=database_of(raw["database"]) if raw.get("database") is not None else None,
        layers=tuple(_layer_of(one) for one in decode.objects(raw, "layers")),
        packages=packages,
        findings=tuple(finding_of(one, packages) for one in decode.objects(raw, "findings")),
        read=tuple(_read_of(one) for one in decode.objects(raw, "read")),
        unread=tuple(unread_of(one) for one in decode.objects(raw, "unread")),
        notes=decode.texts(raw, "notes"),
    )


def _first(raw: JsonObject) -> Report:
    """A report of the first form: vulnerabilities of packages, by one scanner."""
    packages = tuple(package_of(one) for one in decode.objects(raw, "packages"))
    scanner = decode.text(raw, "scanner")
    counts = Counter(package.ecosystem for package in packages)
    return Report(
        scanner=scanner,
        fingerprint=decode.text(raw, "fingerprint"),
        subject=decode.digest(raw, "subject"),
        platform=decode.text(raw, "platform"),
        distro=decode.text(raw, "distro"),
        database=database_of(raw.get("database")),
        packages=packages,
        findings=tuple(_first_finding(one, packages, scanner) for one in decode.objects(raw, "findings")),
        read=tuple(Read(area=f"packages:{name}", count=counts[name]) for name in sorted(counts)),
        notes=decode.texts(raw, "notes"),
    )


def _first_finding(raw: JsonObject, packages: tuple[Package, ...], scanner: str) -> Finding:
    decode.integer(raw, "package")  # the first form knew no finding without one
    fixed_in = decode.text(raw, "fixed_in")
    added: dict[str, Json] = {
        "kind": "vulnerability",
        "sources": [scanner],
        "fixed_versions": [fixed_in] if fixed_in else [],
    }
    return finding_of({**raw, **added}, packages)


def database_json(about: Database) -> JsonObject:
    """What an index says of itself, as JSON."""
    return {
        "sources": list(about.sources),
        "built": about.built.isoformat(),
        "as_of": about.as_of.isoformat() if about.as_of else None,
        "newest_modified": about.newest_modified.isoformat() if about.newest_modified else None,
        "digest": str(about.digest) if about.digest else None,
        "records": about.records,
        "ecosystems": dict(about.ecosystems),
        **({"also": dict(about.also)} if about.also else {}),
        "note": about.note,
    }


def database_of(value: Json) -> Database:
    """Read what an index says of itself; raises ``Wrong``."""
    raw = decode.an_object(value, "database")
    ecosystems = decode.an_object(raw.get("ecosystems"), "ecosystems")
    also = decode.an_object(raw.get("also", {}), "also")
    built = decode.moment(raw, "built")
    if built is None:
        raise Wrong("built is missing")
    return Database(
        sources=decode.texts(raw, "sources"),
        built=built,
        as_of=decode.moment(raw, "as_of"),
        newest_modified=decode.moment(raw, "newest_modified"),
        digest=decode.digest(raw, "digest") if raw.get("digest") is not None else None,
        records=decode.integer(raw, "records"),
        ecosystems=tuple((name, decode.integer(ecosystems, name)) for name in sorted(ecosystems)),
        also=tuple((name, decode.text(also, name)) for name in sorted(also)),
        note=decode.text(raw, "note"),
    )


def unread_json(one: Unread) -> JsonObject:
    """Something that could not be read."""
    return filled(
        {"area": one.area, "what": one.what, "cure": one.cure, "path": one.path}, always=("area", "what")
    )


def unread_of(raw: JsonObject) -> Unread:
    """Read something that could not be read; raises ``Wrong``."""
    return Unread(
        area=decode.text(raw, "area"),
        what=decode.text(raw, "what"),
        cure=decode.soft_text(raw, "cure"),
        path=decode.soft_text(raw, "path"),
    )


def _read_of(raw: JsonObject) -> Read:
    return Read(area=decode.text(raw, "area"), count=decode.integer(raw, "count"))


def _layer_json(one: ImageLayer) -> JsonObject:
    origin = "" if one.origin is Origin.UNKNOWN else str(one.origin)
    return filled(
        {"diff_id": one.diff_id, "created_by": one.created_by, "origin": origin}, always=("diff_id",)
    )


def _layer_of(raw: JsonObject) -> ImageLayer:
    return ImageLayer(
        diff_id=decode.text(raw, "diff_id"),
        created_by=decode.soft_text(raw, "created_by"),
        origin=Origin(decode.soft_text(raw, "origin") or Origin.UNKNOWN),
    )


def _digest(body: JsonObject) -> str:
    """The digest of a report's body; what cannot be written has none."""
    try:
        return f"sha256:{sha256(body)}"
    except (ValueError, RecursionError) as error:
        raise Wrong(f"the report cannot be written: {error}") from error
