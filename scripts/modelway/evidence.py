"""What is attached to an image: writing statements there, and reading them with who signed them."""

from __future__ import annotations

from collections.abc import Iterable

from modelway.core.admission import Witnessed
from modelway.core.decode import Wrong
from modelway.core.image import Digest
from modelway.core.statement import (
    BUNDLE_TYPE,
    STATEMENT_TYPE,
    Envelope,
    Statement,
    labels,
    opened,
    statement_of,
)
from modelway.errors import NotAllowed
from modelway.ports import Clock, Keys, Registry

TYPES = (BUNDLE_TYPE, STATEMENT_TYPE)
"""OCI artifact types of statements, signed and not."""


def attach(registry: Registry, keys: Keys, clock: Clock, author: str, statement: Statement) -> bool:
    """Attach a statement to its image, signed by its author; whether it is signed.

    The same statement is attached once: what is there already by the same author is not said again.
    """
    payload = statement.payload()
    kept = [_envelope(document) for document in registry.attached(statement.subject, *TYPES)]
    same = [one for one in kept if one and one.payload == payload]
    if any(author in keys.signed_by(one) for one in same):
        return True
    signed = keys.seal(author, payload)
    if signed is None and same:
        return False
    kind, body = (STATEMENT_TYPE, payload) if signed is None else (BUNDLE_TYPE, signed)
    notes = labels(statement.predicate_type, signed=signed is not None)
    registry.attach(statement.subject, kind, body, created=clock.now(), annotations=notes)
    return signed is not None


def witnessed(keys: Keys, image: Digest, documents: Iterable[bytes]) -> tuple[Witnessed, ...]:
    """Attached statements and who signed each; raises ``NotAllowed`` for one that cannot be read.

    A document under a statement's type that is none is damaged or planted; neither is passed over.
    """
    found = []
    for document in documents:
        try:
            envelope = opened(document)
            statement = statement_of(envelope.payload, image)
        except Wrong as wrong:
            what = "a statement attached to the image cannot be read"
            cure = "find out who wrote it; release the image anew from the release workflow."
            raise NotAllowed(what, seen=str(wrong), cure=cure) from wrong
        signed = bool(envelope.signatures)
        by = keys.signed_by(envelope) if signed else frozenset()
        found.append(Witnessed(statement=statement, signers=by, signed=signed))
    return tuple(found)


def _envelope(document: bytes) -> Envelope | None:
    """A document as an envelope; nothing where it cannot be read."""
    try:
        return opened(document)
    except Wrong:
        return None
