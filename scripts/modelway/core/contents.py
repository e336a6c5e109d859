"""What is in an image, as the SBOM attached to it says, and how to fetch that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from shlex import quote

from modelway.core.admission import Author, Witnessed, documents
from modelway.core.config import Identity
from modelway.core.cyclonedx import PREDICATE
from modelway.core.image import Digest
from modelway.core.json import Json, JsonObject
from modelway.core.vouched import SBOM, sbom_digest

_PURL = re.compile(r"pkg:([A-Za-z0-9.+-]+)/")
_LIBRARY, _SYSTEM = "library", "operating-system"


@dataclass(frozen=True, kw_only=True)
class Contents:
    """An SBOM the build attached."""

    document: JsonObject
    """CycloneDX."""
    digest: Digest
    """Of its canonical JSON, as the provenance names it."""
    attached: Digest | None
    """Of the statement that holds it, as the registry keeps it."""
    by: str
    vouched: bool
    """The build's provenance names this very one."""
    checked_by: tuple[str | Identity, ...] = ()
    """What the config verifies the build's word with, one of which signed it; nothing where nobody has to."""

    @cached_property
    def packages(self) -> tuple[tuple[str, str, str], ...]:
        """Name, version and ecosystem of each, in their order."""
        found = self._libraries
        return tuple(sorted((_text(one, "name"), _text(one, "version"), _ecosystem(one)) for one in found))

    @cached_property
    def _components(self) -> Sequence[Mapping[str, Json]]:
        """Those that can be read; another tool's document may hold anything."""
        listed = self.document.get("components")
        return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, Sequence) else []

    @cached_property
    def _libraries(self) -> Sequence[Mapping[str, Json]]:
        return [one for one in self._components if one.get("type") == _LIBRARY]

    @cached_property
    def ecosystems(self) -> Mapping[str, int]:
        """How many packages of each, the most first."""
        counted = Counter(map(_ecosystem, self._libraries))
        return dict(sorted(counted.items(), key=lambda one: (-one[1], one[0])))

    @property
    def distribution(self) -> str:
        """What it is built on; empty where there is no distribution in it."""
        found = (one for one in self._components if one.get("type") == _SYSTEM)
        return next((f"{_text(one, 'name')} {_text(one, 'version')}".strip() for one in found), "")

    @property
    def words(self) -> str:
        """In a line."""
        kinds = ", ".join(f"{number} {name}" for name, number in self.ecosystems.items())
        on = f" on {self.distribution}" if self.distribution else ""
        count = len(self._libraries)
        many = f"{count} package{'s' * (count != 1)}"
        return f"{many}{f' ({kinds})' if kinds else ''}{on}"

    @property
    def trust(self) -> str:
        """Whose word it is."""
        named = "named by its provenance" if self.vouched else "NOT named by any provenance"
        return f"said by {self.by}, {named}"

    def json(self) -> JsonObject:
        """For programs: in numbers, and where it is."""
        kinds: dict[str, Json] = dict(self.ecosystems)
        return {
            "packages": len(self._libraries),
            "by_ecosystem": kinds,
            "distribution": self.distribution,
            "digest": str(self.digest),
            "attached": str(self.attached) if self.attached else "",
            "by": self.by,
            "vouched": self.vouched,
        }

    def page(self, repository: str, image: Digest, *, listed: bool) -> Iterator[str]:
        """As HTML; the packages one by one only where they are wanted."""
        trust = escape(self.trust)
        said = trust if self.vouched else f'<span class="bad">{trust}</span>'
        yield f"<p>What is in it: {escape(self.words)}; {said}.</p>"
        yield "<details><summary>SBOM (CycloneDX), and how to fetch it</summary>"
        held = f", in the statement <code>{self.attached}</code>" if self.attached else ""
        yield f"<p>By its canonical JSON <code>{self.digest}</code>{held}</p>"
        commands = fetching(repository, image, self.checked_by)
        yield from (f"<p><code>{escape(one)}</code></p>" for one in commands)
        yield "</details>"
        if listed:
            yield f'<details><summary>The {len(self.packages)} packages</summary><ul class="packages">'
            for name, version, ecosystem in self.packages:
                yield f"<li><code>{escape(name)}</code> {escape(version)} ({escape(ecosystem)})</li>"
            yield "</ul></details>"


def fetching(repository: str, image: Digest, keys: Iterable[str | Identity]) -> Sequence[str]:
    """Commands that print the SBOM, checked: with modelway, and without, by each key that may have signed."""
    asked = f"--type {PREDICATE} {repository}@{image}"
    return (
        f"scripts/run evidence CONFIG --image {image} --format cyclonedx --out sbom.json",
        *(f"cosign verify-attestation {_by(key)} {asked}" for key in keys),
    )


def _by(key: str | Identity) -> str:
    """What cosign 3 is told of a key; with one there is no transparency log, and it has to be told so."""
    if not isinstance(key, Identity):
        return f"--key {quote(key)} --insecure-ignore-tlog=true"
    who = f"--certificate-identity-regexp {quote(f'^(?:{key.subject})$')}"
    root = f" --trusted-root {quote(key.trusted_root)}" if key.trusted_root else ""
    return f"{who} --certificate-oidc-issuer {quote(key.issuer)}{root}"


def of(attached: Sequence[Witnessed], build: Author, keys: Iterable[str | Identity] = ()) -> Contents | None:
    """The SBOM the build says: the one its provenance names, else the last it attached."""
    named = documents(attached, build).get(SBOM, frozenset())
    found = [one for one in attached if one.statement.predicate_type == PREDICATE and build.said(one)]
    every = [(one, sbom_digest(one.statement.predicate)) for one in found]
    every.sort(key=lambda one: one[1] not in named)
    if not every:
        return None
    one, digest = every[0]
    return Contents(
        document=one.statement.predicate,
        digest=digest,
        attached=one.document,
        by=one.said_by,
        vouched=digest in named,
        checked_by=tuple(keys),
    )


def _ecosystem(component: Mapping[str, Json]) -> str:
    """As its package URL says."""
    found = _PURL.match(_text(component, "purl"))
    return found[1].lower() if found else "other"


def _text(component: Mapping[str, Json], key: str) -> str:
    told = component.get(key)
    return told if isinstance(told, str) else ""
