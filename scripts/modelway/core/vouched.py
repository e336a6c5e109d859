"""Documents beside an image against what its provenance names: all of them, and no others. Decides only.

A list of packages or a report that anybody attached says nothing; one the build names by its digest is as
good as the build's own word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from modelway.core.admission import Author, Ruling, Witnessed, read_provenances
from modelway.core.cyclonedx import PREDICATE
from modelway.core.evidence import Document
from modelway.core.image import Digest
from modelway.core.json import JsonObject, canonical
from modelway.core.manifest import digest_of

REPORT = "report"
SBOM = "sbom"
ECR_REPORT = "ecr-report"


def sbom_digest(predicate: JsonObject) -> Digest:
    """What the provenance names an SBOM by: the digest of its canonical JSON."""
    return digest_of(canonical(predicate).encode())


def sboms(attached: Iterable[Witnessed], build: Author) -> tuple[JsonObject, ...]:
    """The SBOMs the build attached."""
    return tuple(
        one.statement.predicate
        for one in attached
        if one.statement.predicate_type == PREDICATE and build.said(one)
    )


def complete(
    image: Digest,
    attached: Sequence[Witnessed],
    build: Author,
    reports: Mapping[Digest, bytes],
    names: Collection[str] = (REPORT, SBOM),
) -> Ruling:
    """Whether every such document that the build's newest provenance names is there, under its digest."""
    provenances = read_provenances(attached, build)
    if not provenances:
        return Ruling(ok=True, reason="no provenance names documents")
    found = {
        REPORT: frozenset(reports),
        SBOM: frozenset(sbom_digest(one) for one in sboms(attached, build)),
    }
    wanted = [one for one in provenances[0].documents if one.name in names]
    for document in wanted:
        if document.digest not in found.get(document.name, frozenset()):
            return _lost(image, document, build, found.get(document.name, frozenset()))
    there = " and ".join(sorted({one.name for one in wanted})) or "nothing else"
    return Ruling(ok=True, reason=f"{there} attached as the provenance names it")


def counting(
    attached: Sequence[Witnessed], build: Author, reports: Mapping[Digest, bytes], name: str = REPORT
) -> tuple[bytes, ...]:
    """The reports that count, in the order of the build's word for them, the newest first.

    Not in the registry's order: whoever may write there attaches an old report again, and it is the newest.
    Where no provenance names any, all count if nobody has to sign, and none otherwise.
    """
    said = read_provenances(attached, build)
    named = dict.fromkeys(one.digest for each in said for one in each.documents if one.name == name)
    if not named:
        return () if build.keys else tuple(reports.values())
    return tuple(reports[digest] for digest in named if digest in reports)


def _lost(image: Digest, document: Document, build: Author, found: Iterable[Digest]) -> Ruling:
    others = ", ".join(sorted(map(str, found)))
    return Ruling(
        ok=False,
        reason=f"the {document.name} the build vouches for is not attached to {image}",
        seen=f"expected {document.digest} from {build.words}, found {others or 'none'}",
        cure="Scan and push it again from the release workflow; find out who deleted or replaced it.",
    )
