"""Signing statements and telling who signed them: PEM key files, AWS KMS, and cosign for everything keyless.

ECDSA over P-256 with SHA-256 in DSSE envelopes, which is what ``cosign verify-attestation --key`` checks.
Keys are named as cosign names them: a path, ``env://VARIABLE``, ``awskms:///KEY-OR-ALIAS``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.adapters import cosign, environment, kms_keys
from modelway.core.config import Identity, ModelConfig, Signing
from modelway.core.naming import BUILD, KMS
from modelway.core.statement import Envelope, Signature, pre_authentication, sealed
from modelway.errors import Malformed, Unavailable

if TYPE_CHECKING:
    import boto3
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

    from modelway.adapters.aws import Accounts

VARIABLE, KEYLESS = "env://", "keyless"
_COSIGN_KEY = b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----"
"""A private key of cosign's own is encrypted: only cosign can use it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """An author of statements: the keys the config names, and the account whose KMS holds them."""

    signing: Signing
    session: Callable[[], boto3.Session]
    """Where it signs."""
    reader: Callable[[], boto3.Session]
    """Where others read its public keys: by a role that cannot sign, and that they may assume."""


@dataclass(kw_only=True)
class SigningKeys:
    """Implements ``ports.Keys`` for one config."""

    root: Path
    holders: Mapping[str, Holder]
    _public: dict[tuple[str, str], EllipticCurvePublicKey | Unavailable] = field(default_factory=dict)
    """Each that was asked for, or why it cannot be read."""

    def seal(self, author: str, payload: bytes, /) -> bytes | None:
        """The statement signed with the author's key; ``None`` where the config names none."""
        holder = self.holders.get(author)
        key = holder.signing.sign_with if holder else None
        if holder is None or key is None:
            return None
        if key == KEYLESS:
            return cosign.attest(payload)
        signed = pre_authentication(payload)
        if key.startswith(KMS):
            signature = kms_keys.sign(holder.session(), key, signed)
            return sealed(payload, Signature(signature=signature, key=key.removeprefix(KMS)))
        pem = self._private(key)
        if pem.lstrip().startswith(_COSIGN_KEY):
            return cosign.attest(payload, key=self._path(key))
        return sealed(payload, _by_file(key, pem, signed))

    def signed_by(self, envelope: Envelope, /) -> frozenset[str]:
        """The authors whose keys or identities the signatures are by.

        A key that cannot be read, as one of an environment this job may not look into, or one that was
        deleted since another took its place, hides no other: it is a failure only where nobody is found.
        """
        found: set[str] = set()
        unread: Unavailable | None = None
        every = [(name, each, key) for name, each in self.holders.items() for key in each.signing.verify_with]
        for name, holder, key in every:
            try:
                if name not in found and self._signed(holder, key, envelope):
                    found.add(name)
            except Unavailable as failure:
                unread = failure
        if unread and not found:
            raise unread
        return frozenset(found)

    def _signed(self, holder: Holder, key: str | Identity, envelope: Envelope) -> bool:
        """Whether one of the signatures is by this key."""
        if isinstance(key, Identity):
            return envelope.certificate and cosign.is_by(envelope, key, self.root)
        if envelope.certificate or not envelope.signatures:
            return False
        public = self._key(holder, key)
        return any(_fits(public, one.signature, envelope.signed_bytes) for one in envelope.signatures)

    def _key(self, holder: Holder, key: str) -> EllipticCurvePublicKey:
        """A public key, read once; one that cannot be read is not asked for again."""
        place = (key, str(id(holder)) if key.startswith(KMS) else "")
        if place not in self._public:
            try:
                pem = kms_keys.public(holder.reader(), key) if key.startswith(KMS) else self._private(key)
                self._public[place] = _public(key, pem)
            except Unavailable as failure:
                self._public[place] = failure
        found = self._public[place]
        if isinstance(found, Unavailable):
            raise found
        return found

    def _private(self, key: str) -> bytes:
        """A key's bytes, from a variable or a file of the repository."""
        if key.startswith(VARIABLE):
            name = key.removeprefix(VARIABLE)
            text = environment.get(name)
            if not text:
                what = f"the signing key {key} is not there"
                cure = f"set {name} to the key in PEM, as a secret of the workflow's environment."
                raise Unavailable(what, seen=f"The variable {name} is not set.", cure=cure)
            return text.encode()
        try:
            return self._path(key).read_bytes()
        except OSError as error:
            cure = "name a PEM file of the repository, env://VARIABLE or awskms:///KEY."
            raise Unavailable(f"the key {key} cannot be read", seen=str(error), cure=cure) from error

    def _path(self, key: str) -> Path:
        return self.root / key


def open_keys(accounts: Accounts, config: ModelConfig, root: Path) -> SigningKeys:
    """The keys a config names."""
    spec = config.registry
    registry = partial(accounts.session, spec.account, spec.region)
    build = Holder(
        signing=config.evidence,
        session=partial(registry, spec.push_role),
        reader=partial(registry, spec.read_role),
    )
    places = {
        name: Holder(
            signing=place.evidence,
            session=partial(accounts.session, place.account, place.region, place.deploy_role),
            reader=partial(accounts.session, place.account, place.region, place.plan_role),
        )
        for name, place in config.environments.items()
    }
    return SigningKeys(root=root, holders={BUILD: build} | places)


def _by_file(name: str, pem: bytes, signed: bytes) -> Signature:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - 40 ms, and most commands sign nothing
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA  # noqa: PLC0415 - as above

    key = _private_key(name, pem)
    hint = base64.b64encode(hashlib.sha256(_der(key.public_key())).digest()).decode()
    return Signature(signature=key.sign(signed, ECDSA(hashes.SHA256())), key=hint)


def _private_key(name: str, pem: bytes) -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - as above

    cure = "make one: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise Malformed(f"{name} is no private key in PEM", seen=str(error), cure=cure) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Malformed(f"{name} is not a key of the curve P-256", cure=cure)
    return key


def _public(name: str, pem: bytes) -> EllipticCurvePublicKey:
    """The public key in a PEM, or the public half of a private one."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - as above

    cure = "write the public half: openssl pkey -in KEY.pem -pubout, or cosign public-key --key KEY"
    if b"PRIVATE KEY" in pem:
        return _private_key(name, pem).public_key()
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError) as error:
        raise Malformed(f"{name} is no public key in PEM", seen=str(error), cure=cure) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Malformed(f"{name} is not a key of the curve P-256", cure=cure)
    return key


def _der(key: EllipticCurvePublicKey) -> bytes:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above

    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.DER, kind)


def _fits(key: EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA  # noqa: PLC0415 - as above

    try:
        key.verify(signature, signed, ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
