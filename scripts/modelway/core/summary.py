"""What a gate says of a version that it let in, and of one that came in although it refused.

The first is SLSA's verification summary (slsa.dev/spec/v1.0/verification_summary), so that whoever reads
those reads ours; what only modelway knows stands in an extension field. The second is our own.
"""

from __future__ import annotations

import json
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from urllib.parse import quote, unquote

import modelway
from modelway.core import decode
from modelway.core.decode import Wrong
from modelway.core.image import Image
from modelway.core.json import Json, JsonObject, sha256
from modelway.core.passage import Passage
from modelway.core.scan_spec import Policy
from modelway.core.verdict import Approval, approval_of

_EXTENSION = "modelway_gate"
_SLSA = "1.0"
VERIFIED, UNVERIFIED = "SLSA_BUILD_LEVEL_1", "SLSA_BUILD_LEVEL_0"
"""Level 1 asks for provenance that says how it was built; more cannot be told from a signature alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A version that goes into an environment, and what was asked of it."""

    model: str
    environment: str
    version: str
    artifact: str | None
    contract: str
    at: str
    """When, RFC 3339."""
    release: str = ""
    steps: tuple[tuple[str, str], ...] = ()
    """Each step of the gate and what it said; of a broken glass, what it refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The gate let it in."""

    entry: Entry
    image: str
    """``repository@sha256:...``."""
    policy: str
    """SHA-256 of the rules it was judged by, 64 hex digits."""
    source: str = ""
    """Where the rules were read, as a URI; empty on a laptop."""
    inputs: tuple[str, ...] = ()
    """Digests of the documents it was decided by."""
    level: str = UNVERIFIED

    def predicate(self) -> JsonObject:
        """As SLSA writes it."""
        inputs: list[Json] = [{"digest": {"sha256": one.removeprefix("sha256:")}} for one in self.inputs]
        return {
            "verifier": {"id": "urn:modelway:gate:1", "version": {"modelway": modelway.__version__}},
            "timeVerified": self.entry.at,
            "resourceUri": _purl(self.image),
            "policy": {
                "uri": self.source or f"urn:modelway:policy:{self.entry.model}",
                "digest": {"sha256": self.policy},
            },
            "inputAttestations": inputs,
            "verificationResult": "PASSED",
            "verifiedLevels": [self.level],
            "slsaVersion": _SLSA,
            _EXTENSION: _entry_json(self.entry),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenGlass:
    """It came in although the gate refused it, and why somebody wanted that."""

    entry: Entry
    reason: str
    role: str
    """ARN of whoever did it."""
    approval: Approval | None = None
    """Who let the glass be broken, as GitHub tells it."""

    def predicate(self) -> JsonObject:
        """As it is signed."""
        return {
            "reason": self.reason,
            "role": self.role,
            "approval": self.approval.json() if self.approval else None,
            **_entry_json(self.entry),
        }


def summary_of(predicate: JsonObject) -> Summary:
    """Read a summary that modelway wrote; raises ``Wrong`` for another's."""
    if _EXTENSION not in predicate:
        raise Wrong("another verifier's summary")
    if predicate.get("verificationResult") != "PASSED":
        raise Wrong(f"its result is {predicate.get('verificationResult')!r}, not 'PASSED'")
    policy = decode.an_object(predicate.get("policy"), "policy")
    digests = (decode.an_object(one.get("digest"), "digest") for one in _inputs(predicate))
    return Summary(
        entry=_entry(
            decode.an_object(predicate[_EXTENSION], _EXTENSION), decode.text(predicate, "timeVerified")
        ),
        image=_image(decode.text(predicate, "resourceUri")),
        policy=decode.text(decode.an_object(policy.get("digest"), "policy.digest"), "sha256"),
        source=decode.text(policy, "uri"),
        inputs=tuple(f"sha256:{decode.text(one, 'sha256')}" for one in digests),
        level=next(iter(decode.texts(predicate, "verifiedLevels")), UNVERIFIED),
    )


def broken_of(predicate: JsonObject) -> BrokenGlass:
    """Read how the glass was broken; raises ``Wrong``."""
    approval = predicate.get("approval")
    return BrokenGlass(
        entry=_entry(predicate, decode.text(predicate, "at")),
        reason=decode.text(predicate, "reason"),
        role=decode.text(predicate, "role"),
        approval=None if approval is None else approval_of(approval),
    )


def told(passage: Passage) -> tuple[tuple[str, str], ...]:
    """The steps that refused, if some did; else every step and why it lets the version in."""
    return tuple((str(one.step), one.reason) for one in passage.broken or passage.steps)


def policy_hash(policy: Policy, contract: str, keys: Json) -> str:
    """One hash of all rules: the scan's policy and waivers, the contract tests, whose signatures count."""
    spec: Json = json.loads(json.dumps(asdict(policy.spec), default=_plain))
    return sha256({"scan": spec, "contract": contract, "keys": keys})


def _plain(value: object) -> Json:
    """Sets in order, and everything else as its text."""
    return sorted(map(str, value)) if isinstance(value, AbstractSet) else str(value)


def _inputs(predicate: JsonObject) -> list[JsonObject]:
    return [*decode.objects(predicate, "inputAttestations")]


def _entry_json(entry: Entry) -> dict[str, Json]:
    steps: list[Json] = [{"step": step, "reason": reason} for step, reason in entry.steps]
    return {
        "model": entry.model,
        "environment": entry.environment,
        "version": entry.version,
        "artifact": entry.artifact,
        "contract": entry.contract,
        "at": entry.at,
        "release": entry.release,
        "steps": steps,
    }


def _entry(raw: JsonObject, at: str) -> Entry:
    artifact = raw.get("artifact")
    return Entry(
        model=decode.text(raw, "model"),
        environment=decode.text(raw, "environment"),
        version=decode.text(raw, "version"),
        artifact=None if artifact is None else str(decode.digest(raw, "artifact")),
        contract=decode.text(raw, "contract"),
        at=at,
        release=decode.text(raw, "release"),
        steps=tuple(
            (decode.text(one, "step"), decode.text(one, "reason")) for one in decode.objects(raw, "steps")
        ),
    )


def _purl(image: str) -> str:
    """As package-url writes an image (github.com/package-url/purl-spec, types "oci")."""
    repository, _, digest = image.partition("@")
    name = repository.rpartition("/")[2].lower()
    return f"pkg:oci/{name}@{quote(digest, safe='')}?repository_url={quote(repository, safe='/:')}"


def _image(purl: str) -> str:
    """And back."""
    try:
        image = Image.parse(_unquoted(purl))
    except ValueError as error:
        raise Wrong(f"resourceUri: {error}") from error
    return str(image)


def _unquoted(purl: str) -> str:
    head, _, repository = purl.partition("?repository_url=")
    return f"{unquote(repository)}@{unquote(head.rpartition('@')[2])}"
