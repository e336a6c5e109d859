"""What is said of an image: how it was built, and where it passed. Predicates of in-toto statements.

Provenance is SLSA's (slsa.dev/spec/v1.0/provenance), whose by-products name the SBOM and the scan report by
their digests: one signature of the build binds all three. A verdict is one environment's own word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelway.core import decode
from modelway.core.decode import Wrong
from modelway.core.image import Digest
from modelway.core.json import Json, JsonObject

PROVENANCE = "https://slsa.dev/provenance/v1"
VERDICT = "urn:modelway:verdict:1"
SUMMARY = "https://slsa.dev/verification_summary/v1"
BREAK_GLASS = "urn:modelway:break-glass:1"
KINDS = {
    PROVENANCE: "provenance",
    VERDICT: "verdict",
    SUMMARY: "verification summary",
    BREAK_GLASS: "break-glass",
    "https://cyclonedx.org/bom": "SBOM",
}
"""Predicate types and what people call them."""
BUILD_TYPE = "urn:modelway:image:1"
_NOWHERE = "urn:modelway:local"
"""A clone without a remote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an image was built from, and by what. Empty where nobody can tell, as on a laptop."""

    repository: str = ""
    """URL, without credentials."""
    commit: str = ""
    ref: str = ""
    workflow: str = ""
    """The workflow file with its ref, as in ``OWNER/REPO/.github/workflows/release.yml@refs/tags/v1``."""
    run: str = ""
    """URL of the workflow's run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document attached beside the statement, named by its bytes."""

    name: str
    """``sbom`` or ``report``."""
    media_type: str
    digest: Digest
    notes: Mapping[str, str] = field(default_factory=dict)
    """What it says in short, so that a list of releases needs not read each document."""

    def json(self) -> JsonObject:
        """As a resource descriptor of in-toto."""
        notes: JsonObject = {"annotations": dict(self.notes)} if self.notes else {}
        return {
            "name": self.name,
            "mediaType": self.media_type,
            "digest": {"sha256": self.digest.hex},
            **notes,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How an image came to be."""

    model: str
    config: str
    """The config's path in the repository."""
    strategy: str
    inputs: str
    """The hash of all that goes into the build (``core.inputs``)."""
    source: Source
    bases: tuple[tuple[str, str], ...] = ()
    """Base images: the name in the Dockerfile, and the digest it had."""
    documents: tuple[Document, ...] = ()
    built: str = ""
    """When, RFC 3339."""

    def predicate(self) -> JsonObject:
        """As SLSA writes it."""
        commit: list[Json] = []
        if self.source.repository or self.source.commit:
            uri = f"git+{self.source.repository or _NOWHERE}" + (
                f"@{self.source.ref}" if self.source.ref else ""
            )
            commit = [{"uri": uri, "digest": {"gitCommit": self.source.commit}}]
        bases: list[Json] = [
            {"uri": name, "digest": {"sha256": digest.removeprefix("sha256:")}} for name, digest in self.bases
        ]
        return {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"config": self.config, "model": self.model, "strategy": self.strategy},
                "internalParameters": {"inputs": self.inputs},
                "resolvedDependencies": [*commit, *bases],
            },
            "runDetails": {
                "builder": {"id": self.source.workflow or "urn:modelway:builder:local"},
                "metadata": {"invocationId": self.source.run, "finishedOn": self.built},
                "byproducts": [document.json() for document in self.documents],
            },
        }


def provenance_of(predicate: JsonObject) -> Provenance:
    """Read a provenance that modelway wrote; raises ``Wrong`` for another's."""
    definition = decode.an_object(predicate.get("buildDefinition"), "buildDefinition")
    if definition.get("buildType") != BUILD_TYPE:
        raise Wrong(f"buildType is {definition.get('buildType')!r}: modelway did not build it")
    details = decode.an_object(predicate.get("runDetails"), "runDetails")
    outer = decode.an_object(definition.get("externalParameters"), "externalParameters")
    inner = decode.an_object(definition.get("internalParameters"), "internalParameters")
    metadata = decode.an_object(details.get("metadata"), "metadata")
    builder = decode.text(decode.an_object(details.get("builder"), "builder"), "id")
    dependencies = decode.objects(definition, "resolvedDependencies")
    git = next((one for one in dependencies if decode.text(one, "uri").startswith("git+")), None)
    uri = decode.text(git, "uri").removeprefix("git+") if git else ""
    repository, _, ref = uri.rpartition("@") if "@refs/" in uri else (uri.replace(_NOWHERE, ""), "", "")
    return Provenance(
        model=decode.text(outer, "model"),
        config=decode.text(outer, "config"),
        strategy=decode.text(outer, "strategy"),
        inputs=decode.text(inner, "inputs"),
        source=Source(
            repository=repository,
            commit=decode.text(decode.an_object(git.get("digest"), "digest"), "gitCommit") if git else "",
            ref=ref,
            workflow="" if builder.startswith("urn:") else builder,
            run=decode.text(metadata, "invocationId"),
        ),
        bases=tuple(
            (decode.text(one, "uri"), f"sha256:{_sha256(one)}") for one in dependencies if one is not git
        ),
        documents=tuple(_document(one) for one in decode.objects(details, "byproducts")),
        built=decode.text(metadata, "finishedOn"),
    )


def _document(raw: JsonObject) -> Document:
    try:
        digest = Digest.parse(f"sha256:{_sha256(raw)}")
    except ValueError as error:
        raise Wrong(f"a by-product's digest: {error}") from error
    notes = decode.an_object(raw.get("annotations") or {}, "annotations")
    return Document(
        name=decode.text(raw, "name"),
        media_type=decode.text(raw, "mediaType"),
        digest=digest,
        notes={key: decode.text(notes, key) for key in notes},
    )


def _sha256(raw: JsonObject) -> str:
    return decode.text(decode.an_object(raw.get("digest"), "digest"), "sha256")
