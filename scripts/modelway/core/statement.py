"""What somebody says of a digest, and how it is sealed: in-toto statements in DSSE envelopes.

in-toto.io/Statement/v1 (github.com/in-toto/attestation, spec/v1/statement.md); DSSE v1
(github.com/secure-systems-lab/dsse, protocol.md); the Sigstore bundle v0.3 that ``cosign verify-attestation``
of version 3 reads (github.com/sigstore/protobuf-specs, sigstore_bundle.proto).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass

from modelway.core import decode
from modelway.core.decode import Wrong
from modelway.core.image import Digest
from modelway.core.json import Json, JsonObject, canonical

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
"""The OCI artifact type of a signed statement."""
STATEMENT_TYPE = "application/vnd.in-toto+json"
"""The OCI artifact type of a statement nobody signed, and the payload type of one that is."""
_STATEMENT = "https://in-toto.io/Statement/v1"
_STATEMENTS = (_STATEMENT, "https://in-toto.io/Statement/v0.1")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""Half a character, as JSON escapes it: two of them may be one."""
PREDICATE_ANNOTATION = "dev.sigstore.bundle.predicateType"
CONTENT_ANNOTATION = "dev.sigstore.bundle.content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One thing said of an image."""

    subject: Digest
    """The image's manifest digest."""
    predicate_type: str
    predicate: JsonObject

    def payload(self) -> bytes:
        """The bytes that are signed: equal statements give equal bytes."""
        subject: Json = [{"name": "", "digest": {"sha256": self.subject.hex}}]
        written: JsonObject = {
            "_type": _STATEMENT,
            "subject": subject,
            "predicateType": self.predicate_type,
            "predicate": self.predicate,
        }
        return canonical(written).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature over a payload."""

    signature: bytes
    key: str = ""
    """What the signer calls the key; only a hint, never a proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A payload and who signed it; nobody, where no key is configured."""

    payload: bytes
    signatures: tuple[Signature, ...] = ()
    certificate: bool = False
    """Signed with a short-lived certificate (keyless): only a verifier with a trusted root can tell."""
    document: bytes = b""
    """The bytes it was read from; empty for one that was made here."""

    @property
    def signed_bytes(self) -> bytes:
        """What the signatures are over."""
        return pre_authentication(self.payload)


def pre_authentication(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding (PAE) of a statement: what is really signed."""
    kind = STATEMENT_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sealed(payload: bytes, signature: Signature) -> bytes:
    """A signed statement as a Sigstore bundle."""
    envelope: JsonObject = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": STATEMENT_TYPE,
        "signatures": [{"sig": base64.b64encode(signature.signature).decode()}],
    }
    bundle: JsonObject = {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {"publicKey": {"hint": signature.key}},
        "dsseEnvelope": envelope,
    }
    return canonical(bundle).encode()


def opened(document: bytes) -> Envelope:
    """Read a bundle, or a bare statement; raises ``Wrong`` for what is neither."""
    try:
        parsed = decode.an_object(json.loads(document), "the document")
    except (ValueError, RecursionError) as error:
        raise Wrong(f"it is no JSON object: {error}") from error
    if "dsseEnvelope" not in parsed:
        return Envelope(payload=document, document=document)
    sealed_ = decode.an_object(parsed["dsseEnvelope"], "dsseEnvelope")
    if decode.text(sealed_, "payloadType") != STATEMENT_TYPE:
        raise Wrong(f"its payload is a {decode.text(sealed_, 'payloadType')}, not an in-toto statement")
    material = parsed.get("verificationMaterial")
    material = decode.an_object(material, "verificationMaterial") if material is not None else {}
    hint = material.get("publicKey")
    key = decode.an_object(hint, "publicKey").get("hint") if hint is not None else ""
    return Envelope(
        payload=_bytes(sealed_, "payload"),
        signatures=tuple(
            Signature(signature=_bytes(one, "sig"), key=key if isinstance(key, str) else "")
            for one in decode.objects(sealed_, "signatures")
        ),
        certificate="certificate" in material or "x509CertificateChain" in material,
        document=document,
    )


def bare_signature(document: bytes) -> bool:
    """Whether it is a bundle over the image itself, without any statement (sigstore_bundle.proto)."""
    if b'"messageSignature"' not in document:
        return False  # nearly always, and without reading it twice
    try:
        parsed = json.loads(document)
    except (ValueError, RecursionError):
        return False
    return isinstance(parsed, dict) and "messageSignature" in parsed and "dsseEnvelope" not in parsed


def statement_of(payload: bytes, image: Digest | None = None) -> Statement:
    """Read a statement; raises ``Wrong``. Of several subjects the image counts, if it is among them."""
    try:
        text = payload.decode()
        raw = decode.an_object(json.loads(text, parse_constant=_no_number), "the statement")
        if _SURROGATE.search(text):
            canonical(raw).encode()
    except (ValueError, RecursionError) as error:
        raise Wrong(f"the statement is no JSON object: {error}") from error
    if raw.get("_type") not in _STATEMENTS:
        raise Wrong(f"_type is {raw.get('_type')!r}, not {_STATEMENT}")
    about = [decode.an_object(one.get("digest"), "subject.digest") for one in decode.objects(raw, "subject")]
    subjects = [_subject(digests) for digests in about if "sha256" in digests]
    if not subjects:
        raise Wrong("it is about nothing that has a SHA-256")
    predicate = raw.get("predicate")  # may be left out, says the specification
    return Statement(
        subject=image if image and image in subjects else subjects[0],
        predicate_type=decode.text(raw, "predicateType"),
        predicate={} if predicate is None else decode.an_object(predicate, "predicate"),
    )


def _no_number(text: str) -> None:
    """Python reads ``NaN``; JSON has no such number."""
    raise ValueError(f"{text} is no number")


def _subject(digests: JsonObject) -> Digest:
    """What a statement is about, by its SHA-256; of a source it may name others beside."""
    try:
        return Digest.parse(f"sha256:{digests.get('sha256')}")
    except ValueError as error:
        raise Wrong(f"subject.digest: {error}") from error


def labels(predicate_type: str, *, signed: bool) -> dict[str, str]:
    """What the referrer's manifest says of itself, so that a list of referrers tells the kinds apart."""
    content = {CONTENT_ANNOTATION: "dsse-envelope"} if signed else {}
    return {PREDICATE_ANNOTATION: predicate_type, **content}


def _bytes(raw: JsonObject, key: str) -> bytes:
    """Base64 under a key, in either of the alphabets that DSSE allows."""
    try:
        plain = decode.text(raw, key).replace("-", "+").replace("_", "/")
        return base64.b64decode(plain, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Wrong(f"{key} is not base64") from error
