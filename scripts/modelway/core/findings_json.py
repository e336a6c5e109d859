"""Reports as JSON and back. ``schemas/report.schema.json`` describes what is written here."""

from __future__ import annotations

from modelway.core import decode
from modelway.core.decode import Wrong
from modelway.core.findings import Database, Finding, Fixable, Package, Rating, Report, Severity
from modelway.core.json import Json, JsonObject, sha256

SCHEMA_VERSION = 1


def report_json(report: Report) -> JsonObject:
    """A report as JSON, with the digest of everything else in it."""
    packages = {package: number for number, package in enumerate(report.packages)}
    body: dict[str, Json] = {
        "schema_version": SCHEMA_VERSION,
        "scanner": report.scanner,
        "fingerprint": report.fingerprint,
        "subject": str(report.subject),
        "platform": report.platform,
        "distro": report.distro,
        "database": database_json(report.database),
        "packages": [_package_json(one) for one in report.packages],
        "findings": [_finding_json(one, packages[one.package]) for one in report.findings],
        "notes": list(report.notes),
    }
    return {**body, "digest": f"sha256:{sha256(body)}"}


def report_of(value: Json) -> Report:
    """Read a report; raises ``Wrong`` when it is not one, or was altered."""
    raw = decode.an_object(value, "the report")
    body = {key: one for key, one in raw.items() if key != "digest"}
    if raw.get("schema_version") != SCHEMA_VERSION:
        raise Wrong(f"schema_version is not {SCHEMA_VERSION}")
    if decode.text(raw, "digest") != _digest(body):
        raise Wrong("the report was altered: its digest is another")
    packages = tuple(_package_of(one) for one in decode.objects(raw, "packages"))
    return Report(
        scanner=decode.text(raw, "scanner"),
        fingerprint=decode.text(raw, "fingerprint"),
        subject=decode.digest(raw, "subject"),
        platform=decode.text(raw, "platform"),
        distro=decode.text(raw, "distro"),
        database=database_of(raw.get("database")),
        packages=packages,
        findings=tuple(_finding_of(one, packages) for one in decode.objects(raw, "findings")),
        notes=decode.texts(raw, "notes"),
    )


def database_json(about: Database) -> JsonObject:
    """What an index says of itself, as JSON."""
    return {
        "sources": list(about.sources),
        "built": about.built.isoformat(),
        "as_of": about.as_of.isoformat() if about.as_of else None,
        "newest_modified": about.newest_modified.isoformat() if about.newest_modified else None,
        "digest": str(about.digest),
        "records": about.records,
        "ecosystems": dict(about.ecosystems),
        "note": about.note,
    }


def database_of(value: Json) -> Database:
    """Read what an index says of itself; raises ``Wrong``."""
    raw = decode.an_object(value, "database")
    ecosystems = decode.an_object(raw.get("ecosystems"), "ecosystems")
    built = decode.moment(raw, "built")
    if built is None:
        raise Wrong("built is missing")
    return Database(
        sources=decode.texts(raw, "sources"),
        built=built,
        as_of=decode.moment(raw, "as_of"),
        newest_modified=decode.moment(raw, "newest_modified"),
        digest=decode.digest(raw, "digest"),
        records=decode.integer(raw, "records"),
        ecosystems=tuple((name, decode.integer(ecosystems, name)) for name in sorted(ecosystems)),
        note=decode.text(raw, "note"),
    )


def _digest(body: JsonObject) -> str:
    """The digest of a report's body; what cannot be written has none."""
    try:
        return f"sha256:{sha256(body)}"
    except (ValueError, RecursionError) as error:
        raise Wrong(f"the report cannot be written: {error}") from error


def _package_json(one: Package) -> JsonObject:
    return {
        "ecosystem": one.ecosystem,
        "name": one.name,
        "version": one.version,
        "source_name": one.source_name,
        "source_version": one.source_version,
        "path": one.path,
        "layer": one.layer,
        "owner": one.owner,
    }


def _package_of(raw: JsonObject) -> Package:
    return Package(
        ecosystem=decode.text(raw, "ecosystem"),
        name=decode.text(raw, "name"),
        version=decode.text(raw, "version"),
        source_name=decode.text(raw, "source_name"),
        source_version=decode.text(raw, "source_version"),
        path=decode.text(raw, "path"),
        layer=decode.text(raw, "layer"),
        owner=decode.text(raw, "owner"),
    )


def _finding_json(one: Finding, package: int) -> JsonObject:
    return {
        "id": one.id,
        "aliases": list(one.aliases),
        "package": package,
        "fixed_in": one.fixed_in,
        "fixable": str(one.fixable),
        "severity": str(one.severity),
        "severity_source": one.severity_source,
        "ratings": [
            {"source": r.source, "severity": str(r.severity), "score": r.score, "vector": r.vector}
            for r in one.ratings
        ],
        "title": one.title,
        "urls": list(one.urls),
        "published": one.published,
        "inexact": one.inexact,
    }


def _finding_of(raw: JsonObject, packages: tuple[Package, ...]) -> Finding:
    number = decode.integer(raw, "package")
    if number >= len(packages):
        raise Wrong(f"package {number} is not in the report")
    return Finding(
        id=decode.text(raw, "id"),
        aliases=decode.texts(raw, "aliases"),
        package=packages[number],
        fixed_in=decode.text(raw, "fixed_in"),
        fixable=Fixable(decode.text(raw, "fixable")),
        severity=Severity(decode.text(raw, "severity")),
        severity_source=decode.text(raw, "severity_source"),
        ratings=tuple(
            Rating(
                source=decode.text(one, "source"),
                severity=Severity(decode.text(one, "severity")),
                score=decode.number(one, "score"),
                vector=decode.text(one, "vector"),
            )
            for one in decode.objects(raw, "ratings")
        ),
        title=decode.text(raw, "title"),
        urls=decode.texts(raw, "urls"),
        published=decode.text(raw, "published"),
        inexact=decode.flag(raw, "inexact"),
    )
