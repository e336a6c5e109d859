"""KMS where moto's differs from AWS: a digest that is handed over to be signed is signed as it is.

moto hashes it once more, so that no signature of it verifies anywhere but in moto. And a signature that is
wrong is an error on AWS, no answer.
docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html, MessageType.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from moto.core.exceptions import JsonRESTError
from moto.kms.exceptions import ValidationException
from moto.kms.responses import KmsResponse
from moto.kms.utils import ECDSAPrivateKey, RSAPrivateKey

from modelway.rehearsal.context import Context
from modelway.rehearsal.wire import not_rehearsed

_HASHES = {
    "ECDSA_SHA_256": hashes.SHA256(),
    "ECDSA_SHA_384": hashes.SHA384(),
    "ECDSA_SHA_512": hashes.SHA512(),
}


class InvalidSignatureError(JsonRESTError):
    """What Verify answers for a signature that is not the key's (API_Verify, SignatureValid)."""

    def __init__(self) -> None:
        super().__init__("KMSInvalidSignatureException", "")


class Digest(bytes):
    """A message that is the digest of one."""


def install(context: Context) -> None:
    """Tell digests from messages where a request is read, and sign them as what they are."""
    del context
    _tell_digests()
    _sign_digests()
    _verify_digests()


def _tell_digests() -> None:
    read = KmsResponse._get_param  # noqa: SLF001 - moto reads every request by it

    def get_param(self: KmsResponse, param_name: str, if_none: object = None) -> object:
        found: object = read(self, param_name, if_none)
        whole = param_name != "Message" or read(self, "MessageType") != "DIGEST"
        return found if whole or not isinstance(found, bytes) else Digest(found)

    KmsResponse._get_param = get_param  # type: ignore[method-assign] # noqa: SLF001 - as above


def _sign_digests() -> None:
    sign, by_rsa = ECDSAPrivateKey.sign, RSAPrivateKey.sign

    def sign_digest(self: ECDSAPrivateKey, message: bytes, signing_algorithm: str) -> bytes:
        if not isinstance(message, Digest):
            return sign(self, message, signing_algorithm)
        return self.private_key.sign(message, _prehashed(message, signing_algorithm))

    def refuse_rsa(self: RSAPrivateKey, message: bytes, signing_algorithm: str) -> bytes:
        if isinstance(message, Digest):
            raise not_rehearsed("kms", "Sign", "digests only with keys of elliptic curves")
        return by_rsa(self, message, signing_algorithm)

    ECDSAPrivateKey.sign = sign_digest  # type: ignore[method-assign]
    RSAPrivateKey.sign = refuse_rsa  # type: ignore[method-assign]


def _verify_digests() -> None:
    verify = ECDSAPrivateKey.verify

    def verify_digest(
        self: ECDSAPrivateKey, message: bytes, signature: bytes, signing_algorithm: str
    ) -> bool:
        if not isinstance(message, Digest):
            if not verify(self, message, signature, signing_algorithm):
                raise InvalidSignatureError
            return True
        try:
            self.private_key.public_key().verify(signature, message, _prehashed(message, signing_algorithm))
        except InvalidSignature:
            raise InvalidSignatureError from None
        return True

    ECDSAPrivateKey.verify = verify_digest  # type: ignore[method-assign]


def _prehashed(digest: bytes, algorithm: str) -> ec.ECDSA:
    """How a digest is signed; KMS refuses one of another length."""
    kind = _HASHES[algorithm]
    if len(digest) != kind.digest_size:
        message = f"Digest is invalid length for algorithm {algorithm}."
        raise ValidationException(message)
    return ec.ECDSA(Prehashed(kind))
